"""How many raters a campaign's rules of quality control will stop: simulated ones answer its screens, in memory."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.campaigns.models import Campaign, Candidate, Item
from annotations.campaigns.quality import Looked, Standing, check_places, looked_at, rule_broken
from annotations.campaigns.services.simulating import texts_by_system
from annotations.campaigns.simulation import KINDS, SeenText, SimulatedRater, Simulation, simulation_of
from annotations.errors import InputError
from annotations.progress import OnShare
from annotations.protocols import protocol_named


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


def stops_foretold(
    *, campaign: Campaign, raters: int, seed: int = 1, on_progress: OnShare = lambda _: None
) -> list[Foretold]:
    """So many simulated raters of each kind, each with other chances of how good the texts are: in one campaign all
    raters meet the same degraded texts, so that its shares vary more. Raises InputError for a campaign without rules.
    """
    if not campaign.quality_control:
        raise InputError(
            "--quality", f"campaign '{campaign.name}' declares no quality control", "give its file a table [quality]"
        )
    systems = list(campaign.entries.values_list("system__name", flat=True))
    regular, checks = screens_of(campaign)
    found = []
    for done, kind in enumerate(KINDS, start=1):
        rules, answered = defaultdict[str, int](int), 0
        for number in range(1, raters + 1):
            simulation = simulation_of(raters={kind: raters}, truth={}, systems=systems, seed=seed * raters + number)
            rule, screens = rater_played(campaign, simulation, number, kind, regular, checks)
            answered += screens
            rules[rule] += 1
        stopped = raters - rules.pop("", 0)
        shares = {rule: count / raters for rule, count in sorted(rules.items())}
        found.append(Foretold(kind, raters, stopped / raters, shares, answered / raters))
        on_progress(done / len(KINDS))
    return found


def screens_of(campaign: Campaign) -> tuple[list[Screen], list[Screen]]:
    """The campaign's ordinary screens, and those of quality control."""
    wrote, texts = texts_by_system(campaign), defaultdict[int, list[tuple[int, str, str]]](list)
    rows = Candidate.objects.filter(item__campaign=campaign).order_by("pk")
    for item, pk, public_id, text in rows.values_list("item", "pk", "public_id", "text"):
        texts[item].append((pk, str(public_id), text))
    regular, checks = list[Screen](), list[Screen]()
    items = Item.objects.filter(campaign=campaign).order_by("position")
    for key, kind, planted in items.values_list("pk", "kind", "planted"):
        bad = (planted or {}).get("degraded")
        seen = [SeenText(name, text, wrote[pk], name == bad) for pk, name, text in texts[key]]
        screen = Screen(seen, {name: pk for pk, name, _ in texts[key]}, planted)
        (checks if kind == Item.Kind.CONTROL else regular).append(screen)
    return regular, checks


def rater_played(
    campaign: Campaign,
    simulation: Simulation,
    number: int,
    kind: str,
    regular: Sequence[Screen],
    checks: Sequence[Screen],
) -> tuple[str, int]:
    """The rule that stops a simulated rater, or none, and after how many screens."""
    rater, quality = SimulatedRater(simulation, number, kind), campaign.quality_control
    draw = random.Random(f"{simulation.seed}:screens:{number}")
    screens = campaign.most_screens
    places = check_places(quality, screens, campaign.order_secret, -number)
    hidden = iter(draw.sample(checks, len(checks)))
    ordinary = iter(draw.sample(regular, len(regular)))
    standing, answer = Standing(), answering(campaign, rater, draw)
    for done in range(screens):
        screen = next(hidden if done in places else ordinary, None)
        if screen is None:
            break
        standing = standing.plus(answer(screen))
        if rule := rule_broken(quality, standing):
            return rule, done + 1
    return "", standing.answered


def answering(campaign: Campaign, rater: SimulatedRater, draw: random.Random) -> Callable[[Screen], Looked]:
    protocol, quality, rules = protocol_named(campaign.protocol), campaign.quality_control, campaign.rules
    criteria: list[str] = campaign.criteria

    def answer(screen: Screen) -> Looked:
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
        return looked_at(
            quality,
            protocol,
            stored,
            candidates=candidates,
            criteria=criteria,
            planted=screen.planted,
            pace=rater.seconds(words) / words,
        )

    return answer
