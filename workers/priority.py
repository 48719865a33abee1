"""Workers leave the processor to the site while it wants it."""

import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def give_way(niceness: int) -> None:
    """Lower this process's priority, and that of all it starts. 0 leaves it as it is.

    Where Linux groups processes by session (`sched_autogroup_enabled`), a process's own niceness counts within its
    session alone; the group's is lowered as well, where the session is this process's own.
    """
    os.nice(niceness)
    if niceness and os.getsid(0) == os.getpid() and AUTOGROUP.exists():
        try:
            AUTOGROUP.write_text(str(niceness))
        except OSError:  # not permitted, or too often
            return
