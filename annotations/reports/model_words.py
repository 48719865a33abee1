"""What the models beside a difference stand on, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.reports.words import counted

Pair = Mapping[str, Any]


def models_context(pairs: Sequence[Pair]) -> dict[str, Any]:
    """A criterion's pairs of systems with the models that stand beside their differences."""
    return {
        "model_pairs": [{**pair, "mixed_model_of": stands_on(pair.get("mixed_model") or {})} for pair in pairs],
        "fewer_screens": fewer_screens_sentence(pairs),
        "ordinal_pairs": [
            {**pair, "ordinal_of": stands_on(pair["cumulative_link_model"], "score")}
            for pair in pairs
            if pair.get("cumulative_link_model")
        ],
    }


def stands_on(model: Mapping[str, Any], unit: str = "screen") -> str:
    """Of how many screens or scores, items, albums and raters a model is; reports kept earlier do not say."""
    if not model.get("n"):
        return ""
    albums = model.get("albums")
    grouped = f" in {counted(albums, 'album')}" if albums and albums != model["items"] else ""
    items, raters = counted(model["items"], "item"), counted(model["raters"], "rater")
    return f"{counted(model['n'], unit)}, {items}{grouped}, {raters}"


def fewer_screens_sentence(pairs: Sequence[Pair]) -> str:
    """Where models are not of the same screens as the differences that they stand beside."""
    models = [(pair, pair.get("mixed_model") or {}) for pair in pairs]
    fitted = [(pair, model) for pair, model in models if model.get("difference") is not None and model.get("n")]
    fewer = [(pair, model) for pair, model in fitted if model["n"] != pair["n"]]
    if not fewer:
        return ""
    if len(fitted) == 1:
        pair, model = fewer[0]
        whose = f"The model is of {counted(model['n'], 'screen')}, the difference above of {pair['n']}"
    else:
        whose = f"For {len(fewer)} of {len(fitted)} pairs the model is of fewer screens than the difference above"
    return f"{whose}: only of those on which one rater scored both systems. The two may differ for that alone."
