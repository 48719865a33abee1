"""A report's tables in LaTeX, with booktabs: a file that compiles alone, and can be \\input into a paper."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotations.reports.latex_table import (
    escape,
    figure,
    heading,
    interval,
    p_value,
    ranks,
    reasons,
    rounded,
    tables,
    valued,
    words,
)
from annotations.reports.pairs import ranked_pairs
from annotations.reports.scales import adjusted, is_adjusted, limit_of, places_of, scale_is_found
from annotations.reports.scope import populations, scope_sentences
from annotations.reports.words import asked as asked_for
from annotations.reports.words import counted, declared_sentence
from annotations.templatetags import report_numbers

LEVELS = {"pooled": "all texts", "within_item": "within items", "system": "systems"}
PREAMBLE = r"""\expandafter\ifx\csname @nodocument\endcsname\relax\else
\documentclass{article}
\usepackage{booktabs}
\def\storyblenderend{\end{document}}
\begin{document}
\fi"""
END = r"\ifdefined\storyblenderend\expandafter\storyblenderend\fi"

Report = Mapping[str, Any]


def report_latex(report: Report) -> str:
    campaign = report["campaign"]
    name = campaign["name"]
    parts = [
        f"% Tables of the campaign {escape(name)}, made by Story Blender.",
        r"% It compiles alone. \input into a document it needs \usepackage{booktabs} there.",
        "% Names beyond Latin letters need LuaLaTeX or XeLaTeX.",
        PREAMBLE,
        *(part for criterion in report["criteria"] for part in criterion_tables(report, criterion)),
        *(part for criterion in report["criteria"] for part in agreement_tables(report, criterion)),
        *metric_tables(report),
        *(part for criterion in report.get("correlation") or {} for part in correlation_tables(report, criterion)),
        rf"\paragraph{{Method.}} {escape(asked(report))} {escape(report['method'])}",
        END,
    ]
    return "\n\n".join(parts) + "\n"


def asked(report: Report) -> str:
    """What was rated and by whom, the declared contrast, and who was left out, in sentences."""
    campaign, primary = report["campaign"], report.get("primary")
    said = [
        f"{counted(campaign['ratings'], 'screen')} rated by {counted(campaign['raters'], 'rater')}: "
        f"{counted(campaign['items'], 'item')} of {campaign['dataset']}, at most "
        f"{counted(campaign['overlap'], 'rater')} per item.",
        asked_for(report),
    ]
    if campaign["interim"]:
        said.append(f"The campaign is {campaign['state']}: these numbers are an early look.")
    if primary:
        said.append(declared_sentence(report))
    said += dict.fromkeys(each for criterion in report["criteria"] for each in scope_sentences(report, criterion))
    if left_out := (report.get("exclusions") or {}).get("raters"):
        reasons = "; ".join(sorted({each["reason"] for each in left_out}))
        said.append(f"Raters left out: {len(left_out)} ({reasons}).")
    return " ".join(said)


def criterion_tables(report: Report, criterion: str) -> Iterator[str]:
    result, campaign = report["criteria"][criterion], report["campaign"]
    if not result["systems"]:
        return
    chosen, places = result.get("choices"), places_of(report, criterion)
    low, high = campaign.get("scale") or (None, None)
    scale = "" if low is None or chosen else f" on a scale from {low:g} to {high:g}"
    if scale and scale_is_found(campaign):
        scale = f" of scores that were found to lie from {low:g} to {high:g}"
    what = "share of comparisons won, a tie being half," if chosen else f"mean{scale}"
    above = "preferred to" if chosen else "rated higher than"
    agreement = result["agreement"]
    alpha = (
        f"undefined ({agreement['undefined']})"
        if agreement["alpha"] is None
        else report_numbers.figure(agreement["alpha"], 2)
    )
    if agreement["ci"]:
        alpha += f" (95 % interval {report_numbers.interval(agreement['ci'], 2)})"
    pairs = ranked_pairs(report, criterion)
    together = any(is_adjusted(report, pair) for pair in pairs)
    by_holm = ", by p-values adjusted by Holm" if together else ""
    if by_holm and any(pair["primary"] for pair in pairs):
        by_holm += " (of the declared contrast by its own)"
    yield from tables(
        f"means-{criterion}",
        f"{heading(criterion)}: {what} with its 95 % interval, {populations(report, criterion)}. "
        f"Rank is the range that the tests of differences leave open; every system of a cluster was shown to be "
        f"{above} every one of the next{by_holm}. Krippendorff's alpha ({agreement['level']}) is {alpha}.",
        ("System", "Share won" if chosen else "Mean", "95 % interval", "Rank", "Cluster", "Ratings", "Raters"),
        [
            [
                escape(row["system"]),
                figure(row["mean"], 3 if chosen else places),
                interval(row["ci"], 3 if chosen else places),
                ranks(row["rank_range"]),
                f"{row['cluster']}",
                f"{row['n']}",
                f"{row['raters']}",
            ]
            for row in result["systems"]
        ],
    )
    unit = " in log-strength" if chosen else ""
    declared = " The declared contrast is tested by itself." if any(pair["primary"] for pair in pairs) else ""
    adjustment = "."
    if together:
        adjustment = (
            f", not adjusted for their number.{declared} Holm adjusts p within the {campaign['family']}; the "
            "simultaneous 95 % intervals are Bonferroni's over the same pairs."
        )
    yield from tables(
        f"differences-{criterion}",
        f"{heading(criterion)}: differences{unit} of systems on the same items, each with its 95 % "
        f"interval {populations(report, criterion)}{adjustment}",
        (
            "Systems",
            "Difference",
            "95 % interval",
            *(("Simultaneous", "$p$", "$p$ (Holm)") if together else ("$p$",)),
            "Items",
        ),
        [
            [
                f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                figure(pair["difference"], 2 if chosen else places),
                interval(pair["ci"], 2 if chosen else places),
                *([simultaneous(pair, 2 if chosen else places)] if together else []),
                p_value(pair["p"] if together else adjusted(pair), limit_of(report, pair)),
                *([("declared" if pair["primary"] else p_value(pair["p_holm"]))] if together else []),
                f"{pair['items']}",
            ]
            for pair in pairs
        ],
        [
            f"{pair['system_a']} − {pair['system_b']}: {why}."
            for pair in pairs
            if (why := pair["undefined"] or pair.get("note"))
        ],
    )
    yield from exact_tables(report, criterion, [pair for pair in pairs if "exact" in pair])
    yield from effect_tables(criterion, pairs, 2 if chosen else places, chosen=bool(chosen))


def simultaneous(pair: Mapping[str, Any], places: int) -> str:
    return "declared" if pair["primary"] else interval(pair.get("ci_simultaneous"), places)


def exact_tables(report: Report, criterion: str, pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    def cells(pair: Mapping[str, Any], by: str) -> list[str]:
        test = pair["exact"][by]
        return [p_value(test["p"], limit_of(report, pair)), "--" if test["p"] is None else f"{test['units']}"]

    yield from tables(
        f"exact-{criterion}",
        f"{heading(criterion)}: exact two-sided tests of the differences, over raters (a rater's labels "
        "exchanged; where no rater scored both systems, the raters reassigned to the two) and over albums (an album's "
        "labels exchanged), not adjusted for their number.",
        ("Systems", "$p$ over raters", "Raters", "$p$ over albums", "Albums"),
        [
            [
                f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                *cells(pair, "by_raters"),
                *cells(pair, "by_albums"),
            ]
            for pair in pairs
        ],
        reasons(
            (f"{pair['system_a']} − {pair['system_b']}, over {units}", test["undefined"])
            for pair in pairs
            for units, test in (("raters", pair["exact"]["by_raters"]), ("albums", pair["exact"]["by_albums"]))
            if test["p"] is None
        ),
    )


def agreement_tables(report: Report, criterion: str) -> Iterator[str]:
    """The coefficients beside alpha, which reports that were kept before they had any are without."""
    result = report["criteria"][criterion]
    found, texts = result["agreement"].get("coefficients") or [], "pairs" if result.get("choices") else "texts"
    if all(row["value"] is None for row in found):
        return  # alpha, in the caption of the means, says why
    yield from tables(
        f"agreement-{criterion}",
        f"{heading(criterion)}: how far raters agree, with 95 % intervals, over {texts} that several of them rated.",
        ("Coefficient", "Value", "95 % interval", texts.capitalize(), "Raters each"),
        [
            [
                escape(row["name"]),
                figure(row["value"], 2),
                interval(row["ci"], 2),
                *(("--", "--") if row["value"] is None else (f"{row['units']}", f"{round(row['ratings'], 1):g}")),
            ]
            for row in found
        ],
        reasons((row["name"], row["undefined"]) for row in found),
    )


def effect_tables(criterion: str, pairs: Sequence[Mapping[str, Any]], places: int, *, chosen: bool) -> Iterator[str]:
    """Effect sizes, what could have been shown, and equivalence, where the report has them."""
    scored = [pair for pair in pairs if pair.get("effects")]
    if scored:
        yield from tables(
            f"effects-{criterion}",
            f"{heading(criterion)}: probability of superiority (0.5 means no difference) and d_z, each with "
            "its 95 % interval.",
            ("Systems", "Superiority", "95 % interval", r"$d$\textsubscript{z}", "95 % interval"),
            [
                [
                    f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                    *(
                        cell
                        for effect, decimals in (("superiority", 3), ("d_z", 2))
                        for found in [pair["effects"][effect]]
                        for cell in (figure(found["value"], decimals), interval(found["ci"], decimals))
                    ),
                ]
                for pair in scored
            ],
            reasons(
                (f"{pair['system_a']} − {pair['system_b']}, {words(effect)}", pair["effects"][effect]["undefined"])
                for pair in scored
                for effect in ("superiority", "d_z")
            ),
        )
    unshown = [pair for pair in pairs if pair.get("detectable") and not pair["shown"]]
    if unshown:
        yield from tables(
            f"detectable-{criterion}",
            f"{heading(criterion)}: where no difference was shown, the true difference"
            f"{' in log-strength' if chosen else ''} that a study of this design would show with 80 % power, tested "
            "at the given level.",
            ("Systems", "Detectable difference", "Level"),
            [
                [
                    f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                    figure(pair["detectable"]["difference"], places),
                    f"${pair['detectable']['alpha']:.2g}$",
                ]
                for pair in unshown
            ],
        )
    tested = [pair for pair in pairs if pair.get("equivalence")]
    if tested:
        yield from tables(
            f"equivalence-{criterion}",
            f"{heading(criterion)}: equivalence within the declared margin by two one-sided tests at 0.05.",
            ("Systems", "Margin", "90 % interval", "$p$", "$p$, Holm", "Equivalent"),
            [
                [
                    f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                    f"$\\pm{rounded(found['margin'], places)}$",
                    interval(found["ci"], places),
                    p_value(found["p"]),
                    "declared" if pair["primary"] else p_value(found["p_holm"]),
                    "shown" if found["shown"] else "not shown",
                ]
                for pair in tested
                for found in [pair["equivalence"]]
            ],
            [
                f"{pair['system_a']} − {pair['system_b']}: {pair['equivalence']['undefined']}."
                for pair in tested
                if pair["equivalence"]["undefined"]
            ],
        )


def metric_tables(report: Report) -> Iterator[str]:
    found = report["metrics"]
    metrics = sorted({metric for cells in found.values() for metric in cells})
    for metric in metrics:
        cells = {system: row[metric] for system, row in sorted(found.items())}
        signature = next((cell["signature"] for cell in cells.values() if cell["signature"]), "")
        yield from tables(
            f"metric-{metric}",
            f"{words(metric)} on the campaign's items, with its 95 % interval by resampling. Signature: {signature}",
            ("System", "Value", "95 % interval"),
            [
                [escape(system), figure(cell["value"], 3), interval(cell["ci"], 3)]
                for system, cell in cells.items()
                if cell["value"] is not None
            ],
            [f"{system}: {cell['undefined']}." for system, cell in cells.items() if cell["value"] is None],
        )
    for metric, compared in (report.get("metric_differences") or {}).items():
        yield from tables(
            f"metric-differences-{metric}",
            f"{words(metric)}: differences of systems by the paired bootstrap over albums, each with its 95 % "
            f"interval and two-sided p, neither adjusted for their number. Signature: {compared['signature']}",
            ("Systems", "Difference", "95 % interval", "$p$"),
            [
                [
                    f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                    figure(pair["difference"], 3),
                    interval(pair["ci"], 3),
                    p_value(pair["p"]),
                ]
                for pair in compared["pairs"]
            ],
        )


def correlation_tables(report: Report, criterion: str) -> Iterator[str]:
    found = report["correlation"][criterion]
    if found.get("undefined"):
        return
    left_out = f" Left out: {', '.join(found['left_out'])}." if found.get("left_out") else ""
    rows, notes = [], []
    for metric, levels in sorted(found["metrics"].items()):
        for level, name in LEVELS.items():
            each = levels[level]
            coefficients = [each[kind] for kind in ("pearson", "spearman", "kendall")]
            rows.append([escape(words(metric)), name, f"{each['units']}", *(valued(found) for found in coefficients)])
            notes += [f"{words(metric)}, {name}: {one['undefined']}." for one in coefficients if one["undefined"]]
    yield from tables(
        f"correlation-{criterion}",
        f"{heading(criterion)}: correlation of metrics with people, each with its 95 % interval.{left_out}",
        ("Metric", "Over", "Units", "Pearson", "Spearman", "Kendall"),
        rows,
        list(dict.fromkeys(notes)),
    )
    yield from tables(
        f"accuracy-{criterion}",
        f"{heading(criterion)}: share of pairs, of texts and of systems, that a metric orders as people do, "
        f"each with its 95 % interval; two texts are tied where the metric differs by less than the tie.{left_out}",
        ("Metric", "Texts", "Tie", "Pairs", "Systems", "Pairs"),
        [
            [
                escape(words(metric)),
                valued(each["text"]),
                figure(each["tie"], 3),
                f"{each['text_pairs']}",
                valued(each["system"]),
                f"{each['system_pairs']}",
            ]
            for metric, levels in sorted(found["metrics"].items())
            for each in [levels["accuracy"]]
        ],
    )
