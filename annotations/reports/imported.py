"""What an import made of a file of ratings, in words that can go into a paper."""

from annotations.importing.ratings.scores import MQM_WEIGHTS
from annotations.models import Campaign
from annotations.protocols import protocol_named

IMPORTED = (
    "The ratings were collected elsewhere and imported. How raters were asked, what they saw beside, and whether they "
    "were tested is not known to this report."
)
ORDERED = "Of two texts the one that the file names first is taken as the one shown first."
CLUSTERED = "Choices from one screen are not independent; errors are robust to raters and to items."
FORMS = {
    "ranks": "Raters ranked the systems of an item. A ranking was taken as choices between every two of them, equal "
    f"ranks being ties. {CLUSTERED}",
    "best-worst": "Raters chose the best and the worst of what they saw. The best was taken as chosen over every "
    f"other, and every other as chosen over the worst. {CLUSTERED}",
    "spans": "Raters marked errors. The score of a text is the sum of its errors' weights, below zero: {weights}.",
}
FORMS["rankings"] = FORMS["ranks"]
NO_PLACE = "In which places the texts stood on the screen is not known, so the model has no advantage of the place."
REPEATS = (
    "Where a rater rated the same again, the first rating counts; {repeats} later ones tell how far raters agree with "
    "themselves."
)
BLANK = "{blank} ratings were blank in the file and are left out."
ONE_BLANK = "1 rating was blank in the file and is left out."
POSITIONS = (
    "Raters are known by their place in a list only, and the same place may be different people on different items: "
    "what is said of raters, and intervals over them, holds as far as it is the same person."
)


def heaviest(weight: tuple[str, float]) -> tuple[float, str]:
    """The order of weights: a database keeps none of its own."""
    return -weight[1], weight[0]


def imported_words(campaign: Campaign) -> str:
    """One paragraph; nothing for ratings that were collected here."""
    if campaign.imported_by_id is None:
        return ""
    facts = campaign.import_facts
    ordered, weights = facts.get("order_known", True), facts.get("weights") or {}
    listed = ", ".join(f"{key.lstrip('/')} {value:g}" for key, value in sorted(weights.items(), key=heaviest))
    if weights == MQM_WEIGHTS:
        listed += " (Freitag et al. 2021)"
    blank = sum((facts.get("missing") or {}).values())
    sentences = [
        IMPORTED,
        ORDERED if ordered and protocol_named(campaign.protocol).gives == "choices" else "",
        FORMS.get(facts.get("form", ""), "").format(weights=listed),
        "" if ordered else NO_PLACE,
        REPEATS.format(repeats=f"{facts['repeats']:,}") if facts.get("repeats") else "",
        ONE_BLANK if blank == 1 else BLANK.format(blank=f"{blank:,}") if blank else "",
        POSITIONS if facts.get("positions") else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
