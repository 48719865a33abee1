"""What a campaign declares before its results are known, as a sheet to be registered, and the fingerprint of what it
shows."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from typing import Any

from django.utils import translation

from annotations.importing.campaign_file import campaign_toml
from annotations.models import Campaign, Candidate, Item, Rating, Report
from annotations.protocols import protocol_named
from annotations.protocols.labels import label_of
from annotations.reports.heds import INSTRUMENTS, SEEN, question, scale
from annotations.reports.looks import boundaries_of
from annotations.reports.markdown import fenced, gap, plain, quoted, table
from annotations.reports.method import method_of
from annotations.services.campaigns import spec_of
from annotations.statistics.raters import DEGRADATIONS, FEWEST_PAIRS, PASS

ALPHA = 0.05
ROWS_A_READ = 2000
ORDERS = (
    "a rater gets one of the items that fewest have taken; the order of its texts is drawn with a secret of the "
    "campaign so that each system stands at each place equally often for every rater, within one (texts that several "
    "systems wrote alike and skipped screens can widen that), and as evenly as may be for every item"
)
UNDECLARED = (
    "who runs the study and who pays for it, approval by an ethics committee, what is done with remarks of raters, "
    "other analyses, and where this sheet is registered."
)
BLINDING = (
    "raters do not see who wrote a text, and all texts come in one typography under random names; a text that several "
    "systems wrote is shown once and counts for each; who leads is hidden from the researcher until the close, and an "
    "early look is kept"
)


def preregistration(campaign: Campaign, *, at: datetime) -> str:
    """The sheet in Markdown, as the campaign stands `at` that time. Nothing of any result is in it.

    Raises ConflictError for imported ratings, which were declared elsewhere, if at all.
    """
    file = campaign_toml(spec_of(campaign))
    with translation.override("en"):
        sections = {
            "What this sheet was made of": standing(campaign, at, file),
            "Hypotheses": hypotheses(campaign),
            "Design": design(campaign),
            "Measures": measures(campaign),
            "Planned sample and stopping": sample(campaign),
            "Exclusions": exclusions(campaign),
            "Analysis": analysis(campaign),
            "Not declared": gap(UNDECLARED),
            "Campaign file": fenced(file),
        }
    parts = [f"# Preregistration: {plain(campaign.name)}"]
    parts += [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join(parts) + "\n"


def analysis(campaign: Campaign) -> str:
    paragraphs = [plain(part) for part in method_of(campaign, planned=True).split("\n\n")]
    return "\n\n".join([*paragraphs, f"A difference is significant with p below {ALPHA}, two-sided."])


def standing(campaign: Campaign, at: datetime, file: str) -> str:
    """The campaign's state and what was in by then, and the hashes."""
    answers = Rating.objects.filter(assignment__item__campaign=campaign)
    kinds = Counter(answers.filter(assignment__rater__trial=False).values_list("kind", flat=True))
    tried, looked = (
        answers.filter(assignment__rater__trial=True).count(),
        Report.objects.filter(campaign=campaign).count(),
    )
    given = sum(kinds.values())
    said = [f"Made on {at:%Y-%m-%d %H:%M} UTC. The campaign is {campaign.state}."]
    if given:
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        said.append(f"**{given} ratings had come in by then ({listed}): it was not written before the data.**")
    else:
        said.append("No rating had come in by then.")
    if tried:
        said.append(f"{tried} answers of dry runs were there, which never count.")
    if looked:
        said.append(f"**Its results had been looked at: {looked} reports were kept by then.**")
    hashes = table(
        ["what", "SHA-256"],
        [
            ["the campaign file, as it stands at the end", f"`{hashlib.sha256(file.encode()).hexdigest()}`"],
            ["the campaign file, and all items, texts and decodings", f"`{content_sha256(campaign, file)}`"],
        ],
    )
    return f"{' '.join(said)}\n\n{hashes}"


def content_sha256(campaign: Campaign, file: str) -> str:
    """Of the campaign file, then a line of JSON for each decoding, each item and each of its texts, in their order."""
    whole = hashlib.sha256(file.encode())
    for row in content(campaign):
        whole.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return whole.hexdigest()


def content(campaign: Campaign) -> Iterator[list[Any]]:
    """What is shown and who wrote it, by names that are the same in every database."""
    entries = campaign.entries.values_list("system__name", "decoding__fingerprint", "decoding__settings")
    for entry in sorted(entries, key=lambda entry: entry[0]):
        yield ["decoding", *entry]
    items = Item.objects.filter(campaign=campaign).order_by("position")
    about = items.values_list(
        "pk", "position", "kind", "source__album__external_id", "source__kind", "source__key", "source__text"
    )
    part: dict[int, tuple[Any, ...]] = {}
    for pk, *row in about.iterator(chunk_size=ROWS_A_READ):
        part[pk] = tuple(row)
        if len(part) == ROWS_A_READ:
            yield from with_texts(part)
            part = {}
    yield from with_texts(part)


def with_texts(items: dict[int, tuple[Any, ...]]) -> Iterator[list[Any]]:
    texts: dict[int, dict[str, list[str]]] = {pk: {} for pk in items}
    shown = Candidate.objects.filter(item__in=items)
    for item, text, system in shown.values_list("item", "text", "outputs__decoding__system__name"):
        texts[item].setdefault(text, []).extend([system] if system else [])
    for pk, row in items.items():
        yield ["item", *row]
        for text, systems in sorted(texts[pk].items()):
            yield ["text", text, sorted(systems)]


def hypotheses(campaign: Campaign) -> str:
    pairs = len(list(combinations(range(campaign.entries.count()), 2))) * len(campaign.criteria)
    family = "one criterion at a time" if campaign.family == Campaign.Family.CRITERION else "all criteria together"
    if campaign.primary:
        first, second, criterion = map(plain, campaign.primary)
        said = (
            f"Primary: **{first}** and **{second}** differ by **{criterion}**. Two-sided, alpha {ALPHA}, tested by "
            f"itself. The other {pairs - 1} differences of two systems by a criterion are secondary"
        )
    else:
        said = f"No primary contrast is declared. All {pairs} differences of two systems by a criterion are on a par"
    expected = "what is expected and why: the direction, and the smallest difference that would matter."
    if campaign.equivalence_margin:
        what = "points" if protocol_named(campaign.protocol).gives == "scores" else "of a share won around one half"
        said += (
            "; two systems count as equivalent that are shown to differ by less than "
            f"**{campaign.equivalence_margin:g}** {what}, by two one-sided tests at {ALPHA}"
        )
        expected = "what is expected and why: the direction, and why a difference within the margin would not matter."
    return f"{said}; Holm adjusts their p-values, {family}.\n\n" + gap(expected)


def design(campaign: Campaign) -> str:
    kinds = Counter(Item.objects.filter(campaign=campaign).values_list("kind", flat=True))
    albums = Item.objects.filter(campaign=campaign).values("source__album").distinct().count()
    entries = campaign.entries.order_by("system__name").values_list("system__name", "system__kind")
    rows = [
        ["Systems", ", ".join(f"{plain(name)} ({kind})" for name, kind in entries)],
        ["Material", f"{plain(campaign.dataset.name)}, split {campaign.split}, {albums} albums; unit: {campaign.unit}"],
        ["Items", f"{kinds[Item.Kind.REGULAR]}, one source each, the same for every system"],
        ["Planned repeats, quality control", f"{kinds[Item.Kind.REPEAT]}, {kinds[Item.Kind.CONTROL]}"],
        ["Raters per item", f"at most {campaign.overlap}; nobody rates an item twice"],
        ["Completion code", f"after {campaign.minimum_answers} answered screens, or all that were left for the rater"],
        ["Raters see", f"{SEEN[campaign.show]}, and the texts of an item on one screen"],
    ]
    drawn = f"seed {campaign.seed} draws the items, their order, and which reference is the human text"
    return table(["", ""], [*rows, ["Randomisation", f"{drawn}; {ORDERS}"], ["Blinding", BLINDING]])


def measures(campaign: Campaign) -> str:
    values = scale({"protocol": campaign.protocol, "scale": campaign.scale or None, "imported": False}).get("4.3.4", "")
    instrument = INSTRUMENTS.get(campaign.protocol)
    said = f"Protocol: {campaign.protocol}. {instrument.presented if instrument else ''} {values}".strip()
    rows = [
        [plain(name), plain(label_of(name).title), question(name) if instrument and not instrument.relative else "—"]
        for name in campaign.criteria
    ]
    shown = f"{said}\n\n{table(['criterion', 'name shown', 'question shown'], rows)}"
    if campaign.instructions:
        shown += f"\n\nInstructions to raters:\n\n{quoted(campaign.instructions)}"
    return shown


def sample(campaign: Campaign) -> str:
    planned = f"{campaign.screens} screens: {campaign.item_count} items, {campaign.overlap} raters each."
    looks = boundaries_of(campaign)
    if not looks:
        seen = f"The results are looked at once, at the end; the primary contrast is significant with p below {ALPHA}."
    else:
        rows = [
            [
                f"{number}",
                f"{look.information:.0%}",
                f"{look.information * campaign.screens:.0f}",
                "—" if look.z is None else f"{look.z:.3f}",
                f"{look.p:.6f}" if look.p else "nothing can be found",
                f"{look.spent:.6f}",
            ]
            for number, look in enumerate(looks, start=1)
        ]
        seen = (
            f"The results are looked at {len(looks)} times, at equal shares of the screens; alpha {ALPHA} is spent by "
            f"the rule {campaign.spending} (Lan and DeMets 1983). The primary contrast counts at a look where its "
            "two-sided p is below that look's.\n\n"
            + table(["look", "share", "screens", "z beyond", "p below", "alpha spent"], rows)
        )
    missing = gap(
        "how many raters, how they are recruited and paid, when the campaign is closed if screens are left over, and "
        "the power that the sample gives (`plan_campaign`)."
    )
    return f"{planned} {seen}\n\n{missing}"


def exclusions(campaign: Campaign) -> str:
    controls = Item.objects.filter(campaign=campaign, kind=Item.Kind.CONTROL).count()
    tests = "; ".join(
        f"{name} for {' and '.join(criteria)}".replace("_", " ") for name, criteria in DEGRADATIONS.items()
    )
    there = f"The campaign has {controls} items of quality control." if controls else (
        "The campaign has no items of quality control, so that nobody can be left out by this rule."
    )  # fmt: skip
    return (
        "A rater is left out, with all answers, who does not score originals above their degraded versions: Student's "
        f"paired t over pairs, one-sided, p above {PASS:.2f}, of at least {FEWEST_PAIRS} pairs; with fewer they cannot "
        f"be tested and stay. Several criteria of a pair are averaged. What is degraded and what that tests: {tests}. "
        f"{there} Disagreement, severity or pace alone exclude nobody. Skipped and withdrawn answers do not count. The "
        "report gives the results with and without whoever was left out.\n\n"
        + gap("any other reason to leave a rater out.")
    )
