"""What the options of `plan_campaign` ask for: a protocol, how its answers vary, and what is true."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign
from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.unblinding import check_unblinded
from annotations.errors import InputError
from annotations.protocols import DEFAULT, AnyProtocol, protocol_named
from annotations.reports.measures import Measure, measure_by
from annotations.reports.planning.curves import Analyse
from annotations.reports.planning.known import CRITERION, Known
from annotations.statistics.dealing import Layout
from annotations.statistics.looks import Look, look_boundaries

EFFECTS = ("difference", "share", "accuracy", "d_prime")
ASSUMED = ("item_sd", "rater_sd", "residual_sd", "severity_sd", "ties")
PEOPLE = "human"  # the first system where one has to be people


class Planned(NamedTuple):
    """`effect` is in the unit of `known`; None: nothing is said to be true."""

    protocol: str
    known: Known
    layout: Layout
    analyse: Analyse
    effect: float | None
    usual_seconds: float


def planned_from(options: Mapping[str, Any]) -> Planned:
    """Raises InputError for options that do not go together, or with the protocol."""
    campaign = campaign_named(options["pilot"]) if options["pilot"] else None
    protocol, measure = protocol_and_measure(options, campaign)
    check_options(options, measure.planning, protocol.name)
    known = known_by_pilot(campaign, measure, options) if campaign else assumed(protocol, measure, options)
    return Planned(
        protocol.name,
        known,
        layout_of(protocol, options),
        partial(measure.analysis, criterion=CRITERION, level=protocol.level, scale=protocol.ends(())),
        effect_of(options, known),
        protocol.usual_seconds,
    )


def protocol_and_measure(options: Mapping[str, Any], campaign: Campaign | None) -> tuple[AnyProtocol, Measure]:
    named = options["protocol"]
    if campaign is not None and named:
        raise InputError("--protocol", f"is the pilot's, {campaign.protocol}", "leave it out")
    found = protocol_named(campaign.protocol if campaign is not None else named or DEFAULT)
    return found, measure_by(found)


def check_options(options: Mapping[str, Any], known: type[Known], protocol: str) -> None:
    """Raises InputError for what does not go with the kind of answers."""
    there = ", ".join(f"--{name.replace('_', '-')}" for name in (*known.effects, *known.takes))
    for name in (*EFFECTS, *ASSUMED):
        if options[name] is not None and name not in (*known.effects, *known.takes):
            wrong = f"does not go with the protocol '{protocol}'"
            raise InputError(f"--{name.replace('_', '-')}", wrong, f"it takes {there}")
    given = [f"--{name.replace('_', '-')}" for name in known.effects if options[name] is not None]
    if len(given) > 1:
        raise InputError(" and ".join(given), "say the same in different units", "give only one of them")


def effect_of(options: Mapping[str, Any], known: Known) -> float | None:
    return next((turn(options[name]) for name, turn in known.effects.items() if options[name] is not None), None)


def layout_of(protocol: AnyProtocol, options: Mapping[str, Any]) -> Layout:
    """Raises InputError for what a campaign of the protocol could not choose."""
    systems = options["system_count"] or max(2, protocol.usual_texts, protocol.least_texts)
    chosen = options["texts_per_screen"]
    names = [PEOPLE, *(f"system {number}" for number in range(2, systems + 1))]
    places = {"texts_per_screen": "--texts-per-screen", "systems": "--system-count", "points": "--points"}
    try:
        protocol.check_campaign(
            points=options["points"],
            ties=None,
            texts=chosen,
            categories=(),
            systems=names,
            criteria=[CRITERION],
            purpose="evaluation",
        )
    except InputError as error:
        raise InputError(places.get(error.field, error.field), error.message, error.hint) from error
    texts = protocol.texts_shown(chosen, systems) or systems
    return Layout(systems, texts, always=bool(protocol.shown_always([PEOPLE])))


def assumed(protocol: AnyProtocol, measure: Measure, options: Mapping[str, Any]) -> Known:
    for name in ("systems", "criterion"):
        if options[name]:
            raise InputError(f"--{name}", "only applies to a pilot", "give its campaign with --pilot")
    given = {name: options[name] for name in ASSUMED if options[name] is not None}
    return measure.planning.assuming(protocol.assumes(options["points"]) | given)


def known_by_pilot(campaign: Campaign, measure: Measure, options: Mapping[str, Any]) -> Known:
    given = [name for name in (*ASSUMED, "points") if options[name] is not None]
    if given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(named, "cannot be given together with --pilot, which says it", "give only one of the two")
    check_unblinded(campaign, options["unblind"])
    if not options["systems"]:
        there = ", ".join(sorted(campaign.entries.values_list("system__name", flat=True)))
        raise InputError("--systems", f"name two systems of campaign '{campaign.name}': {there}")
    criterion = options["criterion"] or campaign.criteria[0]
    one, other = options["systems"]
    found = measure.pilot(campaign, (one, other), criterion)
    origin = f"{found.answers} {measure.planning.counted} of {one} and {other}, {criterion}, in {campaign.name}"
    return measure.planning.by_pilot(found, origin)


def looks_of(options: Mapping[str, Any]) -> list[Look]:
    """As a report has them: at equal shares of the screens, which are taken for those of the information."""
    count = options["looks"]
    if count == 1:
        return []
    shares = [number / count for number in range(1, count + 1)]
    return look_boundaries(shares, alpha=options["alpha"], spending=options["spending"])
