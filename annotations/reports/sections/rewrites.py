"""How much raters changed texts, where they were asked to rewrite them."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Number, Row, Section, table
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.scales import SHARES
from annotations.reports.schema.report import Report
from annotations.reports.schema.rewrites import RewritesPart
from annotations.reports.words import headed

PLACES = 2
MEANING = (
    "Edits: words inserted, deleted or replaced, at least, from the text that was shown to the rewrite (Levenshtein "
    "1966); moves are not counted as such. Edit rate: edits by words of the rewrites, as in human-targeted translation "
    "edit rate (HTER, Snover et al. 2006) but without shifts. Pasted: the share of rewrites with pasted text. Typing: "
    "the median of the seconds of typing in texts that were changed."
)


def compute(inputs: Inputs) -> RewritesPart:
    return RewritesPart(rewrites=dict(measure_of(inputs.campaign).rewrites(inputs.campaign, inputs.table)))


def section(report: Report) -> Section:
    return Section("rewrites", "Rewrites", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = RewritesPart.of(report)
    for name, systems in part.rewrites.items() if part else ():
        rows: list[Row] = [
            [
                each.system,
                each.n,
                Number(each.unchanged, SHARES),
                Number(each.edits, PLACES),
                Number(each.edit_rate, SHARES),
                Number(each.pasted, SHARES),
                Number(each.typing_seconds, 1),
            ]
            for each in systems
        ]
        titles = ("System", "Rewrites", "Unchanged", "Edits", "Edit rate", "Pasted", "Typing, s")
        about = f"{headed(name)}: how much raters changed each system's texts."
        yield table(f"rewrites-{name}", about, titles, rows, caption=MEANING)
