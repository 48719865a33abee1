"""Published answers beside ours, from the published tables: each row says what, where from, and by how much we differ.

Krippendorff's alpha and Fleiss' kappa (the worked examples of Wikipedia), intraclass correlations (Shrout and Fleiss
1979), Bradley-Terry strengths (citations between journals), HANNA's correlations of metrics with people, and what the
authors of two sets of ratings print of them. Then studies whose files are imported as they were published
(`benchmarks/studies.py`), of those that are in `studies/` of the folder of real data, or in that of `--studies`.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from annotations.statistics.agreement import alpha
from annotations.statistics.chance_corrected import chance_corrected
from annotations.statistics.choices import strengths, win_table
from annotations.statistics.correlation import correlations
from annotations.statistics.intraclass import intraclass
from benchmarks.common import DATA, Row, print_result, print_table, shared
from benchmarks.studies import study_rows

PROMPTS = 96  # of HANNA
HANNA = ("Relevance", "Coherence", "Empathy", "Surprise", "Engagement", "Complexity")
ALPHAS = {
    ("coherence", "main"): 0.2400,
    ("coherence", "new"): 0.2334,
    ("naturalness", "main"): 0.3022,
    ("naturalness", "new"): 0.2825,
}
MEANS = {"scratchplot": 3.987, "gpt2": 3.407, "fusion": 1.893, "progen": 1.880}  # coherence, main


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--studies", type=Path, metavar="DIR", help="where the files of published studies are as well")
    given = options.parse_args()
    expected = json.loads(shared("statistics", "expected.json").read_text())
    imported, left_out = study_rows([*filter(None, [given.studies]), DATA / "studies"])
    rows = [*tables(expected), *hanna(), *likert(), pairwise(), *imported]
    shown: list[list[object]] = [["what", "published", "ours", "difference", "allowed"]]
    for row in rows:
        difference = f"{abs(row.ours - row.published):.1e}"
        shown.append([row.what, f"{row.published:.6g}", f"{row.ours:.6g}", difference, f"{row.allowed:.0e}"])
    print_table(shown)
    for line in left_out:
        print(f"left out: {line}")
    missed = [row.what for row in rows if not abs(row.ours - row.published) <= row.allowed]
    print_result(
        answers=len(rows),
        numbers=sum(row.numbers for row in rows),
        imported=len(imported),
        files_left_out=len(left_out),
        missed=missed,
        figure="every published answer is reproduced",
    )


def tables(expected: dict) -> Iterator[Row]:
    def read(name: str) -> list[list[str]]:
        return read_csv(shared("statistics", name))

    table = np.array(
        [[float(cell) if cell else np.nan for cell in row] for row in read("krippendorff_wikipedia_3x15.csv")]
    )
    raters, units = np.nonzero(~np.isnan(table))
    for level, published in expected["alpha_wikipedia_3x15"].items():
        found = alpha(table[raters, units], units, level=level, resamples=10)
        yield Row(f"Krippendorff's alpha, {level}", published, ours(found.value), 5e-5)
    counts = np.array(read("fleiss_wikipedia_10x5_counts.csv")).astype(int)
    texts, chosen = (np.repeat(place, counts.ravel()) for place in np.indices(counts.shape).reshape(2, -1))
    kappa = chance_corrected(chosen.astype(float), texts, np.arange(len(texts)), scale=(0, 4))["Fleiss' kappa"]
    yield Row("Fleiss' kappa", expected["fleiss_kappa_wikipedia"], ours(kappa.value), 5e-5)
    coefficients = intraclass(np.array(read("shrout_fleiss1979_6x4.csv")).astype(float))
    for name, published in expected["icc_shrout_fleiss"].items():
        key = f"ICC({name[3]},k)" if name.endswith("k") else f"ICC({name[3]})"
        yield Row(f"{key}, Shrout and Fleiss", published, ours(coefficients[key].value), 5e-5)
    header, *body = read("bt_citations_rows_cited_cols_citing.csv")
    names, wins = header[1:], np.array([row[1:] for row in body]).astype(int)
    np.fill_diagonal(wins, 0)
    cited, citing = (np.repeat(place, wins[np.nonzero(wins)]) for place in np.nonzero(wins))
    fitted = strengths(cited, citing, np.ones(len(cited)), names=names, position=False)
    for name, published in expected["bt_citations_ref_Biometrika"].items():
        values = fitted.worths.relative_to(names.index("Biometrika"))[0] if fitted.worths else np.full(4, np.nan)
        yield Row(f"Bradley-Terry, {name}", published, float(values[names.index(name)]), 5e-5)


def hanna() -> Iterator[Row]:
    """The largest difference of a criterion's cells, at each level."""
    table, published = (
        {row.pop("Model"): row for row in read_rows(shared("statistics", name))}
        for name in ("hanna_metric_scores.csv", "hanna_published_pearson.csv")
    )
    columns = {name: np.concatenate([json.loads(row[name]) for row in table.values()]) for name in table["Human"]}
    systems, items = np.repeat(np.arange(len(table)), PROMPTS), np.tile(np.arange(PROMPTS), len(table))
    human, metrics = list(table).index("Human"), {name: columns[name] for name in published}
    for criterion in HANNA:
        found = correlations(columns[criterion], metrics, systems, items, leave_out=[human], resamples=10)
        for level, name in (("within_item", "story"), ("system", "system")):
            cells = [
                (float(published[metric][f"{criterion}_{name}_pearson"]), abs(ours(getattr(each, level).pearson.value)))
                for metric, each in found.items()
            ]
            worst = max(cells, key=lambda pair: abs(pair[0] - pair[1]))
            what = f"HANNA, {criterion} by {name}: the farthest of {len(cells)} cells"
            yield Row(what, *worst, 1e-9, numbers=len(cells))


def likert() -> Iterator[Row]:
    rows = read_rows(shared("ratings", "scratchplot_likert.csv"))
    for (criterion, batch), published in ALPHAS.items():
        mine = [row for row in rows if (row["criterion"], row["batch"]) == (criterion, batch)]
        _, texts = np.unique([f"{row['item']}|{row['system']}" for row in mine], return_inverse=True)
        found = alpha(np.array([float(row["score"]) for row in mine]), texts, level="ordinal", resamples=10)
        yield Row(f"scratchplot, ordinal alpha of {criterion}, {batch}", published, ours(found.value), 5e-5)
    for system, published in MEANS.items():
        scores = [
            float(row["score"])
            for row in rows
            if (row["criterion"], row["batch"], row["system"]) == ("coherence", "main", system)
        ]
        yield Row(f"scratchplot, mean coherence of {system}, main", published, float(np.mean(scores)), 5e-4)


def pairwise() -> Row:
    rows = read_rows(shared("ratings", "ncp_3b_pairwise.csv"))
    shown = [row["options"].split(",") for row in rows]
    names = sorted({name for pair in shown for name in pair})
    first, second = (np.array([names.index(pair[place]) for pair in shown]) for place in (0, 1))
    outcome = [
        0.5 if row["overall_quality"] == "same" else float(row["overall_quality"] == pair[0])
        for row, pair in zip(rows, shown, strict=True)
    ]
    two = (names.index("base3b"), names.index("basesft_3b"))
    pair = next(
        each for each in win_table(first, second, np.array(outcome), names=names) if (each.one, each.other) == two
    )
    return Row("novel chapters, basesft_3b against base3b, %", 5.88, 100 * (1 - ours(pair.decided.share)), 5e-3)


def ours(value: float | None) -> float:
    return float("nan") if value is None else value


def read_csv(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.reader(lines))


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main()
