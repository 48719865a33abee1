"""Presets: a training's settings by name, each a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modeling.configs.training import BEGINS_PRETRAINED, TrainingConfig
from modeling.errors import ConfigError

PRESETS = Path(__file__).parents[1] / "presets"
FEEDBACK_RATE = 0.1  # of a preset's learning rate
LIMITS = ("budget", "max_steps", "epochs")


def preset_names() -> list[str]:
    """Those without an argument. Besides, `hf:PATH` is the preset of the encoder-decoder in a folder, and `lm:PATH`
    that of the decoder-only model in a folder or a GGUF file."""
    return sorted(path.stem for path in PRESETS.glob("*.toml") if path.stem not in BEGINS_PRETRAINED)


def load_preset(name: str, overrides: Sequence[str] = (), *, on_gpu: bool = False) -> TrainingConfig:
    """The named preset with `key=value` overrides; a limit among them replaces all limits of the preset. With `on_gpu`
    its table `gpu` is a part of it: batches that are worth a GPU's while. Where nothing else is asked for, feedback is
    learned from at a tenth of the preset's learning rate: the model is there already, and is to stay near itself.

    Raises ConfigError, listing what is valid.
    """
    preset = _read_preset(name)
    preset.pop("data", None)
    for_gpu = preset.pop("gpu", {})
    if on_gpu:
        preset |= for_gpu
    asked = {override.partition("=")[0].strip() for override in overrides}
    if asked & set(LIMITS):
        preset = {key: value for key, value in preset.items() if key not in LIMITS}
    config = TrainingConfig.from_overrides(overrides, base=preset)
    if config.learns_from_feedback and "learning_rate" not in asked:
        config = replace(config, learning_rate=FEEDBACK_RATE * config.learning_rate)
    return config


def preset_data(name: str) -> dict[str, str]:
    """What the preset says of the data to train on, such as how captions and sentences are paired."""
    data: dict[str, str] = _read_preset(name).get("data", {})
    return data


def _read_preset(name: str) -> dict[str, Any]:
    stem, _, path = name.partition(":")
    if stem in BEGINS_PRETRAINED and path:
        return {**_read_toml(stem), "model_path": path}
    if name not in preset_names():
        valid = [*preset_names(), *(f"{each}:PATH" for each in BEGINS_PRETRAINED)]
        raise ConfigError(f"unknown preset {name!r}; valid presets: {', '.join(valid)}")
    return _read_toml(name)


def _read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((PRESETS / f"{name}.toml").read_text(encoding="utf-8"))
