"""What a comparison reads of each closed campaign: its questions, its items and texts, who rated, and the ratings."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np

from annotations.campaigns.models import Campaign, CandidateOutput, Item, Rater
from annotations.errors import ConflictError, InputError, NotFoundError
from annotations.names import composed, name_problem
from annotations.protocols import protocol_named
from annotations.reasons import listed as all_of
from annotations.reports.comparison_schema import ComparedCampaign
from annotations.reports.measures import measure_of
from annotations.reports.reading import rating_table
from annotations.reports.schema.base import Interval
from annotations.reports.table import RatingTable
from annotations.reports.words import SHOWN
from annotations.statistics.uncertainty import Floats, Ints
from annotations.systems.models import Decoding


@dataclass(frozen=True)
class Study:
    """A closed campaign. What it reads is read once, and when it is asked for."""

    campaign: Campaign

    @property
    def name(self) -> str:
        return self.campaign.name

    @cached_property
    def about(self) -> ComparedCampaign:
        campaign = self.campaign
        return ComparedCampaign(
            name=campaign.name,
            purpose=campaign.purpose,
            dataset=campaign.dataset.name,
            split=campaign.split,
            closed=campaign.closed_at.date().isoformat() if campaign.closed_at else None,
            protocol=campaign.protocol,
            unit=campaign.unit,
            scale=protocol_named(campaign.protocol).ends(campaign.scale),
            categories=list(protocol_named(campaign.protocol).categories_of(campaign.rules)),
            show=campaign.show,
            instructions=campaign.instructions.strip(),
            imported=campaign.imported_by_id is not None,
            criteria=list(campaign.criteria),
            systems=sorted(self.decodings),
            items=len(self.sources),
        )

    @property
    def scale_is_found(self) -> bool:
        """Whether the scale is only the range of what an imported file held, so that scores may lie beyond it."""
        return self.campaign.scale_found

    @property
    def ends(self) -> Interval:
        """Between which all means lie, as far as it is known."""
        return (-np.inf, np.inf) if self.scale_is_found else self.about.scale

    @property
    def differences(self) -> Interval:
        """Between which all differences of means lie, as far as it is known."""
        low, high = self.ends
        return low - high, high - low

    @property
    def not_compared(self) -> str:
        """Why it cannot be compared with others; empty where it can."""
        if self.campaign.simulation:
            return "was rated by simulated raters, and is not compared with people's ratings."
        return measure_of(self.campaign).not_compared.format(protocol=self.campaign.protocol)

    @cached_property
    def places(self) -> dict[int, tuple[int, int]]:
        """Source and album of each regular item, by its position."""
        items = Item.objects.filter(campaign=self.campaign, kind=Item.Kind.REGULAR)
        rows = items.values_list("position", "source_id", "source__album_id")
        return {position: (source, album) for position, source, album in rows}

    @cached_property
    def sources(self) -> frozenset[int]:
        return frozenset(source for source, _ in self.places.values())

    @cached_property
    def decodings(self) -> dict[str, Decoding]:
        """By system."""
        entries = self.campaign.entries.select_related("system", "decoding")
        return {entry.system.name: entry.decoding for entry in entries}

    @cached_property
    def texts(self) -> dict[str, dict[int, str]]:
        """What raters saw of each system, by source."""
        found: dict[str, dict[int, str]] = {system: {} for system in self.decodings}
        shown = CandidateOutput.objects.filter(
            candidate__item__campaign=self.campaign, candidate__item__kind=Item.Kind.REGULAR
        ).values_list("output__decoding__system__name", "candidate__item__source_id", "candidate__text")
        for system, source, text in shown.iterator(chunk_size=2000):
            found[system][source] = text
        return found

    @cached_property
    def table(self) -> RatingTable:
        return rating_table(self.campaign).without_excluded()

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Who each rater of the table is: one person where an outside id says so, in whichever campaign, or did before
        they were erased."""
        raters = Rater.objects.filter(campaign=self.campaign).exclude(outside_id=None, erased_as=None)
        rows = raters.values_list("public_id", "outside_id", "erased_as")
        ids = {str(public): outside or str(erased) for public, outside, erased in rows}
        return tuple(f"outside {ids[name]}" if name in ids else name for name in self.table.rater_names)

    def ratings(self, criterion: str) -> "CriterionRatings":
        """The scores by the criterion on regular items."""
        size = max(self.places, default=-1) + 1
        of_position = np.zeros((size, 2), dtype=np.int64)
        for position, about in self.places.items():
            of_position[position] = about
        known = np.isin(self.table.items, list(self.places))
        sources, albums = of_position[self.table.items[known]].T
        return CriterionRatings(
            systems=self.table.systems,
            scores=self.table.scores[criterion][known],
            once=self.table.first[known],
            texts=self.table.shown[known],
            sources=sources,
            albums=albums,
            raters=self.table.raters[known],
            people=self.people,
        )


class CriterionRatings(NamedTuple):
    """A campaign's scores by one criterion: n screens, s systems."""

    systems: tuple[str, ...]
    scores: Floats  # (n, s), NaN where there is none
    once: np.ndarray  # (n, s) true in the first column of each text
    texts: Ints  # (n, s)
    sources: Ints  # (n) primary keys
    albums: Ints  # (n) primary keys
    raters: Ints  # (n) places in `people`
    people: tuple[str, ...]

    @property
    def given(self) -> np.ndarray:
        """(n) whether the screen has any score."""
        there: np.ndarray = np.asarray(~np.isnan(self.scores).all(axis=1))
        return there

    def rated(self) -> set[int]:
        """Sources that have a score."""
        return set(self.sources[self.given].tolist())

    def of_sources(self, sources: Sequence[int]) -> "CriterionRatings":
        there = np.isin(self.sources, sources)
        return CriterionRatings(
            systems=self.systems,
            scores=self.scores[there],
            once=self.once[there],
            texts=self.texts[there],
            sources=self.sources[there],
            albums=self.albums[there],
            raters=self.raters[there],
            people=self.people,
        )


def studies_named(names: Sequence[str]) -> list[Study]:
    """Oldest first, so that the order in which they are named changes nothing.

    Raises InputError for fewer than two or for one named twice, NotFoundError for an unknown name, ConflictError where
    one is not closed.
    """
    names = [composed(name) for name in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("", f"campaign '{twice[0]}' is named twice", "name different campaigns")
    if len(names) < 2:
        raise InputError("", f"{len(names)} campaign{'s'[: len(names) != 1]} to compare", "name at least two")
    known = [name for name in names if not name_problem(name)]  # nothing else is a campaign's, nor may be asked for
    found = {campaign.name: campaign for campaign in Campaign.objects.filter(name__in=known)}
    for name in names:
        if name not in found:
            closed = Campaign.objects.filter(state=Campaign.State.CLOSED).order_by("name")
            there = ", ".join(closed.values_list("name", flat=True)[:20])
            raise NotFoundError("", f"campaign '{name}' does not exist", f"closed campaigns: {there or 'none yet'}")
        if found[name].state != Campaign.State.CLOSED:
            raise ConflictError(
                "", f"campaign '{name}' is {found[name].state}: close it first", "only closed campaigns are compared"
            )
    return [Study(campaign) for campaign in sorted(found.values(), key=lambda campaign: campaign.pk)]


def alike(studies: Sequence[Study]) -> list[list[Study]]:
    """Those that asked the same, together."""
    groups: dict[Hashable, list[Study]] = {}
    for study in studies:
        groups.setdefault(study.about.questions, []).append(study)
    return list(groups.values())


def worded_alike(studies: Sequence[Study], criterion: str) -> list[list[Study]]:
    """Those in which raters read the same of the criterion, together."""
    groups: list[list[Study]] = []
    for study in studies:
        words = study.campaign.criterion_words.get(criterion)
        same = next((group for group in groups if group[0].campaign.criterion_words.get(criterion) == words), None)
        if same is None:
            groups.append([study])
        else:
            same.append(study)
    return groups


def shared_sources(studies: Sequence[Study]) -> list[int]:
    return sorted(frozenset.intersection(*(study.sources for study in studies)))


class Shown(NamedTuple):
    """One system as campaigns showed it: under one name, with the same texts. `places` are of the studies."""

    label: str
    name: str
    places: tuple[int, ...]


def systems_shown(studies: Sequence[Study], sources: Sequence[int]) -> tuple[list[Shown], list[str]]:
    """The systems of the studies, those with another text on a shared item as two, and a sentence on each of them."""
    found, notes = [], []
    for name in sorted({name for study in studies for name in study.decodings}):
        having = [place for place, study in enumerate(studies) if name in study.decodings]
        written = [studies[place].texts[name] for place in having]
        decodings = [studies[place].decodings[name] for place in having]
        common = [source for source in sources if all(source in texts for texts in written)]
        by_texts: dict[tuple[object, ...], list[int]] = {}
        for place, texts, decoding in zip(having, written, decodings, strict=True):
            key = tuple(texts[source] for source in common) or (decoding.pk,)
            by_texts.setdefault(key, []).append(place)
        parts = list(by_texts.values())
        if len(parts) == 1:
            found.append(Shown(name, name, tuple(having)))
            if len({decoding.pk for decoding in decodings}) > 1 and common:
                notes.append(
                    f"{name}: decoded again, with the same text on every shared item; it counts as one system."
                )
            continue
        for part, label in zip(parts, labels(name, parts, studies), strict=True):
            found.append(Shown(label, name, tuple(part)))
        other = sum(len({texts[source] for texts in written}) > 1 for source in common)
        what = "a different reference is shown" if decodings[0].system.kind == "human" else "a different text is shown"
        differing = settings_differing([decoding.settings for decoding in decodings])
        notes.append(
            f"{name}: {what} on {other:,} of the {len(common):,} shared items"
            f"{f' ({differing})' if differing and decodings[0].system.kind != 'human' else ''}; "
            f"it counts as {len(parts)} systems."
        )
    return found, notes


def labels(name: str, parts: Sequence[Sequence[int]], studies: Sequence[Study]) -> list[str]:
    """By the date of the decoding where that tells them apart, otherwise by the campaigns that showed it."""
    decodings = [studies[part[0]].decodings[name] for part in parts]
    days = [each.completed_at.date().isoformat() for each in decodings if each.completed_at]
    if decodings[0].system.kind != "human" and len(set(days)) == len(parts):
        return [f"{name} ({day})" for day in days]
    return [f"{name} ({', '.join(studies[place].name for place in part)})" for part in parts]


def settings_differing(settings: Sequence[Mapping[str, object]]) -> str:
    """`beam 1 and 4`, for each of the settings that are not the same."""
    parts = []
    for key in sorted({key for each in settings for key in each}):
        values = list(dict.fromkeys(str(each.get(key, "unset")) for each in settings))
        if len(values) > 1:
            parts.append(f"{key} {all_of(values)}")
    return ", ".join(parts)


def question_differences(studies: Sequence[Study]) -> list[str]:
    """A sentence for every two kinds of questions, with what is different about them."""
    return [
        f"{listed(one)} {'are' if len(one) > 1 else 'is'} not compared with {listed(other)}: "
        f"{'; '.join(differing(one[0].about, other[0].about))}."
        for one, other in combinations(alike(studies), 2)
    ]


def differing(one: ComparedCampaign, other: ComparedCampaign) -> list[str]:
    """What is different about their questions, the one's first."""
    said = [
        ("the protocol is {} and {}", one.protocol, other.protocol),
        ("a text is a {} and a {}", one.unit, other.unit),
        ("the scale is {} and {}", *(f"{low:.15g} to {high:.15g}" for low, high in (one.scale, other.scale))),
        ("the categories of errors are {} and {}", *(", ".join(each.categories) or "none" for each in (one, other))),
        ("raters saw {} and {}", *(SHOWN.get(show, show) for show in (one.show, other.show))),
    ]
    parts = [sentence.format(here, there) for sentence, here, there in said if here != there]
    if one.instructions != other.instructions:
        pairs = enumerate(zip(one.instructions, other.instructions, strict=False))
        shorter = min(len(one.instructions), len(other.instructions))
        start = max(0, next((place for place, (here, there) in pairs if here != there), shorter) - 20)
        quoted = [excerpt(each.instructions, start) for each in (one, other)]
        parts.append(f"the instructions are {all_of(quoted)}")
    return parts


def excerpt(text: str, start: int, longest: int = 80) -> str:
    """A quotation from about where two texts part."""
    if not text:
        return "the built-in ones"
    part = text[start : start + longest]
    return f"“{'…' * (start > 0)}{part}{'…' * (start + longest < len(text))}”"


def listed(studies: Sequence[Study]) -> str:
    return all_of([f"'{study.name}'" for study in studies])


def counted(counts: Mapping[str, int]) -> str:
    """`200 in 'a' and 150 in 'b'`."""
    return all_of([f"{count:,} in '{name}'" for name, count in counts.items()])
