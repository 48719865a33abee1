"""How much of a system's texts raters kept as they rewrote them."""

from collections.abc import Iterator, Mapping
from statistics import fmean, median

from annotations.campaigns.models import Campaign
from annotations.protocols.base import Level
from annotations.reports.measures.measure import MEANS, Measure, MethodWords
from annotations.reports.rows import RewriteRow, rewrite_rows
from annotations.reports.schema.campaign import About
from annotations.reports.schema.rewrites import RewrittenSystem
from annotations.reports.table import RatingTable

KEPT = (
    "Raters rewrote each text as they would have written it. The share kept is 1 − d / n, where d is the Levenshtein "
    "(1966) distance in words between the text and the rewrite, and n the words of the longer of the two: 1 if the "
    "text was left as it was, 0 if no word of it remained."
)


class ShareKept(Measure):
    name = "share_kept"
    row = RewriteRow
    imported = "rewrites"
    mean = "share kept"
    mean_title = "Share kept"
    means_caption = "Shares of the texts that raters kept"
    people_axis = "Share kept, people"
    higher = "changed less than"
    unit = "in the share kept"
    unit_after = " in the share kept"
    difference_axis = "Difference in the share kept"
    margin_unit = "in the share kept"
    row_against_column = "The row's share kept minus the column's"
    aggregation = (
        "For each system the mean share of its texts that raters kept, raw, and standardised by evaluator (z, shrunk). "
        "Identical texts of several systems count for each."
    )
    effect_size = (
        "the difference between two systems' shares kept, together with the probability of superiority and d_z (the "
        "difference in standard deviations), each with"
    )
    column_words = {"score": ("share", "the share of the text that the rater kept: 1 if it was left as it was")}

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        return {}

    def mean_axis(self, campaign: About) -> str:
        return "Share of the text kept"

    def mean_of(self, campaign: About) -> str:
        return "share of its texts that raters kept (1: left as it was)"

    def equivalent(self, margin: float) -> str:
        return f"they differ by less than {margin:g} in the share kept"

    def method(self, level: Level) -> MethodWords:
        words = super().method(level)
        return words._replace(measured=words.measured.replace(MEANS, f"{KEPT} {MEANS}"))

    def rows(self, campaign: Campaign) -> Iterator[RewriteRow]:
        return rewrite_rows(campaign)

    def rewrites(self, campaign: Campaign, table: RatingTable) -> Mapping[str, list[RewrittenSystem]]:
        by_system: dict[tuple[str, str], list[RewriteRow]] = {}
        for row in rewrite_rows(campaign):
            if not row.excluded and row.kind == "regular":
                by_system.setdefault((row.criterion, row.system), []).append(row)
        return {
            criterion: [
                rewritten(system, rows) for system in table.systems if (rows := by_system.get((criterion, system)))
            ]
            for criterion in table.criteria
        }


def rewritten(system: str, rows: list[RewriteRow]) -> RewrittenSystem:
    pasted = [row.pasted > 0 for row in rows if row.pasted is not None]
    typed = [row.typing_seconds for row in rows if row.edits and row.typing_seconds is not None]
    return RewrittenSystem(
        system=system,
        n=len(rows),
        unchanged=fmean(row.edits == 0 for row in rows),
        edits=fmean(row.edits for row in rows),
        edit_rate=sum(row.edits for row in rows) / sum(row.rewrite_words for row in rows),
        pasted=fmean(pasted) if pasted else None,
        typing_seconds=median(typed) if typed else None,
    )
