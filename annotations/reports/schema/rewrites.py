"""How much raters changed texts."""

from annotations.reports.schema.base import Part
from annotations.reports.schema.report import OwnPart


class RewrittenSystem(Part):
    """A system's texts, by one criterion."""

    system: str
    n: int  # rewrites
    unchanged: float  # share left as they were
    edits: float  # words inserted, deleted or replaced, a text
    edit_rate: float  # of these, by words of the rewrites
    pasted: float | None  # share of rewrites with pasted text, of those for which it is known
    typing_seconds: float | None  # median, of those that were changed and for which it is known


class RewritesPart(OwnPart):
    rewrites: dict[str, list[RewrittenSystem]]  # by criterion; empty where raters did not rewrite texts
