"""A worker gives way to the site."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
PROGRAM = """
import os, sys
from pathlib import Path
from workers import priority
priority.AUTOGROUP = Path(sys.argv[1])
priority.give_way(int(sys.argv[2]))
print(os.nice(0))
"""


@pytest.mark.parametrize(("niceness", "own_session", "group"), [(10, True, "10"), (10, False, ""), (0, True, "")])
def test_a_process_and_its_session_give_way(niceness: int, own_session: bool, group: str, tmp_path: Path) -> None:
    autogroup = tmp_path / "autogroup"
    autogroup.touch()
    command = [sys.executable, "-c", PROGRAM, str(autogroup), str(niceness)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=own_session)
    assert int(done.stdout) == min(os.nice(0) + niceness, 19)
    assert autogroup.read_text() == group
