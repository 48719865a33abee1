"""A campaign file: what is asked, of what, and how often, in TOML."""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from annotations.errors import InputError
from annotations.importing.content import shown
from annotations.importing.files import text_of
from annotations.names import check_name
from annotations.protocols import check_shown_here, protocol_named
from texts.limits import MAX_DEPTH, too_deep
from texts.storable import text_problem

LONGEST_TEXT = 20_000
LARGEST_FILE = 1 << 18  # bytes
# Of TOML, what is no key or is one in quotes; in the order in which they begin, as a comment may hold quotes.
QUOTED = re.compile(r"""#[^\n]*|\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""", re.DOTALL)
DOTTED = re.compile(rf"""(?<!["'\w-])(?:["'\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")  # a key of as many tables
CHOICES = {
    "purpose": ("evaluation", "feedback"),
    "split": ("test", "feedback"),
    "unit": ("sentence",),
    "show": ("photo", "caption", "both", "none"),
    "family": ("criterion", "campaign"),
    "spending": ("obrien-fleming", "pocock"),
}
MOST_LOOKS = 20
SPLIT_OF = {"evaluation": "test", "feedback": "feedback"}


@dataclass(frozen=True)
class CampaignSpec:
    """A campaign as its file says it. Whether its names exist is for the service that makes it to see."""

    name: str
    purpose: str
    dataset: str
    split: str
    systems: tuple[str, ...]
    criteria: tuple[str, ...]
    items: int
    protocol: str = "slider"
    unit: str = "sentence"
    show: str = "caption"
    overlap: int = 3
    seed: int = 1
    minimum_answers: int = 1
    instructions: str = ""
    consent: str = ""
    primary: tuple[str, ...] = ()
    family: str = "criterion"
    looks: int = 1
    spending: str = "obrien-fleming"
    equivalence_margin: float | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], place: str) -> "CampaignSpec":
        """Raises InputError naming place, key and value."""
        known = [each.name for each in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError(f"{place}: {key}: no such key; the keys are {', '.join(known)}")
        for key in ("name", "purpose", "dataset", "split", "systems", "criteria", "items"):
            if key not in values:
                raise InputError(f"{place}: {key}: missing")
        read: dict[str, Any] = {}
        for key, value in values.items():
            if key in ("systems", "criteria"):
                read[key] = _names(value, f"{place}: {key}")
            elif key == "primary":
                read[key] = _contrast(value, f"{place}: {key}")
            elif key in ("instructions", "consent"):
                read[key] = _text(value, f"{place}: {key}")
            elif key in ("items", "overlap", "seed", "minimum_answers", "looks"):
                read[key] = _count(value, f"{place}: {key}", lowest=0 if key == "seed" else 1)
            elif key == "equivalence_margin":
                read[key] = _margin(value, f"{place}: {key}")
            else:
                read[key] = check_name(value, f"{place}: {key}")
            if key in CHOICES and value not in CHOICES[key]:
                raise InputError(f"{place}: {key}: {shown(value)} is not one of {', '.join(CHOICES[key])}")
        spec = cls(**read)
        check_shown_here(spec.protocol, f"{place}: protocol")
        if spec.split != SPLIT_OF[spec.purpose]:
            raise InputError(
                f"{place}: split: '{spec.split}' does not go with purpose '{spec.purpose}', which shows the split "
                f"'{SPLIT_OF[spec.purpose]}'"
            )
        for what, named, there in (
            ("systems", spec.primary[:2], spec.systems),
            ("criteria", spec.primary[2:], spec.criteria),
        ):
            if strangers := [name for name in named if name not in there]:
                raise InputError(f"{place}: primary: '{strangers[0]}' is none of the {what}, {', '.join(there)}")
        if spec.minimum_answers > spec.items:
            raise InputError(
                f"{place}: minimum_answers: {spec.minimum_answers} must be at most the number of items, {spec.items}"
            )
        if spec.looks > MOST_LOOKS:
            raise InputError(f"{place}: looks: {spec.looks} are too many; at most {MOST_LOOKS}")
        if spec.looks > 1 and not spec.primary:
            raise InputError(
                f"{place}: looks: {spec.looks} looks need the primary contrast that is tested at each of them"
            )
        most, unit = widest_margin(spec.protocol)
        if spec.equivalence_margin is not None and spec.equivalence_margin >= most:
            raise InputError(f"{place}: equivalence_margin: {spec.equivalence_margin:g} must be below {most:g}, {unit}")
        if "caption" in spec.systems and spec.show in ("caption", "both"):
            raise InputError(
                f"{place}: systems: 'caption' competes only where the caption is not shown; show is '{spec.show}'"
            )
        return spec


def widest_margin(protocol: str) -> tuple[float, str]:
    """What an equivalence margin has to stay below, and what that is."""
    if protocol_named(protocol).gives == "choices":
        return 0.5, "how far a share won can be from one half"
    low, high = protocol_named(protocol).ends(())
    return high - low, f"the width of the scale from {low:g} to {high:g}"


def read_campaign_file(file: Path) -> CampaignSpec:
    text = text_of(file, LARGEST_FILE)
    nested = InputError(f"{file}: lists and tables are nested more than {MAX_DEPTH} deep")
    if DOTTED.search(QUOTED.sub("a", text)):
        raise nested
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not TOML ({error})") from error
    if too_deep(values):
        raise nested
    return CampaignSpec.from_mapping(values, str(file))


def campaign_toml(spec: CampaignSpec) -> str:
    """The file that reads back as the spec; what is not set has no line. Strings and lists of JSON are TOML's as well,
    but for a raw delete sign."""
    values = {key: value for key, value in asdict(spec).items() if value is not None}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(lines).replace("\x7f", "\\u007f") + "\n"


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InputError(f"{place}: must be a text of at most {LONGEST_TEXT} characters")
    if problem := text_problem(value):
        raise InputError(f"{place}: {problem}")
    return value.strip()


def _names(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise InputError(f"{place}: {shown(value)} must be a list of at least one name")
    names = tuple(check_name(each, place) for each in value)
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{place}: '{twice[0]}' stands there twice")
    return names


def _contrast(value: Any, place: str) -> tuple[str, ...]:
    """Two systems and a criterion, or nothing."""
    names = _names(value, place) if value != [] else ()
    if names and len(names) != 3:
        raise InputError(f"{place}: {shown(value)} must be two systems and a criterion")
    return names


def _count(value: Any, place: str, *, lowest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**31:
        raise InputError(f"{place}: {shown(value)} must be a whole number from {lowest}")
    return value


def _margin(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"{place}: {shown(value)} must be a number above 0")
    return float(value)
