import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any, NamedTuple

from django.core.management.base import CommandParser
from scipy.special import logit

from annotations.errors import InputError
from annotations.importing.campaign_file import MOST_LOOKS
from annotations.management.base import AnswerCommand, table
from annotations.protocols import protocol_named
from annotations.reports.pilot import PilotCampaign, pilot_of
from annotations.services.campaigns import campaign_named
from annotations.services.reports import check_unblinded
from annotations.statistics.choice_planning import Choices, choice_variances, detectable_share
from annotations.statistics.looks import Look, inflation, look_boundaries
from annotations.statistics.pilot_uncertainty import percentiles
from annotations.statistics.planning import (
    Design,
    Plan,
    Variances,
    detectable_difference,
    information_at,
    plan,
    quality_rule,
    why_undefined,
)
from annotations.statistics.rehearsal import Rehearsal, rehearse

ASSUMED = {"item_sd": 12.5, "rater_sd": 7.5, "residual_sd": 25.0}  # points of a slider from 0 to 100
ASSUMED_CHOICES = {"item_sd": 0.15, "rater_sd": 0.1, "ties": 0.1}  # shares
SECONDS, MOST_REHEARSED = 30.0, 50_000
MOST_SHARES = 100  # of a pilot's drawn variances that a detectable share is worked out for; each takes time


class Known(NamedTuple):
    """What a plan is made from: variances of scores' differences, or what chance there is in choices; where they come
    from and what there is to say; a screen's seconds; others that the pilot may have had."""

    variances: Variances | None
    choices: Choices | None
    about: dict[str, Any]
    seconds: float | None = None
    others: Sequence[Variances | Choices] = ()

    def at(self, share: float | None) -> Variances:
        """The variances, of choices in log-strength for that share won. Raises InputError where they cannot be."""
        if self.choices is None:
            return self.variances or Variances(0.0, 0.0, 0.0)
        try:
            return choice_variances(share or 0.5, self.choices)
        except ValueError as error:
            raise InputError(f"--item-sd, --rater-sd: {error}") from error


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
            chosen = ASSUMED_CHOICES.get(f"{name}_sd")
            share = f"; of choices of the share won, {chosen}" if chosen else ""
            parser.add_argument(
                f"--{name}-sd", type=float, help=f"standard deviation: {what} (assumed: {default}{share})"
            )
        parser.add_argument("--items", type=int, nargs="+", default=[200])
        parser.add_argument("--overlap", type=int, nargs="+", default=[3], help="raters per item")
        parser.add_argument("--raters", type=int, nargs="+", default=[8])
        parser.add_argument("--choices", action="store_true", help="raters choose between the two, and give no scores")
        parser.add_argument("--share", type=float, help="true share won of decided choices whose power is wanted")
        parser.add_argument("--ties", type=float, help=f"share of choices tied (assumed: {ASSUMED_CHOICES['ties']})")
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
            rows.append(plan_row(planned) | {"inflation": factor} | detectable_row(known, design, options))
            looks += [
                look_row(design, number, look, options["looks"]) for number, look in enumerate(boundaries, start=1)
            ]
        rules = [
            {"pairs": pairs, "drop": options["drop"], **quality_rule(options["drop"], pairs)._asdict()}
            for pairs in options["pairs"]
            if known.choices is None
        ]
        if known.choices:
            sds = known.choices._asdict()
        else:
            sds = {f"{name}_sd": value**0.5 for name, value in variances._asdict().items()}
        asked |= {key: options[key] for key in ("difference", "share")}
        return {"variances": known.about | sds, **asked, "plans": rows, "looks": looks, "quality": rules}

    def shown(self, result: dict[str, Any]) -> Iterator[str]:
        variances = result["variances"]
        yield (CHOSEN if "ties" in variances else SCORED).format(**variances)
        yield from variances["said"]
        yield f"alpha {result['alpha']:g}, two-sided; {result['seconds']:g} seconds a screen"
        yield f"detectable: the difference found with power {result['power']:g}"
        if result["share"] is not None:
            yield f"power: where the first system truly wins {result['share']:g} of the decided choices"
        if any(row["detectable_interval"] for row in result["plans"]):
            yield "detectable interval: 95 %, for what the pilot's variances may be"
        if result["difference"] is not None:
            yield f"power: for a true difference of {result['difference']:g}"
        yield from columns(result["plans"], PLAN)
        if result["looks"]:
            yield "inflation: how many times the ratings the looks cost for the same power, in theory for many raters"
            yield "\nLooks, when so many ratings are in: a result counts where its p is below the one given"
            yield from columns(result["looks"], LOOK)
        if result["quality"]:
            yield DEGRADED
            yield from columns(result["quality"], QUALITY)


DEGRADED = "\nDegraded-item test of a rater: how often it fails an honest one and passes one who clicks at random"
SCORED = (
    "Standard deviations of a difference: item {item_sd:.2f}, rater {rater_sd:.2f}, residual {residual_sd:.2f} "
    "({origin})"
)
CHOSEN = (
    "Standard deviations of the share won: over items {item_sd:.3f}, over raters {rater_sd:.3f}; ties {ties:.1%} "
    "({origin})"
)
PLAN = (
    *("items", "overlap", "raters", "ratings", "detectable", "detectable_share", "detectable_interval", "power"),
    *("hours", "hours_a_rater", "cost", "inflation"),
)
LOOK = ("items", "overlap", "raters", "look", "ratings", "information", "z", "p")
QUALITY = ("pairs", "drop", "honest_failing", "clicker_passing")
FORMATS = {"p": ".2g", "z": ".3f", "power": ".3f", "information": ".3f", "honest_failing": ".3f", "cost": ",.2f"}
FORMATS |= {"detectable_share": ".3f"}


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
        ("share", "above 0 and below 1", lambda value: 0 < value < 1),
        ("ties", "from 0 to below 1", lambda value: 0 <= value < 1),
        ("drop", "a number", math.isfinite),
        *((name, "0 or more", lambda value: 0 <= value < math.inf) for name in ASSUMED),
    ):
        given = options[name]
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not holds(value):
                raise InputError(f"--{name.replace('_', '-')}: {value} must be {right}")


def known_of(options: dict[str, Any]) -> Known:
    """What the pilot says, or what is assumed."""
    given = {name: options[name] for name in (*ASSUMED, "ties") if options[name] is not None}
    if options["pilot"] is None:
        for name in ("systems", "criterion"):
            if options[name]:
                raise InputError(f"--{name}: is of a pilot; name its campaign with --pilot")
        check_kind(options, chosen=options["choices"])
        about = {"origin": "assumed", "said": []}
        if options["choices"]:
            return Known(None, Choices(**(ASSUMED_CHOICES | given)), about)
        sds = ASSUMED | given
        return Known(Variances(**{name.removesuffix("_sd"): sd**2 for name, sd in sds.items()}), None, about)
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{names}: the variances come from --pilot; leave one of the two out")
    campaign = campaign_named(options["pilot"])
    chosen = protocol_named(campaign.protocol).gives == "choices"
    if options["choices"] and not chosen:
        raise InputError(f"--choices: campaign '{campaign.name}' has scores ({campaign.protocol}); leave it out")
    check_kind(options, chosen=chosen)
    check_unblinded(campaign, options["unblind"])
    if not options["systems"]:
        names = ", ".join(sorted(campaign.entries.values_list("system__name", flat=True)))
        raise InputError(f"--systems: name two of campaign '{campaign.name}': {names}")
    criterion = options["criterion"] or campaign.criteria[0]
    one, other = options["systems"]
    return known_by(pilot_of(campaign, systems=(one, other), criterion=criterion), one, other, criterion, campaign.name)


def known_by(found: PilotCampaign, one: str, other: str, criterion: str, name: str) -> Known:
    if found.pilot.variances is None:
        raise InputError(f"--pilot: {found.pilot.said[0]}; assume variances with --item-sd, --rater-sd, --residual-sd")
    what = "differences" if found.ties is None else "decided choices"
    origin = f"{found.differences} {what} of {one} and {other}, {criterion}, in {name}"
    about = {"origin": origin, "said": list(found.pilot.said)}
    if found.ties is None:
        return Known(found.pilot.variances, None, about, found.seconds, found.drawn)
    others = [found.choices(each) for each in found.drawn[:MOST_SHARES]]
    return Known(None, found.choices(found.pilot.variances), about, found.seconds, others)


def check_kind(options: dict[str, Any], *, chosen: bool) -> None:
    """Raises InputError for an option that goes with scores where choices are planned, and the other way round."""
    if not chosen:
        for name in ("share", "ties"):
            if options[name] is not None:
                raise InputError(f"--{name}: is of choices; add --choices, or leave it out")
        return
    if options["difference"] is not None:
        raise InputError("--difference: is of scores; for choices say --share")
    if options["residual_sd"] is not None:
        raise InputError("--residual-sd: is of scores; of choices it follows from the share won and the ties")
    if options["looks"] > 1:
        raise InputError("--looks: are planned for scores; of choices plan a single look")


def detectable_row(known: Known, design: Design, options: dict[str, Any]) -> dict[str, Any]:
    """The detectable share of choices, and the interval that the pilot leaves to what is detectable; without looks."""
    asked = {key: options[key] for key in ("power", "alpha")}
    row: dict[str, Any] = {"detectable_share": None, "detectable_interval": None}
    if known.choices:
        row |= {"detectable": None, "detectable_share": detectable_share(known.choices, design, **asked)}
    if options["looks"] > 1 or not known.others or why_undefined(known.at(None), design):
        return row
    values = [
        detectable_difference(other, design, **asked)
        if isinstance(other, Variances)
        else detectable_share(other, design, **asked) or 1.0  # not even where nearly all are won
        for other in known.others
    ]
    return row | {"detectable_interval": percentiles([value for value in values if value is not None])}


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
