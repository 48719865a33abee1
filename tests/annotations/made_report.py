"""Reports with every key that one can hold, written by hand and by formula rather than from ratings."""

from itertools import combinations
from typing import Any

METRICS = ("bleu", "chrf", "bertscore_f1")
WHY = "fewer than five systems besides the human"


def statistic(value: float | None, undefined: str | None = None) -> dict[str, Any]:
    return {"value": value, "ci": None if value is None else [value - 0.11, value + 0.12], "undefined": undefined}


def level(value: float | None, undefined: str | None = None) -> dict[str, Any]:
    kinds = ("pearson", "spearman", "kendall")
    return {kind: statistic(value, undefined) for kind in kinds} | {"units": 240, "left_out": 2}


def made_report(
    names: tuple[str, ...] = ("human", "gru", "lstm"),
    criteria: tuple[str, ...] = ("human_likeness", "fluency"),
    *,
    raters: int = 6,
    scale: tuple[float, float] = (0, 100),
    metrics: tuple[str, ...] = METRICS,
) -> dict[str, Any]:
    """Systems best first as named; the first contrast of the first criterion is declared, the last rater left out."""
    low, high = scale
    step = (high - low) / (2 * len(names))
    means = {name: high - (high - low) / 8 - step * place for place, name in enumerate(names)}
    pairs = [
        pair_of(names, criterion, pair, means, criteria[0]) for criterion in criteria for pair in combinations(names, 2)
    ]
    primary = next(pair for pair in pairs if pair["primary"])
    return {
        "version": 2,
        "campaign": {
            "name": "first-look",
            "purpose": "evaluation",
            "dataset": "vist",
            "split": "test",
            "unit": "sentence",
            "protocol": "slider",
            "show": "caption",
            "systems": sorted(names),
            "items": 200,
            "overlap": 3,
            "family": "criterion",
            "screens": 600,
            "state": "closed",
            "interim": False,
            "ratings": 600,
            "raters": raters,
            "skipped": 4,
            "withdrawn": 2,
            "scale": [low, high],
            "imported": False,
            "looks": 2,
            "spending": "pocock",
            "equivalence_margin": 12.5,
            "criteria": list(criteria),
            "began": "2026-03-02",
            "ended": "2026-03-09",
            "albums": 50,
            "instructions": "Rate every sentence by itself.",
        },
        "look": {"number": 2, "of": 2, "share": 1.0, "p": 0.0294, "spending": "pocock"},
        "primary": {
            "first": primary["system_a"],
            "second": primary["system_b"],
            "criterion": criteria[0],
            "boundary": 0.0294,
            **{key: primary[key] for key in ("difference", "ci", "p", "n", "items", "undefined")},
        },
        "criteria": {criterion: criterion_of(names, means, scale) for criterion in criteria},
        "pairs": pairs,
        "metrics": metrics_of(names, metrics),
        "metric_differences": {
            metric: {
                "signature": f"{metric}|nrefs:1",
                "pairs": [
                    {
                        "system_a": one,
                        "system_b": other,
                        "difference": 2.125,
                        "ci": [0.5, 3.75],
                        "p": 0.0125,
                        "p_sacrebleu": 0.0375,
                    }
                    for one, other in combinations([name for name in names if name != "human"], 2)
                ],
            }
            for metric in metrics
        },
        "correlation": {criterion: correlation_of(names, means, metrics) for criterion in criteria},
        "disagreements": {
            criterion: {
                metric: [
                    {
                        "text": f"Liked by people, not by {metric}.",
                        "source": "a boat on the water",
                        "systems": [names[1]],
                        "human": means[names[1]],
                        "metric": 0.125,
                        "human_rank": 3,
                        "metric_rank": 388,
                    }
                ]
                for metric in metrics
            }
            for criterion in criteria
        },
        "examples": {criterion: examples_of(names, means, step) for criterion in criteria},
        "raters": [rater_of(number, raters, step) for number in range(1, raters + 1)],
        "exclusions": {
            "raters": [
                {
                    "rater": raters,
                    "reason": "answered without reading",
                    "at": "2026-03-10T09:00:00+00:00",
                    "after_results": True,
                }
            ],
            "criteria_with_all": {
                criterion: [
                    {"system": name, "n": 640, "mean": mean - step / 7, "ci": [mean - step / 2, mean + step / 3]}
                    for name, mean in means.items()
                ]
                for criterion in criteria
            },
            "pairs_with_all": [
                {
                    **{key: pair[key] for key in ("criterion", "system_a", "system_b")},
                    "difference": pair["difference"] * 0.9,
                    "ci": [end * 0.9 for end in pair["ci"]],
                    "p": 0.0187,
                }
                for pair in pairs
            ],
        },
        "method": "Means are over ratings. Intervals are 95 %.",
    }


def pair_of(
    names: tuple[str, ...], criterion: str, pair: tuple[str, str], means: dict[str, float], first: str
) -> dict[str, Any]:
    one, other = pair
    difference = means[one] - means[other]
    close = names.index(other) - names.index(one) == 1 and one != names[0]
    half = abs(difference) * (1.5 if close else 0.4)
    primary = pair == names[:2] and criterion == first
    return {
        "criterion": criterion,
        "system_a": one,
        "system_b": other,
        "primary": primary,
        "difference": difference,
        "ci": [difference - half, difference + half],
        "bootstrap_ci": [difference - 1.1 * half, difference + 1.2 * half],
        "p": 0.31 if close else 0.0002,
        "p_holm": None if primary else 0.62 if close else 0.0006,
        "error": half / 2,
        "freedom": 5.0,
        "estimator": "jackknife",
        "ci_simultaneous": None if primary else [difference - 1.4 * half, difference + 1.4 * half],
        "effects": {
            "superiority": statistic(None if close else 0.8125, "all scores are tied" if close else None),
            "d_z": statistic(1.375),
        },
        "detectable": {"difference": 21.5, "power": 0.8, "alpha": 0.05 if primary else 0.025},
        "equivalence": {
            "margin": 12.5,
            "ci": [difference - 0.8 * half, difference + 0.8 * half],
            "p": 0.4125,
            "p_holm": None if primary else 0.825,
            "shown": False,
            "undefined": None,
        },
        "n": 600,
        "items": 200,
        "undefined": None,
        "unvaried": False,
        "note": None,
        "exact": exact_of(close),
        "mixed_model": {
            **dict.fromkeys(("difference", "ci", "p", "item_deviation", "rater_deviation")),
            "undefined": "one rater alone",
        }
        if close
        else {
            "difference": difference,
            "ci": [difference - half, difference + half],
            "p": 0.0004,
            "album_deviation": 2.25,
            "item_deviation": 3.25,
            "rater_deviation": 1.75,
            "n": 600,
            "items": 200,
            "raters": 6,
            "albums": 40,
            "undefined": None,
        },
    }


def exact_of(close: bool) -> dict[str, Any]:
    about = {"complete": True, "undefined": None}
    raters = {"test": "sign-flip", "p": 0.21875 if close else 0.03125, "units": 6, "smallest": 0.03125, **about}
    albums = {"test": "sign-flip", "p": 0.40625 if close else 0.0009765625, "units": 50, "smallest": 0.0001, **about}
    return {"constant": False, "raters": 6, "raters_both": 6, "by_raters": raters, "by_albums": albums}


def criterion_of(names: tuple[str, ...], means: dict[str, float], scale: tuple[float, float]) -> dict[str, Any]:
    low, high = scale
    width = (high - low) / 10
    return {
        "systems": [
            {
                "system": name,
                "n": 600,
                "raters": 6,
                "items": 200,
                "mean": means[name],
                "z": 0.5 - 0.25 * place,
                "ci": [means[name] - width / 4, means[name] + width / 4],
                "bootstrap_ci": [means[name] - width / 3, means[name] + width / 3],
                "rank_range": [1, 1] if not place else [2, max(2, len(names))],
                "cluster": min(place + 1, 2),
            }
            for place, name in enumerate(names)
        ],
        "agreement": {
            **{"alpha": 0.4375, "ci": [0.375, 0.5], "level": "interval", "undefined": None},
            "coefficients": [
                {"name": name, "value": value, "ci": [value - 0.125, value + 0.125], "undefined": None}
                | {"units": 1150, "ratings": 2.5}
                for name, value in (("Fleiss' kappa, quadratic weights", 0.6875), ("ICC(1)", 0.5625))
            ],
        },
        "expected_wins": [
            {"system": name, "value": 0.6875 - 0.125 * place, "opponents": len(names) - 1}
            for place, name in enumerate(names)
        ],
        "missing": {
            "screens": 590,
            "planned": 600,
            "items": 200,
            "systems": [
                {"system": name, "ratings": 583 - place, "missing": 7 + place, "missing_items": 3 + place}
                for place, name in enumerate(names)
            ],
        },
        "distribution": {
            "edges": [low + width * edge for edge in range(11)],
            "counts": {
                name: [max(1, 120 - 25 * abs(8 - number - place % 8)) for number in range(10)]
                for place, name in enumerate(names)
            },
        },
    }


def metrics_of(names: tuple[str, ...], metrics: tuple[str, ...]) -> dict[str, Any]:
    undefined = {"value": None, "ci": None, "signature": None, "undefined": "undefined: a single reference"}
    return {
        name: {
            metric: undefined
            if name == "human"
            else {
                "value": 11.0 + place,
                "ci": [10.0 + place, 12.0 + place],
                "signature": f"{metric}|nrefs:1|version:2.6.0",
            }
            for metric in metrics
        }
        for place, name in enumerate(names)
    }


def correlation_of(names: tuple[str, ...], means: dict[str, float], metrics: tuple[str, ...]) -> dict[str, Any]:
    accuracy = {
        "text": statistic(0.625),
        "tie": 0.5,
        "text_pairs": 9000,
        "system": statistic(None, WHY),
        "system_pairs": 1,
    }
    return {
        "metrics": {
            metric: {
                "pooled": level(0.3125),
                "within_item": level(0.25),
                "system": level(None, WHY),
                "accuracy": accuracy,
            }
            for metric in metrics
        },
        "points": {
            metric: [
                {"system": name, "human": means[name], "metric": 11.0 + place, "texts": 200}
                for place, name in enumerate(names)
                if name != "human"
            ]
            for metric in metrics
        },
        "williams": [
            {"metric_a": one, "metric_b": other, "t": 2.25, "p": 0.0275, "p_better": 0.01375, "undefined": None}
            for one, other in combinations(metrics, 2)
        ],
        "left_out": ["human"],
        "undefined": None,
    }


def examples_of(names: tuple[str, ...], means: dict[str, float], step: float) -> dict[str, list[dict[str, Any]]]:
    return {
        kind: [
            {
                "text": f"The {kind} sentence of {name}, about a boat and the people who watched it from the shore.",
                "source": "a boat on the water",
                "systems": [name],
                "mean": means[name],
                "deviation": step / 2,
                "n": 3,
                "ratings": [{"rater": rater, "score": means[name] + step * (rater - 2) / 2} for rater in (1, 2, 3)],
            }
            for name in names[:2]
        ]
        for kind in ("best", "worst", "disputed")
    }


def rater_of(number: int, raters: int, step: float) -> dict[str, Any]:
    last = number == raters
    severity = step * ((number * 7) % 11 - 5) / 10
    return {
        "rater": f"00000000-0000-4000-8000-{number:012d}",
        "screens": 100,
        "seconds": 8.0 + (number * 5) % 13,
        "under_floor": 0.01 * (number % 5),
        "floor": "320 words a minute",
        "mean": 50.0 + severity,
        "severity": severity,
        "severity_ci": [severity - step / 5, severity + step / 5],
        "agreement": 0.75,
        "undefined": None,
        "excluded": "answered without reading" if last else None,
        "degraded": {"pairs": 12, "drop": 18.5, "p": 0.0035, "passed": not last, "undefined": None}
        if number % 2
        else {
            "pairs": 3,
            "drop": None,
            "p": None,
            "passed": None,
            "undefined": "not testable: 3 pairs, eight are needed",
        },
        "consistency": {
            "repeats": 8,
            "mean_difference": step / 9,
            "correlation": 0.875,
            "within_tolerance": 0.75,
            "undefined": None,
        }
        if number % 2
        else {
            "repeats": 0,
            "mean_difference": None,
            "correlation": None,
            "within_tolerance": None,
            "undefined": "nothing was shown twice",
        },
    }


def made_choices(names: tuple[str, ...] = ("human", "gru", "lstm")) -> dict[str, Any]:
    """A report of comparisons: means are shares won, differences are of log-strengths."""
    report = made_report(names, ("human_likeness",))
    report["campaign"]["protocol"] = "pairwise"
    result = report["criteria"]["human_likeness"]
    result.pop("distribution")
    for place, row in enumerate(result["systems"]):
        row["mean"] = 0.75 - 0.125 * place
        row["ci"] = [row["mean"] - 0.0625, row["mean"] + 0.0625]
    result["choices"] = {
        "systems": [
            {
                "system": name,
                "worth": 0.8 - 0.4 * place,
                "ci": [0.5 - 0.4 * place, 1.1 - 0.4 * place],
                "win_share": 0.75 - 0.125 * place,
            }
            for place, name in enumerate(names)
        ],
        "ties": {"value": 0.1875, "ci": [0.15, 0.225], "undefined": None},
        "position": {"value": 0.0625, "ci": [-0.05, 0.175], "undefined": None},
        "table": [
            {
                "system_a": one,
                "system_b": other,
                "wins": 60,
                "ties": 15,
                "losses": 25,
                "share": 0.7059,
                "ci": [0.6, 0.8],
                "halved": 0.675,
                "halved_ci": [0.575, 0.765],
            }
            for one, other in combinations(names, 2)
        ],
        "penalised": "human never lost: half a win and half a loss against an average system were added",
        "undefined": None,
    }
    why = "raters chose between texts"
    nothing = {"metrics": {}, "points": {}, "williams": [], "left_out": [], "undefined": why}
    report["correlation"], report["disagreements"] = {"human_likeness": nothing}, {}
    report["campaign"]["equivalence_margin"] = 0.125
    for pair in report["pairs"]:
        pair["difference"], pair["ci"] = 0.4375, [0.1875, 0.6875]
        pair["bootstrap_ci"] = pair["mixed_model"] = pair["effects"] = None
        pair["equivalence"] |= {"margin": 0.5108, "ci": [0.2375, 0.6375]}
        pair["detectable"]["difference"] = 0.3125
    report["primary"] |= {"difference": 0.4375, "ci": [0.1875, 0.6875]}
    del report["exclusions"]
    return report


# What reports did not have at first, as (places of the objects, keys).
NEW = {
    "": ("version", "look", "metric_differences", "disagreements", "exclusions", "correlation"),
    "campaign": (
        "scale",
        "imported",
        "looks",
        "spending",
        "equivalence_margin",
        "criteria",
        "began",
        "ended",
        "albums",
        "instructions",
    ),
    "primary": ("boundary",),
    "criteria": ("distribution", "expected_wins", "missing"),
    "pairs": (
        *("unvaried", "note", "exact", "error", "freedom", "estimator"),
        *("ci_simultaneous", "effects", "detectable", "equivalence"),
    ),
    "raters": ("excluded", "degraded", "consistency"),
}


def objects_at(report: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """The objects that `place` names: the report itself, one of its parts, or each of a part's."""
    part = report[place] if place else report
    return part if isinstance(part, list) else list(part.values()) if place == "criteria" else [part]


def old_report() -> dict[str, Any]:
    """As reports were kept before they had any of these keys."""
    report = made_report()
    for place in reversed(NEW):
        for each in objects_at(report, place):
            for key in NEW[place]:
                del each[key]
    return report
