"""The scale that a report's scores are on, and how many decimals such scores are shown with."""

from collections.abc import Mapping
from typing import Any

SLIDER = (0.0, 100.0)
FINE = 20  # points: a shorter scale shows two decimals
SHARES = 3
LEVEL = 0.05


def scale_of(report: Mapping[str, Any], criterion: str) -> tuple[float, float]:
    """Lowest and highest of what a criterion's means can be."""
    if is_choice(report, criterion):
        return 0.0, 1.0
    lowest, highest = report["campaign"].get("scale") or SLIDER
    return float(lowest), float(highest)


def scale_is_found(campaign: Mapping[str, Any]) -> bool:
    """Whether the scale is only the range of the scores that an imported file held: nobody said what it was."""
    return bool(campaign.get("scale_found", campaign.get("imported", False)))


def places_of(report: Mapping[str, Any], criterion: str) -> int:
    return places_on(*scale_of(report, criterion))


def places_on(lowest: float, highest: float) -> int:
    return SHARES if highest - lowest <= 1 else 2 if highest - lowest < FINE else 1


def is_choice(report: Mapping[str, Any], criterion: str) -> bool:
    """Of comparisons, whose means are shares won and whose differences are of log-strengths."""
    return bool(report["criteria"].get(criterion, {}).get("choices"))


def adjusted(pair: Mapping[str, Any]) -> float | None:
    """The p-value that decides: of the declared contrast its own, of all others the one that Holm adjusted. Where
    nothing varied both are those of the exact tests."""
    if not pair.get("primary"):
        return pair.get("p_holm")
    return exact_p(pair) if pair.get("unvaried") else pair.get("p")


def is_adjusted(report: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    """Whether Holm had anything to adjust: another pair of the same family that was tested."""
    if pair.get("primary"):
        return False
    whole = report["campaign"].get("family") == "campaign"
    family = [
        each
        for each in report["pairs"]
        if not each.get("primary")
        and each.get("p_holm") is not None
        and (whole or each["criterion"] == pair["criterion"])
    ]
    return len(family) > 1


def exact_p(pair: Mapping[str, Any]) -> float | None:
    """The larger p of the exact tests over raters and over albums."""
    exact = pair.get("exact") or {}
    found = [exact[by]["p"] for by in ("by_raters", "by_albums") if by in exact and exact[by]["p"] is not None]
    return max(found, default=None)


def boundary_of(report: Mapping[str, Any], pair: Mapping[str, Any]) -> float:
    """What the p-value of a pair has to be below: 0.05, or what the declared look spends on the declared contrast."""
    given = (report.get("primary") or {}).get("boundary") if pair.get("primary") else None
    return LEVEL if given is None else given


def limit_of(report: Mapping[str, Any], pair: Mapping[str, Any]) -> float | None:
    """The look's boundary that a pair's p is read against beside 0.05; None where there is none."""
    return (report.get("primary") or {}).get("boundary") if pair.get("primary") else None


def is_shown(report: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    """Whether a difference counts; of reports that were kept before they said so, by the p-value."""
    if "shown" in pair:
        return bool(pair["shown"])
    p = adjusted(pair)
    return p is not None and not pair.get("undefined") and p < boundary_of(report, pair)


def shares_won(result: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Of the decided comparisons of two systems the share that the first won, in both directions."""
    shares = {}
    for row in (result.get("choices") or {}).get("table") or []:
        if row.get("share") is not None:
            shares[row["system_a"], row["system_b"]] = row["share"]
            shares[row["system_b"], row["system_a"]] = 1 - row["share"]
    return shares
