"""A report's tables in LaTeX, with booktabs: a file that compiles alone, and can be \\input into a paper."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotations.reports.scales import limit_of, places_of, scale_is_found
from annotations.reports.scope import populations
from annotations.reports.words import asked as asked_for
from annotations.reports.words import counted, declared_sentence
from annotations.templatetags import report_numbers

ROWS_A_TABLE = 40
LEVELS = {"pooled": "all texts", "within_item": "within items", "system": "systems"}
ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    # These mean something after a line break of a table, or in a ligature.
    **{sign: f"{{{sign}}}" for sign in "[]*`"},
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
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
        f"{counted(campaign['overlap'], 'rater')} an item.",
        asked_for(report),
    ]
    if campaign["interim"]:
        said.append(f"The campaign is {campaign['state']}: these numbers are an early look.")
    if primary:
        said.append(declared_sentence(report))
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
    alpha = f"undefined ({agreement['undefined']})" if agreement["alpha"] is None else f"{agreement['alpha']:.2f}"
    if agreement["ci"]:
        alpha += f" (95 % interval {agreement['ci'][0]:.2f} to {agreement['ci'][1]:.2f})"
    yield from tables(
        f"means-{criterion}",
        f"{words(criterion).capitalize()}: {what} with its 95 % interval, {populations(report, criterion)}. "
        f"Rank is the range that the differences leave open; every system of a cluster is {above} every one of the "
        "next, by differences whose p, as it decides, is below its limit (the declared contrast's own, all others' "
        f"adjusted by Holm). Krippendorff's alpha ({agreement['level']}) is {alpha}.",
        ("System", "Mean", "95 % interval", "Rank", "Cluster", "Ratings", "Raters"),
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
    pairs = [pair for pair in report["pairs"] if pair["criterion"] == criterion]
    unit = " in log-strength" if chosen else ""
    declared = " The declared contrast is tested by itself." if any(pair["primary"] for pair in pairs) else ""
    yield from tables(
        f"differences-{criterion}",
        f"{words(criterion).capitalize()}: differences{unit} of systems on the same items, each with its 95 % "
        f"interval {populations(report, criterion)}, not adjusted for their number.{declared} Holm adjusts p within "
        f"the {campaign['family']}; the intervals for all pairs together are Bonferroni's over the same pairs.",
        ("Systems", "Difference", "95 % interval", "all together", "$p$", "$p$ (Holm)", "Items"),
        [
            [
                f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                figure(pair["difference"], 2 if chosen else places),
                interval(pair["ci"], 2 if chosen else places),
                "declared" if pair["primary"] else interval(pair.get("ci_simultaneous"), 2 if chosen else places),
                p_value(pair["p"], limit_of(report, pair)),
                "declared" if pair["primary"] else p_value(pair["p_holm"]),
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
    yield from effect_tables(criterion, pairs, 2 if chosen else places)


def exact_tables(report: Report, criterion: str, pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    def cells(pair: Mapping[str, Any], by: str) -> list[str]:
        test = pair["exact"][by]
        return [p_value(test["p"], limit_of(report, pair)), "--" if test["p"] is None else f"{test['units']}"]

    yield from tables(
        f"exact-{criterion}",
        f"{words(criterion).capitalize()}: exact two-sided tests of the differences, over raters (a rater's labels "
        "exchanged; where no rater scored both systems, the raters divided anew) and over albums (an album's labels "
        "exchanged), not adjusted for their number.",
        ("Systems", "$p$ over raters", "Raters", "$p$ over albums", "Albums"),
        [
            [
                f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                *cells(pair, "by_raters"),
                *cells(pair, "by_albums"),
            ]
            for pair in pairs
        ],
    )


def agreement_tables(report: Report, criterion: str) -> Iterator[str]:
    """The coefficients beside alpha, which reports that were kept before they had any are without."""
    result = report["criteria"][criterion]
    found, texts = result["agreement"].get("coefficients") or [], "pairs" if result.get("choices") else "texts"
    yield from tables(
        f"agreement-{criterion}",
        f"{words(criterion).capitalize()}: how far raters agree, with 95 % intervals, over {texts} that several "
        "of them rated.",
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
        list(dict.fromkeys(f"{row['name']}: {row['undefined']}." for row in found if row["undefined"])),
    )


def effect_tables(criterion: str, pairs: Sequence[Mapping[str, Any]], places: int) -> Iterator[str]:
    """Effect sizes, what could have been shown, and equivalence, where the report has them."""
    sized = [pair for pair in pairs if pair.get("effects") or pair.get("detectable")]
    if sized:
        yield from tables(
            f"effects-{criterion}",
            f"{words(criterion).capitalize()}: probability of superiority (0.5 is none) and d_z, each with its 95 % "
            "interval, and the true difference that would have been shown with 80 % power.",
            ("Systems", "Superiority", "95 % interval", r"$d$\textsubscript{z}", "95 % interval", "Detectable"),
            [
                [
                    f"{escape(pair['system_a'])} $-$ {escape(pair['system_b'])}",
                    *(
                        cell
                        for effect, decimals in (("superiority", 3), ("d_z", 2))
                        for found in [(pair["effects"] or {}).get(effect) or {"value": None, "ci": None}]
                        for cell in (figure(found["value"], decimals), interval(found["ci"], decimals))
                    ),
                    figure((pair["detectable"] or {}).get("difference"), places),
                ]
                for pair in sized
            ],
        )
    tested = [pair for pair in pairs if pair.get("equivalence")]
    if tested:
        yield from tables(
            f"equivalence-{criterion}",
            f"{words(criterion).capitalize()}: equivalence within the declared margin by two one-sided tests at 0.05.",
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
        f"{words(criterion).capitalize()}: correlation of metrics with people, each with its 95 % interval.{left_out}",
        ("Metric", "Over", "Units", "Pearson", "Spearman", "Kendall"),
        rows,
        list(dict.fromkeys(notes)),
    )
    yield from tables(
        f"accuracy-{criterion}",
        f"{words(criterion).capitalize()}: share of pairs, of texts and of systems, that a metric orders as people do, "
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


def tables(
    label: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> Iterator[str]:
    """A table, or several where it has more rows than a page holds. Caption and notes are plain text, cells LaTeX."""
    parts = [rows[first : first + ROWS_A_TABLE] for first in range(0, len(rows), ROWS_A_TABLE)]
    for number, part in enumerate(parts, start=1):
        of = f" (Part {number} of {len(parts)}.)" if len(parts) > 1 else ""
        said = notes if number == len(parts) else ()
        lines = [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{escape(caption + of)}}}",
            rf"\label{{tab:{label_of(label)}{f'-{number}' if of else ''}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            " & ".join(head.replace("%", r"\%") for head in heads) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in part),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip {{\footnotesize {escape(note)}}}" for note in said),
            r"\end{table}",
        ]
        yield "\n".join(lines)


def valued(found: Mapping[str, Any]) -> str:
    return f"{figure(found['value'], 2)} {interval(found['ci'], 2)}" if found["ci"] else figure(found["value"], 2)


def figure(value: float | None, places: int) -> str:
    return "--" if value is None else f"${rounded(value, places)}$"


def rounded(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.{places}f}"  # not -0.0


def interval(ends: Sequence[float] | None, places: int) -> str:
    return "--" if ends is None else f"$[{rounded(ends[0], places)}, {rounded(ends[1], places)}]$"


def p_value(value: float | None, boundary: float | None = None) -> str:
    return "--" if value is None else f"${report_numbers.p_value(value, boundary).replace(' ', '')}$"


def ranks(ends: Sequence[int]) -> str:
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]}--{ends[1]}"


def words(name: str) -> str:
    return name.replace("_", " ")


def label_of(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)


def escape(text: str) -> str:
    """Plain text as LaTeX sets it: every special sign as itself, and nothing that breaks a line or ends a comment."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    escaped = "".join(ESCAPED.get(sign, sign) for sign in plain.replace("--", "-\x00-").replace("--", "-\x00-"))
    return escaped.replace("\x00", "{}")
