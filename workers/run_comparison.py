"""Training runs side by side: their validation curves laid over each other, the settings that differ, and how they
ended."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modeling.config import DecodingConfig, TrainingConfig
from workers.curves import measured
from workers.models import Run

FEWEST, MOST = 2, 6
PARTS = ("training", "decoding", "files")  # of a run's settings: those of the model, and places of files
SAID_BY_OTHERS = ("system", "base")
# Settings that tokens are of: a loss per token is of other tokens where one of them is another.
OF_TOKENS = ("tokens", "vocabulary_size", "lowercase", "detokenize", "letters_only", "model_path", "preset", "dataset")
UNSET = "–"


class Setting(NamedTuple):
    """`says` is what it means, empty where its name says it."""

    name: str
    value: Any
    says: str = ""

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").replace(".", ": ").capitalize()


class Compared(NamedTuple):
    """Of runs in the order in which they were asked for: the settings of which they have different ones, and their
    final figures, each with a value a run."""

    runs: list[Run]
    settings: list[Setting]
    figures: list[Setting]
    other_tokens: bool


def settings_of(config: Mapping[str, Any]) -> list[Setting]:
    """The settings of a run, those of its inner mappings too, by name."""
    return sorted(flat(config), key=lambda each: each.name)


def flat(config: Mapping[str, Any], place: str = "") -> list[Setting]:
    found: list[Setting] = []
    for key, value in config.items():
        if isinstance(value, dict):
            found += flat(value, "" if key in PARTS else f"{place}{key}.") if key != "files" else []
        elif filled(value):
            found.append(Setting(f"{place}{key}", value, meaning(key) if not place else ""))
    return found


def filled(value: Any) -> bool:
    return value not in (None, "", [], {})


def meaning(name: str) -> str:
    for config in (TrainingConfig, DecodingConfig):
        if field := config.__dataclass_fields__.get(name):
            return str(field.metadata["help"])
    return ""


def compared(runs: Sequence[Run]) -> Compared:
    theirs = [{each.name: each for each in settings_of(run.config)} for run in runs]
    names = sorted({name for settings in theirs for name in settings} - set(SAID_BY_OTHERS))
    differing = [
        Setting(name, values, meaning(name))
        for name in names
        if name.partition(".")[0] not in SAID_BY_OTHERS
        and not alike(values := [settings[name].value if name in settings else UNSET for settings in theirs])
    ]
    tokens = any(each.name in OF_TOKENS for each in differing)
    return Compared(list(runs), differing, final_figures(runs), tokens)


def alike(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def final_figures(runs: Iterable[Run]) -> list[Setting]:
    rows = [ended(run) for run in runs]
    names = dict.fromkeys(name for row in rows for name in row)
    return [Setting(name, [row.get(name, UNSET) for row in rows]) for name in names]


def ended(run: Run) -> dict[str, Any]:
    """How a training stands, or ended."""
    looks = [value for _, value in measured(run.history, "valid_loss")]
    best = run.result.get("valid_nll") or min(looks, default=None)
    found = {
        "state": run.state,
        "best validation loss, nats per token": best,
        "steps": run.result.get("steps"),
        "ended by": run.result.get("ended_by"),
        "seconds": run.result.get("seconds"),
        **speed_of(run),
        "pairs left out": run.result.get("left_out"),
    }
    return {name: value for name, value in found.items() if value is not None}


def speed_of(run: Run) -> dict[str, Any]:
    """Where a training was computed, and how fast, as far as it says so."""
    result, found = run.result, dict[str, Any]()
    if device := result.get("device"):
        found["device"] = device
    if (seconds := result.get("seconds")) and result.get("steps"):
        found["steps per second"] = result["steps"] / seconds
        if words := result.get("words"):
            found["words per second"] = words / seconds
    return found
