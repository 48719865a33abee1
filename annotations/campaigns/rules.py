"""What stands at a key of a campaign file, by its rule in a JSON schema, as a person reads it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from annotations.errors import InputError
from texts.limits import shown

Rule = Mapping[str, Any]
Part = TypeVar("Part", bound=BaseModel)


def wanted_by(rule: Rule) -> str:
    """What a value has to be."""
    if rule["type"] in ("integer", "number"):
        low = f"from {rule['minimum']}" if "minimum" in rule else f"above {rule['exclusiveMinimum']}"
        high = f" to {rule['maximum']}" if "maximum" in rule else ""
        high = f" and below {rule['exclusiveMaximum']}" if "exclusiveMaximum" in rule else high
        return f"a {'whole ' if rule['type'] == 'integer' else ''}number {low}{high}"
    names = f"a list of any of {', '.join(rule['items']['enum'])}" if "enum" in rule.get("items", {}) else ""
    kinds = {"boolean": "true or false", "array": names or "a list of at least one name", "object": "a table"}
    least = f"{rule['minLength']} to" if "minLength" in rule else "at most"
    return kinds.get(rule["type"]) or f"a text of {least} {rule['maxLength']} characters"


def table_read(model: type[Part], given: Any, at: str, keys: str) -> Part:
    """A table that stands `at` a place of a campaign file. Raises InputError for the first key that is wrong, an
    unknown one before others."""
    if not isinstance(given, dict):
        raise InputError(at, f"{shown(given)} must be a table with the keys {keys}")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise in_words_of_part(wrong, at, model.model_json_schema(), keys) from None


def in_words_of_part(error: Any, at: str, schema: Rule, keys: str) -> InputError:
    """One of pydantic's errors about a model that stands `at` a place of a campaign file and has this schema."""
    path, kind, value = [str(part) for part in error["loc"]], error["type"], error["input"]
    place, message = ".".join([at, *path]), ""
    if kind == "value_error":
        raised = error["ctx"]["error"]
        return InputError(".".join([place, *filter(None, [raised.field])]), raised.message, raised.hint)
    if kind == "extra_forbidden":
        return InputError(place, "no such key", f"the keys are {keys}")
    if kind == "missing":
        return InputError(place, "missing", f"the keys are {keys}")
    key = next((part for part in reversed(path) if not part.isdigit()), "")
    rule: Rule = next(
        (part["properties"][key] for part in parts_of(schema) if key in part["properties"]), {"type": "object"}
    )
    if kind == "literal_error":
        return InputError(place, f"{shown(value)} is not one of {', '.join(map(str, choices_of(rule)))}")
    if rule["type"] == "array":
        each = wanted_by(rule["items"])
        message = f"a list of at most {rule['maxItems']}, each {each}" if path[-1] == key else each
    return InputError(place, f"{shown(value)} must be {message or wanted_by(rule)}")


def parts_of(schema: Rule) -> list[Rule]:
    """A model's own schema, and those of the models in it."""
    return [schema, *schema.get("$defs", {}).values()]


def choices_of(rule: Rule) -> list[Any]:
    return list(rule["enum"] if "enum" in rule else [rule["const"]])
