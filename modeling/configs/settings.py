"""What all configurations are: frozen, checked, the same in TOML, JSON and on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Self

from modeling.errors import ConfigError

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda")


def setting(
    default: bool | int | float | str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    before_path: str = "",
) -> Any:
    """A field with what it means and what it may be: `low` and `high` are both allowed, and beside the choices a path
    behind `before_path`."""
    limits = {"low": low, "high": high, "choices": choices, "before_path": before_path}
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True)
class Config:
    """Common to all configurations: made from a mapping or from `key=value` strings, refused with the valid ones."""

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(each, getattr(self, each.name)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ConfigError for an unknown key or a value out of range."""
        known = [each.name for each in fields(cls)]
        for key in values:
            if key not in known:
                raise ConfigError(f"unknown setting {key!r}; valid settings: {', '.join(sorted(known))}")
        return cls(**values)

    @classmethod
    def from_overrides(cls, overrides: Sequence[str] = (), base: Mapping[str, Any] | None = None) -> Self:
        """Apply `key=value` strings, the last one winning, to the `base` values and the defaults."""
        values = dict(base or {})
        for override in overrides:
            key, equals, value = override.partition("=")
            if not equals:
                raise ConfigError(f"setting {override!r} does not have the form key=value")
            values[key.strip()] = value.strip()
        return cls.from_dict(values)

    def refusal(self, name: str, problem: str) -> ConfigError:
        """Of the value that a setting has."""
        return ConfigError(problem, name, getattr(self, name))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _checked(setting: Field[Any], value: object) -> bool | int | float | str:
    """`value` as the type of the setting's default, read from a string where it is one."""
    choices, low, high, prefix = (setting.metadata[key] for key in ("choices", "low", "high", "before_path"))
    kind = type(setting.default)
    wanted = (
        " or ".join([*choices, *([f"{prefix}FOLDER"] if prefix else [])])
        if choices
        else "true or false"
        if kind is bool
        else f"{'a whole number' if kind is int else 'a number'}"
        + (f" from {low:g}" if low is not None else "")
        + (f" to {high:g}" if high is not None else "")
    )
    parsed = _parsed(kind, value)
    with_path = bool(prefix) and str(parsed).startswith(prefix) and parsed != prefix
    refused = parsed is None or (choices and parsed not in choices and not with_path)
    if not refused and isinstance(parsed, int | float) and not isinstance(parsed, bool):
        refused = (
            not math.isfinite(parsed) or (low is not None and parsed < low) or (high is not None and parsed > high)
        )
    if refused or parsed is None:
        raise ConfigError(f"must be {wanted} ({setting.metadata['help']})", setting.name, value)
    return parsed


def _parsed(kind: type, value: object) -> bool | int | float | str | None:
    """`value` as `kind`, or None where it is not one. A whole number is a float too; a boolean is no number."""
    if kind is bool:
        return {"true": True, "false": False}.get(str(value).lower())
    if kind is str:
        return str(value) if isinstance(value, str) or type(value) is int else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if kind is int:
            return int(value) if not isinstance(value, float) or value.is_integer() else None
        return float(value)
    except ValueError:
        return None
