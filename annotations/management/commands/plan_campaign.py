import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from itertools import product
from typing import Any

from django.core.management.base import CommandParser

from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.foretelling import stops_foretold
from annotations.campaigns.simulation import KINDS
from annotations.campaigns.spec import MAX_LOOKS
from annotations.errors import InputError
from annotations.management.base import AnswerCommand
from annotations.protocols import DEFAULT, PROTOCOLS
from annotations.reports.planning.curves import Study
from annotations.reports.plans.costs import Terms, costs_of
from annotations.reports.plans.options import EFFECTS, Planned, looks_of, planned_from
from annotations.reports.plans.page import page_of
from annotations.reports.plans.plan import Asked, Team, plan_of
from annotations.reports.plans.stops import Stopped, row_of, stopped_of
from annotations.statistics.looks import inflation
from annotations.statistics.planning import information_at, why_undefined

RATERS, RUNS = 2000, 1000
COUNT = "a whole number of at least 1"
SHARE = "from 0 to below 1"
RANGES: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(
        ("items", "overlap", "raters", "screens_per_rater", "simulated", "runs"), (COUNT, lambda value: value >= 1)
    ),
    "checks": ("a whole number of at least 0", lambda value: value >= 0),
    "system_count": ("a whole number from 2 to 12", lambda value: 2 <= value <= 12),
    "texts_per_screen": (COUNT, lambda value: value >= 1),
    "looks": (f"a whole number from 1 to {MAX_LOOKS}", lambda value: 1 <= value <= MAX_LOOKS),
    "alpha": ("between 0 and 1", lambda value: 0 < value < 1),
    "power": ("between 0 and 1", lambda value: 0 < value < 1),
    "seconds": ("above 0", lambda value: 0 < value < math.inf),
    "pay": ("0 or more", lambda value: 0 <= value < math.inf),
    "fee": ("0 or more", lambda value: 0 <= value < math.inf),
    "difference": ("a number", math.isfinite),
    "d_prime": ("a number", math.isfinite),
    "margin": ("above 0", lambda value: 0 < value < math.inf),
    **dict.fromkeys(("share", "accuracy"), ("above 0 and below 1", lambda value: 0 < value < 1)),
    **dict.fromkeys(("ties", "stopped", "leave"), (SHARE, lambda value: 0 <= value < 1)),
    **dict.fromkeys(
        ("item_sd", "rater_sd", "residual_sd", "severity_sd"), ("0 or more", lambda value: 0 <= value < math.inf)
    ),
}


class Command(AnswerCommand):
    help = (
        "Plan a campaign of any protocol: what it would find, how many items that takes, what it costs, how many "
        "raters to invite, and whom its quality control will stop."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_argument_group("what is planned")
        what.add_argument("--protocol", help=f"{', '.join(PROTOCOLS)} (the pilot's, or {DEFAULT})")
        what.add_argument("--points", type=int, help="points of the scale, where a campaign can choose them")
        what.add_argument("--system-count", type=int, metavar="N", help="systems in the campaign (as few as it takes)")
        what.add_argument("--texts-per-screen", type=int, metavar="N", help="as in the campaign file")
        what.add_argument("--items", type=int, nargs="+", default=[200])
        what.add_argument("--overlap", type=int, nargs="+", default=[3], help="raters per item")
        what.add_argument("--raters", type=int, nargs="+", help="(8, or as many as --screens-per-rater takes)")
        what.add_argument("--screens-per-rater", type=int, metavar="N", help="screens that each rater answers")
        true = parser.add_argument_group("what is true", "give one of them, to compute the power to find it")
        true.add_argument("--difference", type=float, help="between two systems' scores, or shares judged human")
        true.add_argument("--share", type=float, help="of decided choices that the first system wins")
        true.add_argument("--accuracy", type=float, help="of raters who tell who wrote, chance being 0.5")
        true.add_argument("--d-prime", type=float, help="of raters who tell who wrote")
        true.add_argument("--margin", type=float, help="of equivalence, for the power to conclude it of equal systems")
        known = parser.add_argument_group("how answers vary", "by a pilot, or assumed; see the researcher's guide")
        known.add_argument("--pilot", metavar="CAMPAIGN", help="a closed campaign to take it from")
        known.add_argument("--systems", nargs=2, metavar="NAME", help="the pilot's two systems")
        known.add_argument("--criterion", help="the pilot's criterion (its first)")
        known.add_argument("--unblind", action="store_true", help="use a pilot before it is closed; this is logged")
        for name, about in (
            ("item-sd", "standard deviation over items of the difference between two systems"),
            ("rater-sd", "its standard deviation over raters"),
            ("residual-sd", "its residual standard deviation"),
            ("severity-sd", "standard deviation over raters of what they give all texts alike"),
            ("ties", "share of choices that are ties"),
        ):
            known.add_argument(f"--{name}", type=float, help=about)
        test = parser.add_argument_group("the test")
        test.add_argument("--power", type=float, default=0.8, help="power to be had (0.8)")
        test.add_argument("--alpha", type=float, default=0.05, help="two-sided significance level (0.05)")
        test.add_argument("--looks", type=int, default=1, help="planned analyses, after equal shares of the screens")
        test.add_argument("--spending", choices=["obrien-fleming", "pocock"], default="obrien-fleming")
        test.add_argument("--runs", type=int, default=RUNS, help=f"campaigns simulated without a formula ({RUNS})")
        cost = parser.add_argument_group("cost and recruiting")
        cost.add_argument("--seconds", type=float, help="time per screen (the pilot's median, or the protocol's usual)")
        cost.add_argument("--pay", type=float, help="pay per hour, in any currency")
        cost.add_argument("--fee", type=float, default=0.0, help="the recruiting service's fee, as a share of the pay")
        cost.add_argument("--leave", type=float, default=0.0, help="share of raters who leave without finishing")
        cost.add_argument("--checks", type=int, default=0, help="screens of each rater that are checks, besides")
        cost.add_argument("--stopped", type=float, help="share of raters whom rules stop (by --quality, or 0)")
        rules = parser.add_argument_group("quality control")
        rules.add_argument("--quality", metavar="CAMPAIGN", help="foretell whom its quality control will stop")
        rules.add_argument("--mix", nargs="+", metavar="KIND=SHARE", help=f"who comes: {', '.join(KINDS)} (honest=1)")
        rules.add_argument(
            "--simulated", type=int, default=RATERS, metavar="N", help=f"simulated raters of each kind ({RATERS})"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        check_numbers(options)
        what = planned_from(options)
        stopped = self.stops_of(options)
        terms = terms_of(options, what, stopped)
        rows = list[dict[str, Any]]()
        looks = list[dict[str, Any]]()
        designs = list(product(options["items"], options["overlap"], teams_of(options)))
        with self.share() as show:
            for done, (items, overlap, team) in enumerate(designs):
                show(done / len(designs), "planning")
                design = team.design(items, overlap)
                boundaries = looks_of(options)
                study = Study(design, what.layout, what.analyse, options["alpha"], boundaries, options["runs"])
                asked = Asked(what.effect, options["power"], options["margin"])
                row = vars(plan_of(what.known, study, team, asked)) | costs_of(design, team, terms)
                rows.append(row | {"inflation": inflation(boundaries, power=options["power"]) if boundaries else None})
                looks += look_rows(what, study)
        known = what.known
        about = {"origin": known.origin, "said": list(known.said), **known.deviations()}
        return {
            "protocol": what.protocol,
            "systems": what.layout.systems,
            "texts_per_screen": what.layout.texts,
            "assumed": about,
            "unit": known.unit,
            "effect": what.effect,
            **{key: options[key] for key in (*EFFECTS, "margin", "power", "alpha", "pay")},
            "seconds": terms.seconds,
            "plans": rows,
            "looks": looks,
            "quality": [row_of(each) for each in stopped.foretold],
            "stopped": {"share": terms.stopped, "interval": terms.stopped_interval, "mix": stopped.mix},
            "leave": terms.leave,
            "sentence": known.sentence.format(**about),
        }

    def stops_of(self, options: dict[str, Any]) -> Stopped:
        if options["quality"] is None:
            return stopped_of([], options["mix"])
        campaign = campaign_named(options["quality"])
        with self.share() as show:
            foretell = partial(stops_foretold, campaign=campaign, raters=options["simulated"])
            found = foretell(on_progress=lambda share: show(share, "simulating raters"))
        return stopped_of(found, options["mix"])

    def shown(self, result: dict[str, Any]) -> Iterator[str]:
        yield from page_of(result)


def teams_of(options: Mapping[str, Any]) -> list[Team]:
    each = options["screens_per_rater"]
    if each is not None and options["raters"]:
        raise InputError("--raters", "follow from --screens-per-rater", "give only one of the two")
    return [Team(None, each)] if each is not None else [Team(raters, None) for raters in options["raters"] or [8]]


def terms_of(options: Mapping[str, Any], what: Planned, stopped: Stopped) -> Terms:
    share, interval = stopped.share, stopped.interval
    if options["stopped"] is not None:
        share, interval = options["stopped"], None
    return Terms(
        options["seconds"] or what.known.seconds or what.usual_seconds,
        options["pay"],
        options["fee"],
        share,
        interval,
        stopped.after,
        options["leave"],
        options["checks"],
    )


def look_rows(what: Planned, study: Study) -> Iterator[dict[str, Any]]:
    variances = what.known.variances(what.known.no_effect if what.effect is None else what.effect)
    if why_undefined(variances, study.design):
        return
    for number, look in enumerate(study.looks, start=1):
        share = number / len(study.looks)
        screens = round(study.design.ratings * share)
        information = information_at(share, variances, study.design)
        yield {**asdict(study.design), "look": number, "screens": screens, **look._asdict(), "information": information}


def check_numbers(options: dict[str, Any]) -> None:
    """Raises InputError for an option outside its range."""
    for name, (right, holds) in RANGES.items():
        given = options[name]
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not holds(value):
                raise InputError(f"--{name.replace('_', '-')}", f"{value} must be {right}")
    if options["power"] <= options["alpha"]:
        raise InputError("--power", f"{options['power']} must be above alpha and below 1")
