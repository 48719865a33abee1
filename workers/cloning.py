"""A run's settings as a launch form takes them: the same once more, or with a change."""

from collections.abc import Callable
from typing import Any

from modeling.config import LIKELIHOOD, REWARD, DecodingConfig, load_preset, preset_data
from modeling.configs.presets import LIMITS
from modeling.errors import ConfigError
from modeling.metrics import METRICS, with_companions
from workers.jobs.training import DATA_DEFAULTS
from workers.models import Run

Asked = dict[str, Any]
OF_PRESET = ("init", "model_path")  # settings that other fields say


def asked_again(run: Run) -> Asked | None:
    """What the form of the run's kind begins with; None of a kind that is not cloned. Settings that are those of the
    preset, or the usual ones, are left out."""
    given = KINDS.get(run.kind)
    if given is None:
        return None
    try:
        found = given(run)
    except (KeyError, TypeError, ConfigError):  # of an older version
        return None
    return {key: value for key, value in found.items() if value not in (None, [])} | {"queue": run.queue}


def of_training(run: Run) -> Asked:
    config, training = run.config, run.config["training"]
    begun = [f"{key}={training[key]}" for key in ("objective", "init")] if training["objective"] != LIKELIHOOD else []
    preset = load_preset(config["preset"], begun, on_gpu=run.queue == "gpu").to_dict()
    data = DATA_DEFAULTS | preset_data(config["preset"])
    found = {key: config[key] for key in ("dataset", "preset", "feedback", "init")}
    found |= {key: value for key, value in config.items() if key in data and value != data[key]}
    found |= {
        key: typed(value)
        for key, value in training.items()
        if key not in OF_PRESET and (value or key not in LIMITS) and (key not in preset or value != preset[key])
    }
    if begun:
        found["objective"] = training["objective"]
    return {"budget": ""} | found  # none that the form has of its own


def of_decoding(run: Run) -> Asked:
    config, usual = run.config, DecodingConfig().to_dict()
    found = {key: config[key] for key in ("system", "dataset", "split", "source")}
    found |= {key: typed(value) for key, value in config["decoding"].items() if value != usual.get(key)}
    return found | {"ensemble": ", ".join(config.get("ensemble") or []) or None}


def of_scoring(run: Run) -> Asked:
    config = run.config
    usual = with_companions([metric.name for metric in METRICS.values() if not metric.on_request])
    learned = {
        metric.name: f"{REWARD}{config['reward']}"
        for metric in METRICS.values()
        if "reward" in config and metric.learned
    }
    metrics = [] if config["metrics"] == usual else [learned.get(name, name) for name in config["metrics"]]
    where = {"campaign": config["campaign"]} if config["campaign"] else {"split": config["split"]}
    return where | {"dataset": config["dataset"], "systems": config["systems"], "metrics": metrics}


def typed(value: Any) -> Any:
    """As a person types it."""
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else value


KINDS: dict[str, Callable[[Run], Asked]] = {
    Run.Kind.TRAIN: of_training,
    Run.Kind.DECODE: of_decoding,
    Run.Kind.SCORE: of_scoring,
}
