import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from django.core.management.base import CommandParser
from scipy.special import logit

from annotations.campaigns.quality import RULES
from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.foretelling import stops_foretold
from annotations.campaigns.spec import MAX_LOOKS
from annotations.errors import InputError
from annotations.management.base import AnswerCommand, table
from annotations.reports.keeping import check_unblinded
from annotations.reports.measures import measure_of
from annotations.reports.planning import Known, KnownOfChoices, KnownOfScores
from annotations.statistics.looks import Look, inflation, look_boundaries
from annotations.statistics.planning import (
    Design,
    Plan,
    Variances,
    information_at,
    plan,
    why_undefined,
)
from annotations.statistics.rehearsal import Rehearsal, rehearse

SECONDS, MAX_REHEARSED, RATERS = 30.0, 50_000, 2000


class Command(AnswerCommand):
    help = (
        "Plan a campaign: the detectable difference for a number of items and raters, the cost, looks, and the quality "
        "rule."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pilot", metavar="CAMPAIGN", help="a closed campaign to take the variances from")
        parser.add_argument("--systems", nargs=2, metavar="NAME", help="the pilot's two systems")
        parser.add_argument("--criterion", help="the pilot's criterion (its first)")
        parser.add_argument("--unblind", action="store_true", help="use a pilot before it is closed; this is logged")
        for name, what in (
            ("item", "variation of the difference between two systems over items"),
            ("rater", "its variation over raters"),
            ("residual", "its residual variation"),
        ):
            default = KnownOfScores.assumed[f"{name}_sd"]
            assumed = KnownOfChoices.assumed.get(f"{name}_sd")
            share = f"; for choices in share won, {assumed}" if assumed else ""
            parser.add_argument(
                f"--{name}-sd", type=float, help=f"standard deviation: {what} (assumed: {default}{share})"
            )
        parser.add_argument("--items", type=int, nargs="+", default=[200])
        parser.add_argument("--overlap", type=int, nargs="+", default=[3], help="raters per item")
        parser.add_argument("--raters", type=int, nargs="+", default=[8])
        parser.add_argument(
            "--choices", action="store_true", help="raters choose between the two systems instead of scoring them"
        )
        parser.add_argument("--share", type=float, help="true share won of decided choices, to compute power for")
        tied = KnownOfChoices.assumed["ties"]
        parser.add_argument("--ties", type=float, help=f"share of choices that are ties (assumed: {tied})")
        parser.add_argument("--difference", type=float, help="true difference in points, to compute power for")
        parser.add_argument("--power", type=float, default=0.8, help="power of the detectable difference (0.8)")
        parser.add_argument("--alpha", type=float, default=0.05, help="two-sided significance level (0.05)")
        parser.add_argument(
            "--looks", type=int, default=1, help="number of planned analyses, after equal shares of the ratings"
        )
        parser.add_argument("--spending", choices=["obrien-fleming", "pocock"], default="obrien-fleming")
        parser.add_argument("--seconds", type=float, help=f"time per screen (the pilot's median, or {SECONDS:g})")
        parser.add_argument("--pay", type=float, help="pay per hour, in any currency")
        parser.add_argument("--quality", metavar="CAMPAIGN", help="foretell whom its quality control will stop")
        parser.add_argument(
            "--simulated", type=int, default=RATERS, metavar="N", help=f"simulated raters of each kind ({RATERS})"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        check_numbers(options)
        known = known_of(options)
        seconds = options["seconds"] or known.seconds or SECONDS
        asked = {key: options[key] for key in ("power", "alpha", "pay")} | {"seconds": seconds}
        variances = known.at(options["share"])
        difference = options["difference"] if options["share"] is None else float(logit(options["share"]))
        rows, looks = [], []
        for each in product(options["items"], options["overlap"], options["raters"]):
            design = Design(*each)
            boundaries = looks_of(variances, design, options)
            planned = plan(variances, design, difference=difference, **asked)
            if boundaries:
                planned = with_looks(planned, rehearse(variances, design, boundaries), options)
            factor = inflation(boundaries, power=options["power"]) if boundaries else None
            row = known.row(design, power=options["power"], alpha=options["alpha"], looks=options["looks"])
            rows.append(plan_row(planned) | {"inflation": factor} | row)
            looks += [
                look_row(design, number, look, options["looks"]) for number, look in enumerate(boundaries, start=1)
            ]
        rules = self.stops_of(options)
        about = {"origin": known.origin, "said": list(known.said), **known.deviations(variances)}
        self.sentence = known.sentence.format(**about)
        asked |= {key: options[key] for key in ("difference", "share")}
        return {"variances": about, **asked, "plans": rows, "looks": looks, "quality": rules}

    def stops_of(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """A row for each kind of simulated rater."""
        if options["quality"] is None:
            return []
        campaign = campaign_named(options["quality"])
        with self.share() as show:
            found = stops_foretold(
                campaign=campaign,
                raters=options["simulated"],
                on_progress=lambda share: show(share, "simulating raters"),
            )
        return [
            {"kind": each.kind, "raters": each.raters, "stopped": each.stopped, "screens": each.screens}
            | {rule: each.by_rule.get(rule, 0.0) for rule in RULES}
            for each in found
        ]

    def shown(self, result: dict[str, Any]) -> Iterator[str]:
        variances = result["variances"]
        yield self.sentence
        yield from map(str, variances["said"])
        yield f"alpha {result['alpha']:g}, two-sided; {result['seconds']:g} seconds per screen"
        yield f"detectable: the difference that is found with power {result['power']:g}"
        if result["share"] is not None:
            yield f"power: where the first system truly wins {result['share']:g} of the decided choices"
        if any(row["detectable_interval"] for row in result["plans"]):
            yield "detectable interval: 95 %, for the uncertainty of the pilot's variances"
        if result["difference"] is not None:
            yield f"power: for a true difference of {result['difference']:g}"
        yield from columns(result["plans"], PLAN)
        if result["looks"]:
            yield (
                "inflation: factor by which the looks increase the number of ratings for the same power, in theory "
                "for many raters"
            )
            yield "\nLooks, after so many ratings: a result counts if its p-value is below the boundary"
            yield from columns(result["looks"], LOOK)
        if result["quality"]:
            yield STOPPED
            yield from columns(result["quality"], QUALITY)


STOPPED = "\nQuality control: the share of simulated raters of each kind whom a rule stops, and after how many screens"
PLAN = (
    *("items", "overlap", "raters", "ratings", "detectable", "detectable_share", "detectable_interval", "power"),
    *("hours", "hours_a_rater", "cost", "inflation"),
)
LOOK = ("items", "overlap", "raters", "look", "ratings", "information", "z", "p")
QUALITY = ("kind", "raters", "stopped", *RULES, "screens")
FORMATS = {"p": ".2g", "z": ".3f", "power": ".3f", "information": ".3f", "stopped": ".3f", "cost": ",.2f"}
FORMATS |= {"detectable_share": ".3f", "kind": "", "screens": ".1f", **dict.fromkeys(RULES, ".3f")}


def columns(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Iterator[str]:
    """A table of the rows' values, without the columns that are empty, and why a row is undefined."""
    filled = [key for key in keys if any(row[key] is not None for row in rows)]
    cells = [[shown_value(row[key], FORMATS.get(key, ".2f")) for key in filled] for row in rows]
    yield from table([[key.replace("_", " ") for key in filled], *cells])
    for number, row in enumerate(rows, start=1):
        if row.get("undefined"):
            yield f"row {number}: {row['undefined']}"


def shown_value(value: float | Sequence[float] | None, form: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " to ".join(f"{each:.3g}" for each in value)
    return str(value) if isinstance(value, int) else format(value, form)


def check_numbers(options: dict[str, Any]) -> None:
    """Raises InputError for an option outside its range."""
    counts = "a whole number of at least 1"
    for name, right, holds in (
        ("items", counts, lambda value: value >= 1),
        ("overlap", counts, lambda value: value >= 1),
        ("raters", counts, lambda value: value >= 1),
        ("simulated", counts, lambda value: value >= 1),
        ("looks", f"a whole number from 1 to {MAX_LOOKS}", lambda value: 1 <= value <= MAX_LOOKS),
        ("alpha", "between 0 and 1", lambda value: 0 < value < 1),
        ("power", "above alpha and below 1", lambda value: options["alpha"] < value < 1),
        ("seconds", "above 0", lambda value: 0 < value < math.inf),
        ("pay", "0 or more", lambda value: 0 <= value < math.inf),
        ("difference", "a number", math.isfinite),
        ("share", "above 0 and below 1", lambda value: 0 < value < 1),
        ("ties", "from 0 to below 1", lambda value: 0 <= value < 1),
        *((name, "0 or more", lambda value: 0 <= value < math.inf) for name in KnownOfScores.assumed),
    ):
        given = options[name]
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not holds(value):
                raise InputError(f"--{name.replace('_', '-')}", f"{value} must be {right}")


def known_of(options: dict[str, Any]) -> Known:
    """What the pilot says, or what is assumed."""
    names = dict.fromkeys((*KnownOfScores.assumed, *KnownOfChoices.assumed))
    given = {name: options[name] for name in names if options[name] is not None}
    if options["pilot"] is None:
        for name in ("systems", "criterion"):
            if options[name]:
                raise InputError(f"--{name}", "only applies to a pilot", "give its campaign with --pilot")
        kind = KnownOfChoices if options["choices"] else KnownOfScores
        kind.check(options)
        return kind.assuming(given)
    if given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(
            named, "cannot be given together with --pilot, which supplies the variances", "give only one of the two"
        )
    campaign = campaign_named(options["pilot"])
    measure = measure_of(campaign)
    measure.planning.check(options, name=campaign.name, protocol=campaign.protocol)
    check_unblinded(campaign, options["unblind"])
    if not options["systems"]:
        there = ", ".join(sorted(campaign.entries.values_list("system__name", flat=True)))
        raise InputError("--systems", f"name two systems of campaign '{campaign.name}': {there}")
    criterion = options["criterion"] or campaign.criteria[0]
    one, other = options["systems"]
    found = measure.pilot(campaign, (one, other), criterion)
    if found.pilot.variances is None:
        hint = "give variances with --item-sd, --rater-sd, --residual-sd"
        raise InputError("--pilot", str(found.pilot.said[0]), hint)
    counted = f"{found.differences} {measure.planning.counted}"
    origin = f"{counted} of {one} and {other}, {criterion}, in {campaign.name}"
    return measure.planning.by_pilot(found, found.pilot.variances, origin)


def looks_of(variances: Variances, design: Design, options: dict[str, Any]) -> list[Look]:
    """Boundaries of the looks at equal shares of the ratings; none without looks, or where there is no test."""
    count = options["looks"]
    if count == 1 or why_undefined(variances, design):
        return []
    if design.ratings > MAX_REHEARSED:
        raise InputError(
            "--looks", f"{design.ratings} ratings are too many to simulate", f"the limit is {MAX_REHEARSED}"
        )
    information = [information_at(look / count, variances, design) for look in range(1, count + 1)]
    try:
        return look_boundaries(information, alpha=options["alpha"], spending=options["spending"])
    except ValueError as error:
        raise InputError(
            "--looks",
            f"{count} looks are too many for {design.items} items by {design.raters} raters, as each adds too little "
            "information",
            "plan fewer looks or more raters",
        ) from error


def with_looks(planned: Plan, rehearsal: Rehearsal, options: dict[str, Any]) -> Plan:
    difference = options["difference"]
    return planned._replace(
        power=None if difference is None else rehearsal.power(difference),
        detectable=rehearsal.detectable(options["power"]),
    )


def plan_row(planned: Plan) -> dict[str, Any]:
    design, values = planned.design, planned._asdict()
    del values["design"]
    hours = {"hours_a_rater": planned.hours / design.raters}
    return {**asdict(design), "ratings": design.ratings, **values, **hours}


def look_row(design: Design, number: int, look: Look, count: int) -> dict[str, Any]:
    return {**asdict(design), "look": number, "ratings": round(design.ratings * number / count), **look._asdict()}
