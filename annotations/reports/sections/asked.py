"""What was asked, of whom, of what."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Max, Min

from annotations.campaigns.models import Assignment, Campaign, Item, Rating
from annotations.campaigns.recruiting import pay_in_words, recruiting_in_words
from annotations.documents.blocks import Block, Column, Facts, Heading, Inline, Paragraph, Quote, Section, table
from annotations.protocols import protocol_named
from annotations.protocols.criteria import criteria_of
from annotations.reports.effect_words import margin_sentence
from annotations.reports.inputs import Inputs
from annotations.reports.looks import looks_taken
from annotations.reports.measures import measure_of
from annotations.reports.questionnaires import asked_in_words
from annotations.reports.schema.campaign import About, AskedPart
from annotations.reports.schema.report import Report
from annotations.reports.sheet_words import UNSEEN, criterion_rows, example_blocks
from annotations.reports.table import RatingTable
from annotations.reports.words import asked, counted, declared_sentence, early_sentence, look_sentence


def compute(inputs: Inputs) -> AskedPart:
    campaign = inputs.campaign
    return AskedPart(
        campaign=about(campaign, inputs.table),
        look=inputs.declared_look,
        looks_taken=looks_taken(campaign, inputs.before),
    )


def about(campaign: Campaign, table: RatingTable) -> About:
    """What was asked, of whom, of what."""
    regular = Item.objects.filter(campaign=campaign, kind=Item.Kind.REGULAR)
    rated = Item.objects.filter(campaign=campaign, kind__in=[Item.Kind.REGULAR, Item.Kind.REPEAT])
    theirs = Rating.objects.filter(assignment__item__in=rated, assignment__rater__trial=False)
    dated = Rating.objects.counting(campaign)
    if campaign.imported_by:  # a rating without a date of its own bears that of the import
        dated = dated.exclude(created_at=campaign.imported_by.created_at)
    dates = dated.aggregate(began=Min("created_at"), ended=Max("created_at"))
    kinds = dict(sorted(campaign.entries.values_list("system__name", "system__kind")))
    skipped = Assignment.objects.filter(item__in=rated, rater__trial=False, state=Assignment.State.SKIPPED)
    return About(
        name=campaign.name,
        purpose=campaign.purpose,
        dataset=campaign.dataset.name,
        split=campaign.split,
        unit=campaign.unit,
        protocol=campaign.protocol,
        show=campaign.show,
        systems=list(kinds),
        system_kinds=kinds,
        sources=campaign.items.values_list("source__kind", flat=True).first(),
        criteria=campaign.criteria,
        quality=campaign.quality_rules,
        questions=dict(asked_in_words(campaign)),
        recruiting=recruiting_in_words(campaign.recruited),
        pay=pay_in_words(campaign.recruited),
        cannot_say=campaign.cannot_say,
        comments=campaign.comments,
        criterion_words=in_order(campaign.criterion_words),
        scale=protocol_named(campaign.protocol).ends(campaign.scale),
        ties=campaign.ties,
        categories=list(protocol_named(campaign.protocol).categories_of(campaign.rules)),
        texts_per_screen=campaign.texts_per_screen,
        scale_found=campaign.scale_found,
        simulation=campaign.simulation,
        instructions=campaign.instructions,
        example=in_order(campaign.example),
        consent=campaign.consent,
        organizer=campaign.organizer,
        contact=campaign.contact,
        minutes=campaign.minutes,
        items=campaign.item_count,
        albums=regular.values("source__album").distinct().count(),
        overlap=campaign.overlap,
        family=campaign.family,
        looks=campaign.looks,
        spending=campaign.spending,
        equivalence_margin=campaign.equivalence_margin,
        seed=campaign.seed,
        unseen_albums=campaign.unseen_albums,
        screens=campaign.screens,
        state=campaign.state,
        interim=campaign.state != Campaign.State.CLOSED,
        imported=campaign.imported_by_id is not None,
        import_facts=in_order(campaign.import_facts),
        ratings=len(table.items),
        raters=len(set(table.raters.tolist())),
        skipped=skipped.count(),
        withdrawn=theirs.filter(kind=Rating.Kind.WITHDRAWN).count(),
        began=dates["began"] and dates["began"].isoformat(),
        ended=dates["ended"] and dates["ended"].isoformat(),
    )


def in_order(value: Any) -> Any:
    """A JSON value with its keys in alphabetical order: databases keep them in different ones."""
    return json.loads(json.dumps(value, sort_keys=True))


def section(report: Report) -> Section:
    return Section("asked", "What was asked", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    about = report.campaign
    said = f"{asked(report)} The texts are of {counted(len(about.systems), 'system')}: {', '.join(about.systems)}."
    if not about.imported:
        said += f" One text is one {about.unit}, from the split {about.split} of {about.dataset}."
    if about.unseen_albums:
        said += f" Items were drawn from albums {UNSEEN}."
    yield Paragraph(said)
    yield Facts(list(facts(about)))
    if not about.imported:
        rows = criterion_rows(protocol_named(about.protocol), criteria_of(about.criteria, about.criterion_words))
        titles = ("Criterion", Column("Name shown", "names"), Column("What raters read", "text"))
        yield table("criteria", "The criteria.", titles, rows)
    sentences = [
        f"{declared_sentence(report)} {margin_sentence(report)}",
        look_sentence(report),
        early_sentence(report),
    ]
    yield from (Paragraph(sentence.strip()) for sentence in sentences if sentence)
    if about.instructions:
        yield Heading("The raters' instructions")
        yield Quote(about.instructions)
    yield from example_blocks(about.example)


def facts(about: About) -> Iterator[tuple[str, Inline]]:
    yield "Ratings", f"{about.ratings}" if about.imported else f"{about.ratings} of {about.screens}"
    yield "Raters", about.raters
    yield "State", about.state
    yield "Items", about.items
    if about.albums:
        yield "Albums", about.albums
    yield "Maximum raters per item", about.overlap
    if not about.imported:
        yield "Skipped", about.skipped
        yield "Undone", about.withdrawn
    yield from measure_of(about).scale_facts(about).items()
    if about.began and about.ended:
        yield "First rating", about.began[:10]
        yield "Last rating", about.ended[:10]
