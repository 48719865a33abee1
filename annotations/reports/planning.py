"""What is known before a campaign of how ratings vary, which it is planned from: of scores, and of choices."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from annotations.errors import InputError
from annotations.reasons import Reason
from annotations.reports.pilot import PilotCampaign
from annotations.statistics.choice_planning import Choices, choice_variances, detectable_share
from annotations.statistics.pilot_uncertainty import percentiles
from annotations.statistics.planning import Design, Variances, detectable_difference, why_undefined

MAX_SHARES = 100  # of a pilot's drawn variances that a detectable share is worked out for; each takes time
IS_OF_CHOICES = "applies to choices only", "add --choices, or leave it out"
UNSET = {"looks": 1, "choices": False}  # options that are there without being given


@dataclass(frozen=True)
class Known(ABC):
    """`origin` says where it comes from, `said` what there is to say; `seconds` are a screen's."""

    origin: str = "assumed"
    said: Sequence[Reason] = ()
    seconds: float | None = None
    assumed: ClassVar[dict[str, float]]
    refused: ClassVar[Mapping[str, tuple[str, str]]]  # options that are not of this kind of answers: why, and a hint
    counted: ClassVar[str]  # what a pilot has so many of
    sentence: ClassVar[str]

    @classmethod
    def check(cls, options: Mapping[str, Any], **pilot: str) -> None:
        """Raises InputError for an option that does not go with this kind of answers."""
        for name, (why, hint) in cls.refused.items():
            if options[name] != UNSET.get(name):
                raise InputError(f"--{name.replace('_', '-')}", why.format(**pilot), hint)

    @classmethod
    @abstractmethod
    def assuming(cls, given: Mapping[str, float]) -> "Known": ...

    @classmethod
    @abstractmethod
    def by_pilot(cls, found: PilotCampaign, variances: Variances, origin: str) -> "Known": ...

    @abstractmethod
    def at(self, share: float | None) -> Variances:
        """The variances. Raises InputError where they cannot be."""

    @abstractmethod
    def deviations(self, variances: Variances) -> Mapping[str, float]: ...

    @abstractmethod
    def detectable(self, design: Design, *, power: float, alpha: float) -> Mapping[str, float | None]:
        """Of a plan's columns those on what can be detected that are other than in a plan for scores."""

    @abstractmethod
    def others(self, design: Design, *, power: float, alpha: float) -> list[float | None]:
        """What can be detected by the variances that the pilot may have had."""

    def row(self, design: Design, *, power: float, alpha: float, looks: int) -> dict[str, object]:
        """What can be detected, and the interval that the pilot leaves to it, without looks."""
        interval = None
        if looks == 1 and not why_undefined(self.at(None), design):
            values = [value for value in self.others(design, power=power, alpha=alpha) if value is not None]
            interval = percentiles(values) if values else None
        return {
            "detectable_share": None,
            **self.detectable(design, power=power, alpha=alpha),
            "detectable_interval": interval,
        }


@dataclass(frozen=True)
class KnownOfScores(Known):
    variances: Variances = field(kw_only=True)
    drawn: Sequence[Variances] = ()
    assumed = {"item_sd": 12.5, "rater_sd": 7.5, "residual_sd": 25.0}  # points of a slider from 0 to 100
    refused = {
        "choices": ("campaign '{name}' has scores ({protocol})", "leave it out"),
        "share": IS_OF_CHOICES,
        "ties": IS_OF_CHOICES,
    }
    counted = "differences"
    sentence = (
        "Standard deviations of a difference: item {item_sd:.2f}, rater {rater_sd:.2f}, residual {residual_sd:.2f} "
        "({origin})"
    )

    @classmethod
    def assuming(cls, given: Mapping[str, float]) -> "KnownOfScores":
        sds = {**cls.assumed, **given}
        return cls(variances=Variances(**{name.removesuffix("_sd"): sd**2 for name, sd in sds.items()}))

    @classmethod
    def by_pilot(cls, found: PilotCampaign, variances: Variances, origin: str) -> "KnownOfScores":
        return cls(origin, found.pilot.said, found.seconds, found.drawn, variances=variances)

    def at(self, share: float | None) -> Variances:
        return self.variances

    def deviations(self, variances: Variances) -> Mapping[str, float]:
        return {f"{name}_sd": value**0.5 for name, value in variances._asdict().items()}

    def detectable(self, design: Design, *, power: float, alpha: float) -> Mapping[str, float | None]:
        return {}

    def others(self, design: Design, *, power: float, alpha: float) -> list[float | None]:
        return [detectable_difference(each, design, power=power, alpha=alpha) for each in self.drawn]


class KnownOfRelativeScores(KnownOfScores):
    """Of scores that say how a text stands among those on its screen."""


@dataclass(frozen=True)
class KnownOfChoices(Known):
    choices: Choices = field(kw_only=True)
    drawn: Sequence[Choices] = ()
    assumed = {"item_sd": 0.15, "rater_sd": 0.1, "ties": 0.1}  # shares
    refused = {
        "difference": ("applies to scores only", "for choices use --share"),
        "residual_sd": ("applies to scores only", "for choices it follows from the share won and the ties"),
        "looks": ("can be planned for scores only", "plan a single look for choices"),
    }
    counted = "decided choices"
    sentence = (
        "Standard deviations of the share won: over items {item_sd:.3f}, over raters {rater_sd:.3f}; ties {ties:.1%} "
        "({origin})"
    )

    @classmethod
    def assuming(cls, given: Mapping[str, float]) -> "KnownOfChoices":
        return cls(choices=Choices(**{**cls.assumed, **given}))

    @classmethod
    def by_pilot(cls, found: PilotCampaign, variances: Variances, origin: str) -> "KnownOfChoices":
        drawn = [found.choices(each) for each in found.drawn[:MAX_SHARES]]
        return cls(origin, found.pilot.said, found.seconds, drawn, choices=found.choices(variances))

    def at(self, share: float | None) -> Variances:
        """In log-strength, for that share won."""
        try:
            return choice_variances(share or 0.5, self.choices)
        except ValueError as error:
            raise InputError("--item-sd, --rater-sd", str(error)) from error

    def deviations(self, variances: Variances) -> Mapping[str, float]:
        return self.choices._asdict()

    def detectable(self, design: Design, *, power: float, alpha: float) -> Mapping[str, float | None]:
        share = detectable_share(self.choices, design, power=power, alpha=alpha)
        return {"detectable": None, "detectable_share": share}

    def others(self, design: Design, *, power: float, alpha: float) -> list[float | None]:
        """Not even where nearly all are won: 1."""
        return [detectable_share(each, design, power=power, alpha=alpha) or 1.0 for each in self.drawn]
