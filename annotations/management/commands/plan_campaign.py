import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from django.core.management.base import CommandParser

from annotations.errors import InputError
from annotations.importing.campaign_file import MOST_LOOKS
from annotations.management.base import AnswerCommand, table
from annotations.reports.pilot import pilot_of
from annotations.services.campaigns import campaign_named
from annotations.services.reports import check_unblinded
from annotations.statistics.looks import Look, inflation, look_boundaries
from annotations.statistics.planning import (
    Design,
    Plan,
    Variances,
    information_at,
    plan,
    quality_rule,
    why_undefined,
)
from annotations.statistics.rehearsal import Rehearsal, rehearse

ASSUMED = {"item_sd": 12.5, "rater_sd": 7.5, "residual_sd": 25.0}  # points of a slider from 0 to 100
SECONDS, MOST_REHEARSED = 30.0, 50_000


class Command(AnswerCommand):
    help = "Plan a campaign: the difference that items and raters can find, the cost, looks, and the quality rule."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pilot", metavar="CAMPAIGN", help="a closed campaign to take the variances from")
        parser.add_argument("--systems", nargs=2, metavar="NAME", help="the pilot's two systems")
        parser.add_argument("--criterion", help="the pilot's criterion (its first)")
        parser.add_argument("--unblind", action="store_true", help="use a pilot before its close; this is logged")
        for name, what in (
            ("item", "how the difference of two systems varies by item"),
            ("rater", "how it varies by rater"),
            ("residual", "how it varies besides"),
        ):
            default = ASSUMED[f"{name}_sd"]
            parser.add_argument(f"--{name}-sd", type=float, help=f"standard deviation: {what} (assumed: {default})")
        parser.add_argument("--items", type=int, nargs="+", default=[200])
        parser.add_argument("--overlap", type=int, nargs="+", default=[3], help="raters an item")
        parser.add_argument("--raters", type=int, nargs="+", default=[8])
        parser.add_argument("--difference", type=float, help="true difference in points whose power is wanted")
        parser.add_argument("--power", type=float, default=0.8, help="of the detectable difference (0.8)")
        parser.add_argument("--alpha", type=float, default=0.05, help="two-sided (0.05)")
        parser.add_argument(
            "--looks", type=int, default=1, help="looks at equal shares of the ratings, the last one too"
        )
        parser.add_argument("--spending", choices=["obrien-fleming", "pocock"], default="obrien-fleming")
        parser.add_argument("--seconds", type=float, help=f"a screen takes (the pilot's median, or {SECONDS:g})")
        parser.add_argument("--pay", type=float, help="an hour, in any currency")
        parser.add_argument("--drop", type=float, default=1.0, help="by which a degraded text scores lower, in SDs (1)")
        parser.add_argument("--pairs", type=int, nargs="+", default=[8, 12, 16], help="degraded pairs a rater sees")

    def answer(self, **options: Any) -> dict[str, Any]:
        check_numbers(options)
        variances, about = variances_of(options)
        timed = about.pop("seconds")
        seconds = options["seconds"] or timed or SECONDS
        asked = {key: options[key] for key in ("difference", "power", "alpha", "pay")} | {"seconds": seconds}
        rows, looks = [], []
        for each in product(options["items"], options["overlap"], options["raters"]):
            design = Design(*each)
            boundaries = looks_of(variances, design, options)
            planned = plan(variances, design, **asked)
            if boundaries:
                planned = with_looks(planned, rehearse(variances, design, boundaries), options)
            factor = inflation(boundaries, power=options["power"]) if boundaries else None
            rows.append(plan_row(planned) | {"inflation": factor})
            looks += [
                look_row(design, number, look, options["looks"]) for number, look in enumerate(boundaries, start=1)
            ]
        rules = [
            {"pairs": pairs, "drop": options["drop"], **quality_rule(options["drop"], pairs)._asdict()}
            for pairs in options["pairs"]
        ]
        sds = {f"{name}_sd": value**0.5 for name, value in variances._asdict().items()}
        return {"variances": about | sds, **asked, "plans": rows, "looks": looks, "quality": rules}

    def shown(self, result: dict[str, Any]) -> Iterator[str]:
        variances = result["variances"]
        yield (
            "Standard deviations of a difference: item {item_sd:.2f}, rater {rater_sd:.2f}, residual {residual_sd:.2f} "
            "({origin})".format(**variances)
        )
        yield from variances["said"]
        yield f"alpha {result['alpha']:g}, two-sided; {result['seconds']:g} seconds a screen"
        yield f"detectable: the difference found with power {result['power']:g}"
        if result["difference"] is not None:
            yield f"power: for a true difference of {result['difference']:g}"
        yield from columns(result["plans"], PLAN)
        if result["looks"]:
            yield "inflation: how many times the ratings the looks cost for the same power, in theory for many raters"
            yield "\nLooks, when so many ratings are in: a result counts where its p is below the one given"
            yield from columns(result["looks"], LOOK)
        yield "\nDegraded-item test of a rater: how often it fails an honest one and passes one who clicks at random"
        yield from columns(result["quality"], QUALITY)


PLAN = ("items", "overlap", "raters", "ratings", "detectable", "power", "hours", "hours_a_rater", "cost", "inflation")
LOOK = ("items", "overlap", "raters", "look", "ratings", "information", "z", "p")
QUALITY = ("pairs", "drop", "honest_failing", "clicker_passing")
FORMATS = {"p": ".2g", "z": ".3f", "power": ".3f", "information": ".3f", "honest_failing": ".3f", "cost": ",.2f"}


def columns(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Iterator[str]:
    """A table of the rows' values, without the columns that are empty, and why a row is undefined."""
    filled = [key for key in keys if any(row[key] is not None for row in rows)]
    cells = [[shown_value(row[key], FORMATS.get(key, ".2f")) for key in filled] for row in rows]
    yield from table([[key.replace("_", " ") for key in filled], *cells])
    for number, row in enumerate(rows, start=1):
        if row.get("undefined"):
            yield f"row {number}: {row['undefined']}"


def shown_value(value: float | None, form: str) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else format(value, form)


def check_numbers(options: dict[str, Any]) -> None:
    """Raises InputError for an option outside its range."""
    counts = "a whole number from 1"
    for name, right, holds in (
        ("items", counts, lambda value: value >= 1),
        ("overlap", counts, lambda value: value >= 1),
        ("raters", counts, lambda value: value >= 1),
        ("pairs", counts, lambda value: value >= 1),
        ("looks", f"a whole number from 1 to {MOST_LOOKS}", lambda value: 1 <= value <= MOST_LOOKS),
        ("alpha", "between 0 and 1", lambda value: 0 < value < 1),
        ("power", "above alpha and below 1", lambda value: options["alpha"] < value < 1),
        ("seconds", "above 0", lambda value: 0 < value < math.inf),
        ("pay", "0 or more", lambda value: 0 <= value < math.inf),
        ("difference", "a number", math.isfinite),
        ("drop", "a number", math.isfinite),
        *((name, "0 or more", lambda value: 0 <= value < math.inf) for name in ASSUMED),
    ):
        given = options[name]
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not holds(value):
                raise InputError(f"--{name.replace('_', '-')}: {value} must be {right}")


def variances_of(options: dict[str, Any]) -> tuple[Variances, dict[str, Any]]:
    """The pilot's variances or the assumed ones; where they come from, what there is to say, a screen's seconds."""
    given = {name: options[name] for name in ASSUMED if options[name] is not None}
    if options["pilot"] is None:
        for name in ("systems", "criterion"):
            if options[name]:
                raise InputError(f"--{name}: is of a pilot; name its campaign with --pilot")
        variances = Variances(**{name.removesuffix("_sd"): sd**2 for name, sd in (ASSUMED | given).items()})
        return variances, {"origin": "assumed", "said": [], "seconds": None}
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{names}: the variances come from --pilot; leave one of the two out")
    campaign = campaign_named(options["pilot"])
    check_unblinded(campaign, options["unblind"])
    if not options["systems"]:
        names = ", ".join(sorted(campaign.entries.values_list("system__name", flat=True)))
        raise InputError(f"--systems: name two of campaign '{campaign.name}': {names}")
    criterion = options["criterion"] or campaign.criteria[0]
    one, other = options["systems"]
    found = pilot_of(campaign, systems=(one, other), criterion=criterion)
    if found.pilot.variances is None:
        raise InputError(f"--pilot: {found.pilot.said[0]}; assume variances with --item-sd, --rater-sd, --residual-sd")
    origin = f"{found.differences} differences of {one} and {other}, {criterion}, in {campaign.name}"
    return found.pilot.variances, {"origin": origin, "said": list(found.pilot.said), "seconds": found.seconds}


def looks_of(variances: Variances, design: Design, options: dict[str, Any]) -> list[Look]:
    """Boundaries of the looks at equal shares of the ratings; none without looks, or where there is no test."""
    count = options["looks"]
    if count == 1 or why_undefined(variances, design):
        return []
    if design.ratings > MOST_REHEARSED:
        raise InputError(f"--looks: {design.ratings} ratings are too many to rehearse; at most {MOST_REHEARSED}")
    information = [information_at(look / count, variances, design) for look in range(1, count + 1)]
    try:
        return look_boundaries(information, alpha=options["alpha"], spending=options["spending"])
    except ValueError as error:
        raise InputError(
            f"--looks: {count} are too many for {design.items} items by {design.raters} raters, who add little to what "
            "is known; take fewer looks, or more raters"
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
