"""How many raters a campaign's rules of quality control will stop: simulated ones answer its screens, in memory."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign, Candidate, Item
from annotations.campaigns.quality import screens_planned
from annotations.campaigns.questionnaires import share_passing_by_chance
from annotations.campaigns.services.planned import LATELY
from annotations.campaigns.services.simulating import texts_by_system
from annotations.campaigns.simulation import KINDS, SeenText, SimulatedRater, Simulation, made_worse, simulation_of
from annotations.campaigns.standing import Looked, Standing, looked_at, rule_broken
from annotations.errors import InputError
from annotations.progress import OnShare
from annotations.protocols import protocol_named

REGULAR, REPEAT = Item.Kind.REGULAR.value, Item.Kind.REPEAT.value


@dataclass(frozen=True)
class Screen:
    texts: Sequence[SeenText]
    candidates: Mapping[str, int]
    planted: Mapping[str, str] | None


@dataclass(frozen=True)
class Foretold:
    """Of simulated raters of a kind who answer all their screens: the share that each rule stops, and all together."""

    kind: str
    raters: int
    stopped: float
    by_rule: Mapping[str, float]
    screens: float  # that they answer on average, until they are stopped or done
    stopped_after: float = 0.0  # screens, on average, of those who are stopped


def stops_foretold(
    *, campaign: Campaign, raters: int, seed: int = 1, on_progress: OnShare = lambda _: None
) -> list[Foretold]:
    """So many simulated raters of each kind, each with other chances of how good the texts are: in one campaign all
    raters meet the same degraded texts, so that its shares vary more. A comprehension check stops those who answer
    without reading, as probably as they guess; all others are taken to pass. Raises InputError for a campaign without
    rules.
    """
    questions = campaign.questions("comprehension")
    if not campaign.quality_control and not questions:
        raise InputError(
            "--quality",
            f"campaign '{campaign.name}' declares no quality control",
            "give its file [quality] or [[comprehension]]",
        )
    systems = list(campaign.entries.values_list("system__name", flat=True))
    screens = screens_of(campaign)
    found = []
    for done, kind in enumerate(KINDS, start=1):
        rules, answered, until = defaultdict[str, int](int), 0, 0
        for number in range(1, raters + 1):
            simulation = simulation_of(raters={kind: raters}, truth={}, systems=systems, seed=seed * raters + number)
            rule, count = rater_played(campaign, simulation, number, kind, screens)
            answered += count
            until += count if rule else 0
            rules[rule] += 1
        rules.pop("", 0)
        passing = share_passing_by_chance(questions) if kind == "random" else 1.0
        shares = {rule: passing * count / raters for rule, count in sorted(rules.items())}
        shares |= {"comprehension": 1 - passing} if passing < 1 else {}
        stopped = sum(shares.values())
        after = passing * until / raters / stopped if stopped else 0.0  # who fails the check has answered none
        found.append(Foretold(kind, raters, stopped, shares, passing * answered / raters, after))
        on_progress(done / len(KINDS))
    return found


def screens_of(campaign: Campaign) -> dict[str, list[Screen]]:
    """The campaign's screens by kind; those that are repeated are no others."""
    wrote, texts = texts_by_system(campaign), defaultdict[int, list[tuple[int, str, str]]](list)
    rows = Candidate.objects.filter(item__campaign=campaign).exclude(item__kind=Item.Kind.REPEAT).order_by("pk")
    for item, pk, public_id, text in rows.values_list("item", "pk", "public_id", "text"):
        texts[item].append((pk, str(public_id), text))
    screens = defaultdict[str, list[Screen]](list)
    items = Item.objects.filter(campaign=campaign, pk__in=texts).order_by("position")
    for key, kind, planted in items.values_list("pk", "kind", "planted"):
        seen = [SeenText(name, text, wrote[pk], made_worse(planted, name)) for pk, name, text in texts[key]]
        screens[kind].append(Screen(seen, {name: pk for pk, name, _ in texts[key]}, planted))
    return screens


class Answered(NamedTuple):
    """A screen with the texts that it showed, what was stored of the answer, and what is seen in it."""

    screen: Screen
    stored: Any
    looked: Looked


def rater_played(
    campaign: Campaign, simulation: Simulation, number: int, kind: str, screens: Mapping[str, Sequence[Screen]]
) -> tuple[str, int]:
    """The rule that stops a simulated rater, or none, and after how many screens."""
    rater, quality = SimulatedRater(simulation, number, kind), campaign.quality_control
    draw = random.Random(f"{simulation.seed}:screens:{number}")
    most = campaign.most_screens
    planned = screens_planned(quality, most, campaign.order_secret, -number)
    left = {kind: iter(draw.sample(of_kind, len(of_kind))) for kind, of_kind in sorted(screens.items())}
    standing, answer = Standing(), answering(campaign, rater, draw)
    ordinary = list[Answered]()  # that can be repeated
    for done in range(most):
        following = planned[0] if planned and planned[0].after <= done else None
        repeated = None
        if following and following.kind == REPEAT:
            earlier = ordinary[:-LATELY]
            repeated = ordinary.pop(draw.randrange(len(earlier))) if earlier else None
        shown = following.kind if following and (repeated or following.kind != REPEAT) else REGULAR
        screen = repeated.screen if repeated else next(left[shown], None)
        if screen is None:
            break
        planned = planned if shown == REGULAR else planned[1:]
        answered = answer(screen, repeated)
        if shown == REGULAR:
            ordinary.append(answered)
        standing = standing.plus(answered.looked, shown)
        if rule := rule_broken(quality, standing):
            return rule, done + 1
    return "", standing.answered


def answering(
    campaign: Campaign, rater: SimulatedRater, draw: random.Random
) -> Callable[[Screen, Answered | None], Answered]:
    protocol, quality, rules = protocol_named(campaign.protocol), campaign.quality_control, campaign.rules
    criteria: list[str] = campaign.criteria

    def answer(screen: Screen, before: Answered | None) -> Answered:
        count = campaign.texts_per_screen or len(screen.texts)
        texts = draw.sample(screen.texts, min(count, len(screen.texts)))
        perceived = {criterion: rater.perceives(texts, criterion) for criterion in criteria}
        said = {text.name: text.text for text in texts}
        candidates = {text.name: screen.candidates[text.name] for text in texts}
        answers: Any = protocol.simulated(perceived, rules=rules, texts=said)
        words = sum(len(text.text.split()) for text in texts)
        stored = protocol.read(
            answers,
            criteria=criteria,
            candidates=candidates,
            rules=rules,
            texts={candidates[name]: text for name, text in said.items()},
        )
        twins = {str(pk): str(pk) for pk in candidates.values()}
        looked = looked_at(
            quality,
            protocol,
            stored,
            candidates=candidates,
            criteria=criteria,
            planted=screen.planted,
            pace=rater.seconds(words) / words,
            passed=protocol.agrees(before.stored, stored, twins, rules) if before else None,
        )
        return Answered(Screen(texts, candidates, screen.planted), stored, looked)

    return answer
