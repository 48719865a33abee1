from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser

from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import KINDS, simulation_of
from annotations.campaigns.taste import Taste
from annotations.errors import InputError
from annotations.management.base import AnswerCommand

LIKING = 1.5
DEFAULT = ("honest=8", "noisy=1", "lazy=1")


class Command(AnswerCommand):
    help = "Rate an open campaign with simulated raters, to rehearse it; the campaign stays marked as simulated."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = "; ".join(f"{kind}: {about}" for kind, about in KINDS.items())
        parser.add_argument("campaign")
        parser.add_argument(
            "--raters", nargs="+", default=DEFAULT, metavar="KIND=COUNT", help=f"{kinds} (default: {' '.join(DEFAULT)})"
        )
        parser.add_argument(
            "--truth", nargs="+", default=[], metavar="SYSTEM=VALUE",
            help="how good a system is, in standard deviations around the middle of the scale (default: evenly spaced "
            "from 0.5 to -0.5, in the campaign's order)",
        )  # fmt: skip
        parser.add_argument(
            "--taste", nargs="+", default=[], metavar="WORD",
            help="words that raters like, whatever the system: a hidden taste, for a model to learn from the ratings",
        )  # fmt: skip
        parser.add_argument(
            "--liking", type=float,
            help="by how many standard deviations a text with such a word seems better than one without (default: "
            f"{LIKING:g})",
        )  # fmt: skip
        parser.add_argument("--screens", type=int, help="how many screens each rater answers at most (default: all)")
        parser.add_argument("--seed", type=int, default=1)

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["campaign"])
        if options["screens"] is not None and options["screens"] < 1:
            raise InputError("--screens", f"{options['screens']} must be at least 1")
        simulation = simulation_of(
            raters=pairs(options["raters"], "--raters", int),
            truth=pairs(options["truth"], "--truth", float),
            systems=list(campaign.entries.order_by("pk").values_list("system__name", flat=True)),
            seed=options["seed"],
            taste=taste_of(options["taste"], options["liking"]),
        )
        with self.share() as show:
            answered = raters_simulate(
                campaign=campaign,
                simulation=simulation,
                screens=options["screens"],
                on_progress=lambda share: show(share, "simulating raters"),
            )
        return {
            "campaign": campaign.name,
            "raters": simulation.count,
            "answers": answered,
            "screens": campaign.screens,
            "truth": dict(simulation.truth),
            "seed": simulation.seed,
            "taste": simulation.taste and {"words": list(simulation.taste.words), "liking": simulation.taste.liking},
        }

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        yield f"{result['raters']} simulated raters gave {result['answers']} of {result['screens']} answers."
        for system, value in result["truth"].items():
            yield f"planted: {system} {value:+.2f}"
        if taste := result["taste"]:
            yield f"planted: {taste['liking']:+.2f} for a text with one of: {', '.join(taste['words'])}"


def taste_of(words: Sequence[str], liking: float | None) -> Taste | None:
    if not words and liking is not None:
        raise InputError("--liking", "goes with --taste", "say which words are liked")
    return Taste(tuple(words), LIKING if liking is None else liking) if words else None


def pairs(given: Iterable[str], option: str, number: type[int] | type[float]) -> Mapping[str, Any]:
    """NAME=NUMBER, as often as it is given."""
    found = {}
    for each in given:
        name, _, value = each.rpartition("=")
        try:
            found[name] = number(value)
        except ValueError:
            kind = "a whole number" if number is int else "a number"
            raise InputError(option, f"'{each}' must be a name, = and {kind}") from None
    return found
