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

from annotations.campaigns.models import Campaign, Candidate, Item, Rating
from annotations.campaigns.recruiting import pay_in_words, recruiting_in_words
from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.spec_files import campaign_toml
from annotations.documents.blocks import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Inline,
    Listing,
    Paragraph,
    Quote,
    Row,
    Run,
    Section,
    Strong,
    joined,
    table,
)
from annotations.documents.renderers.markdown import document_markdown
from annotations.protocols import protocol_named
from annotations.reports.looks import boundaries_of
from annotations.reports.measures import measure_of
from annotations.reports.method import method_of
from annotations.reports.models import Report
from annotations.reports.questionnaires import asked_in_words
from annotations.reports.sheet_words import (
    UNSEEN,
    criterion_rows,
    example_blocks,
    gap,
    seen_of_source,
    texts_on_a_screen,
)
from annotations.reports.words import counted

ALPHA = 0.05
NOTHING = "—"
READ_BATCH_SIZE = 2000
ORDERS = (
    "a rater gets one of the items that have the fewest raters so far; the order of its texts is drawn with a secret "
    "of the campaign so that each system appears equally often in each position for every rater, to within one "
    "(identical texts of several systems and skipped screens can widen that), and as evenly as possible for every item"
)
UNDECLARED = (
    "who runs and who funds the study, approval by an ethics committee, what is done with raters' comments, other "
    "analyses, and where this sheet is registered."
)
BLINDING = (
    "raters do not see who wrote a text, and all texts have the same typography and random names; identical texts of "
    "several systems are shown once and count for each; which system leads is hidden from the researcher until the "
    "close, and an unplanned analysis is logged and kept"
)


def preregistration(campaign: Campaign, *, at: datetime) -> str:
    """The sheet in Markdown. Raises ConflictError as `sheet_of` does."""
    return document_markdown(sheet_of(campaign, at=at))


def sheet_of(campaign: Campaign, *, at: datetime) -> Document:
    """The sheet as the campaign stands `at` that time. Nothing of any result is in it.

    Raises ConflictError for imported ratings, which were declared elsewhere, if at all.
    """
    file = campaign_toml(spec_of(campaign))
    with translation.override("en"):
        sections = [
            Section("standing", "Status of this sheet", list(standing(campaign, at, file))),
            Section("hypotheses", "Hypotheses", list(hypotheses(campaign))),
            Section("design", "Design", [design(campaign)]),
            Section("measures", "Measures", list(measures(campaign))),
            Section("sample", "Planned sample and stopping", list(sample(campaign))),
            Section("exclusions", "Exclusions", list(exclusions(campaign))),
            Section("analysis", "Analysis", list(analysis(campaign))),
            Section("undeclared", "Not declared", [gap(UNDECLARED)]),
            Section("file", "Campaign file", [Listing(file)]),
        ]
    return Document(f"Preregistration: {campaign.name}", sections)


def analysis(campaign: Campaign) -> Iterator[Block]:
    for part in method_of(campaign, planned=True).split("\n\n"):
        yield Paragraph(part)
    yield Paragraph(f"A difference is significant with p below {ALPHA}, two-sided.")


def standing(campaign: Campaign, at: datetime, file: str) -> Iterator[Block]:
    """The campaign's state and what was in by then, and the hashes."""
    answers = Rating.objects.filter(assignment__item__campaign=campaign)
    kinds = Counter(answers.filter(assignment__rater__trial=False).values_list("kind", flat=True))
    tried, looked = (
        answers.filter(assignment__rater__trial=True).count(),
        Report.objects.filter(campaign=campaign).count(),
    )
    given = sum(kinds.values())
    said: list[Inline] = [f"Made on {at:%Y-%m-%d %H:%M} UTC. The campaign is {campaign.state}."]
    if given:
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        said.append(
            Strong(
                f"{counted(given, 'rating')} had been received by then ({listed}): it was not written before the data "
                "were collected."
            )
        )
    else:
        said.append("No rating had been received by then.")
    if campaign.simulation:
        said.append(Strong("All its raters are simulated: it is a rehearsal, not a study."))
    if tried:
        said.append(f"Dry runs had given {counted(tried, 'answer')}, which never count.")
    if looked:
        said.append(Strong(f"Its results had been seen: {counted(looked, 'report')} had been kept by then."))
    yield Paragraph(joined(said))
    rows: list[Row] = [
        ["the campaign file, as printed at the end", Code(hashlib.sha256(file.encode()).hexdigest())],
        ["the campaign file, and all items, texts and decodings", Code(content_sha256(campaign, file))],
    ]
    yield table("hashes", "Hashes of what the sheet describes.", ("what", Column("SHA-256", "text")), rows)


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
    for pk, *row in about.iterator(chunk_size=READ_BATCH_SIZE):
        part[pk] = tuple(row)
        if len(part) == READ_BATCH_SIZE:
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


def hypotheses(campaign: Campaign) -> Iterator[Block]:
    pairs = len(list(combinations(range(campaign.entries.count()), 2))) * len(campaign.criteria)
    family = "within each criterion" if campaign.family == Campaign.Family.CRITERION else "all criteria together"
    said: list[Inline]
    if campaign.primary:
        first, second, criterion = map(Strong, campaign.primary)
        said = [
            *("Primary: ", first, " and ", second, " differ in ", criterion),
            f". Two-sided, alpha {ALPHA}, tested on its own. The other {pairs - 1} differences between two systems on "
            "a criterion are secondary",
        ]
    else:
        said = [
            f"No primary comparison is declared. There {'is' if pairs == 1 else 'are'} {counted(pairs, 'difference')} "
            "between two systems on a criterion, of equal status"
        ]
    expected = "the expected result and why: the direction, and the smallest difference that would matter."
    if campaign.equivalence_margin:
        said += [
            "; two systems count as equivalent if they are shown to differ by less than ",
            Strong(f"{campaign.equivalence_margin:g}"),
            f" {measure_of(campaign).margin_unit}, by two one-sided tests at {ALPHA}",
        ]
        expected = (
            "the expected result and why: the direction, and why a difference within the margin would not matter."
        )
    yield Paragraph(Run([*said, f"; their p-values are Holm-adjusted, {family}."]))
    yield gap(expected)


def design(campaign: Campaign) -> Block:
    kinds = Counter(Item.objects.filter(campaign=campaign).values_list("kind", flat=True))
    controls = kinds.total() - kinds[Item.Kind.REGULAR] - kinds[Item.Kind.REPEAT]
    again = campaign.quality_control.repeats
    but = f", but for {counted(again, 'planned repeats')} a rater" if again else ""
    albums = Item.objects.filter(campaign=campaign, kind=Item.Kind.REGULAR).values("source__album").distinct().count()
    entries = campaign.entries.order_by("system__name").values_list("system__name", "system__kind")
    told = f" ({campaign.get_layout_display().lower()})" if campaign.unit == Campaign.Unit.STORY else ""
    unseen = f", {UNSEEN}" if campaign.unseen_albums else ""
    unit, seen = f"{campaign.unit}{told}", seen_of_source(campaign.show, campaign.unit)
    rows = [
        ["Systems", ", ".join(f"{name} ({kind})" for name, kind in entries)],
        ["Material", f"{campaign.dataset.name}, split {campaign.split}, {albums} albums{unseen}; unit: {unit}"],
        ["Items", f"{kinds[Item.Kind.REGULAR]}, one source each, the same for every system"],
        ["Quality-control items", f"{controls}, each shown to every rater once" if controls else "none"],
        ["Raters per item", f"at most {campaign.overlap}; nobody rates an item twice{but}"],
        ["Screens per rater", f"at most {campaign.most_screens}"],
        [
            "Completion code",
            f"after {counted(campaign.minimum_answers, 'answered screen')}, or after all that were left for the rater",
        ],
        ["Raters see", f"{seen}, and {texts_on_a_screen(campaign.texts_per_screen)} on one screen"],
    ]
    drawn = f"seed {campaign.seed} draws the items, their order, and which reference is the human text"
    rows += [["Randomisation", f"{drawn}; {ORDERS}"], ["Blinding", BLINDING]]
    return table("design", "The design.", ("", Column("", "text")), rows)


def measures(campaign: Campaign) -> Iterator[Block]:
    protocol = protocol_named(campaign.protocol)
    values = protocol.allowed(campaign.rules).values
    yield Paragraph(f"Protocol: {campaign.protocol}. {protocol.instrument.presented} {values}")
    rows = criterion_rows(protocol, campaign.asked)
    titles = ("criterion", Column("name shown", "names"), Column("question shown", "text"))
    yield table("measures", "What raters are asked.", titles, rows)
    if campaign.cannot_say:
        yield Paragraph(f"Raters can answer “I cannot say” by: {', '.join(campaign.cannot_say)}.")
    if campaign.comments:
        yield Paragraph("Raters can comment on every screen.")
    for title, questions in asked_in_words(campaign):
        yield Paragraph(f"{title}:")
        yield Bullets(questions)
    if campaign.instructions:
        yield Paragraph("Instructions to raters:")
        yield Quote(campaign.instructions)
    yield from example_blocks(campaign.example)


def sample(campaign: Campaign) -> Iterator[Block]:
    planned = f"{campaign.screens} screens: {campaign.item_count} items, {campaign.overlap} raters each."
    looks = boundaries_of(campaign)
    if looks:
        yield Paragraph(
            f"{planned} The results are analysed {len(looks)} times, at equal shares of the screens; alpha {ALPHA} is "
            f"spent by the rule {campaign.spending} (Lan and DeMets 1983). The primary comparison counts as shown at "
            "an analysis if its two-sided p-value is below that analysis's boundary."
        )
        rows: list[Row] = [
            [
                number,
                f"{look.information:.0%}",
                f"{look.information * campaign.screens:.0f}",
                NOTHING if look.z is None else f"{look.z:.3f}",
                f"{look.p:.6f}" if look.p else "cannot be shown",
                f"{look.spent:.6f}",
            ]
            for number, look in enumerate(looks, start=1)
        ]
        titles = ("analysis", "share", "screens", "z boundary", "p boundary", "alpha spent")
        yield table("looks", "The planned analyses.", titles, rows)
    else:
        yield Paragraph(
            f"{planned} The results are analysed once, at the end; a difference is significant with p below {ALPHA}."
        )
    recruiting = campaign.recruited
    declared = [part for part in (recruiting_in_words(recruiting), pay_in_words(recruiting)) if part]
    if declared:
        yield Paragraph(" ".join(declared))
    unknown = [
        *([] if recruiting.participants else ["how many raters"]),
        *([] if recruiting.pay is not None else ["how they are recruited and paid"]),
        "when the campaign is closed if screens remain",
    ]
    yield gap(
        Run(
            [
                f"{', '.join(unknown)}, and the power that the sample gives (",
                Code("plan_campaign"),
                ").",
            ]
        )
    )


def exclusions(campaign: Campaign) -> Iterator[Block]:
    rules = campaign.quality_rules
    if rules:
        yield Bullets(rules)
        said = (
            "Whoever is stopped is excluded with all answers, and others rate their screens; a rater who is readmitted "
            "is stopped no more. Of all these screens none enters a result, nor does a repeat. Disagreement and "
            "severity alone do not exclude anybody."
        )
    else:
        said = (
            "The campaign declares no quality control: no rule stops a rater. Disagreement, severity or pace alone "
            "does not exclude anybody."
        )
    yield Paragraph(
        f"{said} Skipped and withdrawn answers do not count. The report gives the results with and without excluded "
        "raters."
    )
    yield gap("any other reason to exclude a rater.")
