"""Systems over campaigns side by side, on the items that the campaigns share and where they asked the same."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from annotations.reports.limits import cut
from annotations.reports.metric_comparison import metrics_comparison
from annotations.reports.studies import (
    Ratings,
    Shown,
    Study,
    alike,
    counted,
    listed,
    question_differences,
    shared_sources,
    studies_named,
    systems_shown,
)
from annotations.statistics.differences import Difference, paired_difference
from annotations.statistics.means import clustered_mean
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, Ints, Mean, holm

METHOD = (
    "Campaigns are compared where protocol, unit, scale, what raters saw, criterion and instructions are the same, on "
    "the items (sources) that all of them hold and for which each has ratings. Means are over ratings. Their 95 % "
    "intervals, and those of differences, are robust to albums and raters, as in a campaign's report. z is "
    "the mean of scores standardised by their rater within the campaign, on the same items; it takes out how raters "
    "use the scale, and is relative to the texts that were rated beside. A difference between campaigns is paired by "
    "item, the later campaign minus the earlier, with each campaign's raters as a sample of their own; people known "
    "by the same outside id are one person. The p-values of all differences by a criterion are adjusted together by "
    "Holm; intervals are not adjusted, and are cut at the ends of the scale where it is known. Two systems that one "
    "of the campaigns has rated together are compared in its report and not here. A difference against the link is "
    "that of the systems' distances from the systems rated with the same texts in both campaigns: it takes out what "
    "the groups of raters differ by on those, if they differ on all systems alike."
)


def comparison_build(names: Sequence[str]) -> dict[str, Any]:
    """The campaigns compared; the order of the names changes nothing.

    Raises InputError for fewer than two or for one named twice, NotFoundError for an unknown name, ConflictError where
    one is not closed.
    """
    studies = studies_named(names)
    scored = [study for study in studies if study.has_scores]
    left_out = [
        f"{listed([study])} is compared by choices ({study.questions.protocol}); only campaigns with scores are "
        "compared."
        for study in studies
        if study not in scored
    ]
    left_out += question_differences(scored)
    criteria, alone = [], []
    for group in alike(scored):
        for criterion in dict.fromkeys(name for study in group for name in study.campaign.criteria):
            asking = [study for study in group if criterion in study.campaign.criteria]
            if len(asking) > 1:
                criteria.append(criterion_comparison(asking, criterion))
            elif len(group) > 1:
                others = listed([study for study in group if study not in asking])
                alone.append(f"{criterion}: asked in {listed(asking)}, not in {others}.")
    return {
        "campaigns": [campaign_row(study) for study in studies],
        "left_out": left_out + alone,
        "criteria": criteria,
        "metrics": metrics_comparison(studies),
        "method": METHOD,
    }


def campaign_row(study: Study) -> dict[str, Any]:
    about = study.campaign
    return {
        "name": about.name,
        "purpose": about.purpose,
        "dataset": about.dataset.name,
        "split": about.split,
        "closed": about.closed_at and about.closed_at.date().isoformat(),
        **study.questions._asdict(),
        "imported": about.imported_by_id is not None,
        "criteria": list(about.criteria),
        "systems": sorted(study.decodings),
        "items": len(study.sources),
    }


def criterion_comparison(studies: Sequence[Study], criterion: str) -> dict[str, Any]:
    """One criterion in campaigns that asked the same."""
    shared = shared_sources(studies)
    of_each = counted({study.name: len(study.sources) for study in studies})
    result: dict[str, Any] = {
        "criterion": criterion,
        "campaigns": [study.name for study in studies],
        "scale": list(studies[0].questions.scale),
        "scale_found": any(study.scale_is_found for study in studies),
        "items": {"of": {study.name: len(study.sources) for study in studies}, "shared": len(shared), "rated": 0},
        "notes": [],
        "raters": None,
        "systems": [],
        "differences": [],
        "links": [],
        "undefined": None,
    }
    if not shared:
        return {**result, "undefined": nothing_shared(studies, of_each)}
    ratings = [study.ratings(criterion) for study in studies]
    rated = sorted(set(shared).intersection(*(each.rated() for each in ratings)))
    result["items"]["rated"] = len(rated)
    result["notes"].append(f"Of the items, {of_each}, {len(shared):,} are the same.")
    if elsewhere := [study for study in studies if study.campaign.imported_by_id]:
        result["notes"].append(
            f"{listed(elsewhere)} {'was' if len(elsewhere) == 1 else 'were'} imported: how those raters were asked is "
            "not known, and taken to be the same."
        )
    if not rated:
        return {**result, "undefined": "None of the shared items has ratings in each of the campaigns."}
    if len(rated) < len(shared):
        result["notes"].append(f"Of these, {len(rated):,} have ratings in each campaign, and the numbers are of those.")
    elif any(len(study.sources) > len(shared) for study in studies):
        result["notes"].append("The numbers are of those alone.")
    shown, notes = systems_shown(studies, shared)
    ratings = [each.of_sources(rated) for each in ratings]
    differences = all_differences(studies, shown, ratings)
    return {
        **result,
        "notes": [*result["notes"], *notes],
        "raters": raters_note(studies, ratings, differences),
        "systems": system_rows(shown, studies, ratings),
        "differences": differences,
        "links": [system.label for system in shown if len(system.places) > 1],
    }


def nothing_shared(studies: Sequence[Study], of_each: str) -> str:
    pairs = [
        f"{listed([one, other])} share {len(both):,}"
        for one, other in combinations(studies, 2)
        if len(studies) > 2 and (both := one.sources & other.sources)
    ]
    two = f" Compare two at a time: {'; '.join(pairs)}." if pairs else ""
    return f"No item is the same in {listed(studies)} ({of_each}).{two}"


def system_rows(shown: Sequence[Shown], studies: Sequence[Study], ratings: Sequence[Ratings]) -> list[dict[str, Any]]:
    """Each system with a cell a campaign, None where it was not in it."""
    given = [(study, each, standardised(each)) for study, each in zip(studies, ratings, strict=True)]
    return [
        {
            "system": system.label,
            "name": system.name,
            "cells": [
                mean_cell(*each, system.name) if place in system.places else None for place, each in enumerate(given)
            ],
        }
        for system in shown
    ]


def mean_cell(study: Study, given: Ratings, z: Floats, name: str) -> dict[str, Any]:
    """A system's mean in one campaign, with its interval, or in words why it has none."""
    place = given.systems.index(name)
    rated = ~np.isnan(given.scores[:, place])
    cell: dict[str, Any] = {"campaign": study.name, "n": int(rated.sum()), "raters": 0, "items": 0}
    if not rated.any():
        return {**cell, "mean": None, "ci": None, "z": None, "undefined": "it was not rated"}
    scores = given.scores[rated, place]
    found = clustered_mean(scores, given.albums[rated], given.raters[rated])
    raters, sources, albums = (len(np.unique(each[rated])) for each in (given.raters, given.sources, given.albums))
    undefined = None
    if np.ptp(scores) == 0:
        undefined = "every score is the same"
    elif raters == 1:
        undefined = "one rater: nothing says how raters differ"
    elif albums == 1:
        undefined = f"{'one item' if sources == 1 else 'one album'}: nothing says how items differ"
    return {
        **cell,
        "raters": raters,
        "items": sources,
        "mean": found.mean,
        "ci": None if undefined else cut(found.interval, *study.ends),
        "z": float(z[rated, place].mean()),
        "undefined": undefined,
    }


def standardised(given: Ratings) -> Floats:
    """(n, s): scores by their raters' own use of the scale; a text of several systems enters once, and stands for
    each."""
    once = ~np.isnan(given.scores) & given.once
    z = np.full(given.scores.shape, np.nan)
    z[once] = shrunk_z(given.scores[once], np.broadcast_to(given.raters[:, None], given.scores.shape)[once])
    same = given.texts[:, :, None] == given.texts[:, None, :]
    return np.take_along_axis(z, same.argmax(axis=2), axis=1)


def all_differences(
    studies: Sequence[Study], shown: Sequence[Shown], ratings: Sequence[Ratings]
) -> list[dict[str, Any]]:
    """The same system in two campaigns, and two systems that no campaign rated together; adjusted together."""
    codes = {name: code for code, name in enumerate(dict.fromkeys(name for each in ratings for name in each.people))}
    people = [np.array([codes[name] for name in each.people], dtype=np.int64)[each.raters] for each in ratings]

    def between(later: int, first: Floats, earlier: int, second: Floats) -> Difference:
        """The difference of scores that two campaigns' raters gave to the same items."""
        given = (ratings[later], ratings[earlier])
        return raters_difference(
            (first, second),
            items=[each.sources for each in given],
            raters=[people[later], people[earlier]],
            albums=[each.albums for each in given],
        )

    def scores(place: int, system: Shown) -> Floats:
        given = ratings[place]
        column: Floats = given.scores[:, given.systems.index(system.name)]
        return column

    rows = []
    for earlier, later in combinations(range(len(studies)), 2):
        links = [system for system in shown if {earlier, later} <= set(system.places)]
        for one, other in product(shown, repeat=2):
            apart = not set(one.places) & set(other.places)
            if later not in one.places or earlier not in other.places or not (one is other or apart):
                continue
            found = between(later, scores(later, one), earlier, scores(earlier, other))
            row = {
                "kind": "raters" if one is other else "systems",
                "system_a": one.label,
                "campaign_a": studies[later].name,
                "system_b": other.label,
                "campaign_b": studies[earlier].name,
                **difference_row(found, studies[later].differences),
                "against_links": None,
            }
            if links and one is not other:
                away = [
                    scores(place, system) - np.mean([scores(place, link) for link in links], axis=0)
                    for place, system in ((later, one), (earlier, other))
                ]
                distances = between(later, away[0], earlier, away[1])
                against = difference_row(distances, tuple(2 * end for end in studies[later].differences))
                kept = {key: against[key] for key in ("difference", "ci", "items", "undefined")}
                row["against_links"] = {"links": [link.label for link in links], **kept}
            rows.append(row)
    tested = [row for row in rows if row["p"] is not None]
    adjusted = holm(np.array([row["p"] for row in tested], dtype=np.float64)).tolist() if tested else []
    for row in rows:
        row["p_holm"] = None
    for row, p in zip(tested, adjusted, strict=True):
        row["p_holm"] = p
    return sorted(rows, key=lambda row: row["kind"] == "raters")


def raters_difference(
    scores: Sequence[Floats], *, items: Sequence[Ints], raters: Sequence[Ints], albums: Sequence[Ints]
) -> Difference:
    """First minus second, of scores that two groups of raters gave (all: one array a group; codes mean the same in
    both). There is no interval where nothing says how items, or raters, differ: `undefined` says which."""
    nothing = [np.full(len(each), np.nan) for each in scores]
    item, rater, album = (np.concatenate(each) for each in (items, raters, albums))
    first, second = np.concatenate([scores[0], nothing[1]]), np.concatenate([nothing[0], scores[1]])
    found = paired_difference(first, second, item, rater, groups=album)
    if found.estimate is None or found.undefined:
        return found
    why = None
    rated = [each[~np.isnan(given)] for each, given in zip(items, scores, strict=True)]
    shared = np.isin(item, np.intersect1d(rated[0], rated[1]))
    if len(np.unique(album[shared])) == 1:
        why = f"{'one item' if found.items == 1 else 'all items are of one album'}: nothing says how items differ"
    elif found.estimate.error == 0:
        why = "it is the same on every item: nothing varies"
    return found._replace(
        undefined=why, estimate=Mean(found.estimate.mean, None, None, None) if why else found.estimate
    )


def difference_row(found: Difference, limits: Sequence[float]) -> dict[str, Any]:
    """`limits` are the least and the most that such a difference can be."""
    estimate = found.estimate
    return {
        "difference": estimate and estimate.mean,
        "ci": estimate and cut(estimate.interval, *limits),
        "p": estimate and estimate.p,
        "n": found.screens,
        "items": found.items,
        "undefined": found.undefined,
    }


def raters_note(studies: Sequence[Study], ratings: Sequence[Ratings], differences: Sequence[Mapping[str, Any]]) -> str:
    """That raters differ between campaigns, and what measures by how much."""
    people = [{given.people[code] for code in np.unique(given.raters[given.given])} for given in ratings]
    raters = counted({study.name: len(each) for study, each in zip(studies, people, strict=True)})
    both = len({name for one, other in combinations(people, 2) for name in one & other})
    same = f"{both:,} of them in more than one" if both else "nobody in more than one, as far as outside ids tell"
    begin = (
        f"Raters differ between campaigns: {raters}, {same}. A difference between campaigns holds also the difference "
        "between their raters."
    )
    if any(row["kind"] == "raters" for row in differences):
        return f"{begin} How large that is, the systems show that both rated with the same texts."
    return f"{begin} No system was rated with the same texts in two of them, so nothing tells how large that is."
