"""What an import made of a file of ratings, in words that can go into a paper."""

from annotations.campaigns.models import Campaign
from annotations.campaigns.readers.scores import MQM_WEIGHTS
from annotations.reports.measures import measure_of

IMPORTED = (
    "The ratings were collected elsewhere and imported. How raters were asked, what else they saw, and whether they "
    "were tested is not known."
)
CLUSTERED = "Choices from one screen are not independent; standard errors are robust to raters and to items."
FORMS = {
    "ranks": (
        "Raters ranked the systems of an item. A ranking was converted to pairwise choices between all of them, equal "
        f"ranks being ties. {CLUSTERED}"
    ),
    "best-worst": (
        "Raters chose the best and the worst of what they saw. The best was treated as chosen over every other, and "
        f"every other as chosen over the worst. {CLUSTERED}"
    ),
    "spans": "Raters marked errors. The score of a text is minus the sum of its errors' weights: {weights}.",
}
FORMS["rankings"] = FORMS["ranks"]
NO_PLACE = "The positions of the texts on the screen are not known, so the model has no position effect."
REPEATS = (
    "If a rater rated the same text again, the first rating counts; {repeats} later ones are used for intra-rater "
    "agreement."
)
BLANK = "{blank} ratings were blank in the file and are omitted."
ONE_BLANK = "1 rating was blank in the file and is omitted."
POSITIONS = (
    "Raters are identified only by their position in a list, and the same position may be different people on "
    "different items: results about raters, and intervals over them, are valid only as far as it is the same person."
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
        measure_of(campaign).ordered if ordered else "",
        FORMS.get(facts.get("form", ""), "").format(weights=listed),
        "" if ordered else NO_PLACE,
        REPEATS.format(repeats=f"{facts['repeats']:,}") if facts.get("repeats") else "",
        ONE_BLANK if blank == 1 else BLANK.format(blank=f"{blank:,}") if blank else "",
        POSITIONS if facts.get("positions") else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
