"""Systems over campaigns side by side, on the items that the campaigns share and where they asked the same."""

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from annotations.reasons import Reason
from annotations.reports.comparison_schema import (
    CampaignComparison,
    CampaignDifference,
    CampaignMean,
    CriterionComparison,
    DifferenceOfDistances,
    ItemCounts,
    SystemMeans,
)
from annotations.reports.limits import cut
from annotations.reports.metric_comparison import metrics_comparison
from annotations.reports.schema.base import Interval
from annotations.reports.studies import (
    CriterionRatings,
    Shown,
    Study,
    alike,
    counted,
    listed,
    question_differences,
    shared_sources,
    studies_named,
    systems_shown,
    worded_alike,
)
from annotations.statistics.differences import SystemDifference, paired_difference
from annotations.statistics.estimate import Estimate
from annotations.statistics.means import clustered_mean
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, Ints, holm

METHOD = (
    "Campaigns are compared if the protocol, unit, scale, what raters saw, the criterion and the instructions are the "
    "same, on the items (sources) that all of them contain and for which each has ratings. Means are over ratings. "
    "Their 95 % intervals, and those of differences, are robust to albums and raters, as in a campaign's report. z is "
    "the mean of scores standardised by their rater within the campaign, on the same items; it removes differences in "
    "how raters use the scale, and is relative to the texts that were rated together. A difference between campaigns "
    "is paired by item, the later campaign minus the earlier, with each campaign's raters as a sample of their own; "
    "people known by the same outside id are one person. The p-values of all differences on a criterion are adjusted "
    "together by Holm's method; intervals are not adjusted, and are truncated at the ends of the scale where it is "
    "known. Two systems that were rated together in one of the campaigns are compared in its report and not here. A "
    "difference against the link is that of the systems' distances from the systems rated with the same texts in both "
    "campaigns: it removes the difference between the groups of raters on those, if they differ on all systems alike."
)


def comparison_build(names: Sequence[str]) -> CampaignComparison:
    """The campaigns compared; the order of the names changes nothing.

    Raises InputError for fewer than two or for one named twice, NotFoundError for an unknown name, ConflictError where
    one is not closed.
    """
    studies = studies_named(names)
    scored = [study for study in studies if not study.not_compared]
    left_out = [f"{listed([study])} {study.not_compared}" for study in studies if study.not_compared]
    left_out += question_differences(scored)
    criteria, alone = [], []
    for group in alike(scored):
        for criterion in dict.fromkeys(name for study in group for name in study.campaign.criteria):
            asking = [study for study in group if criterion in study.campaign.criteria]
            worded = worded_alike(asking, criterion)
            criteria += [criterion_comparison(same, criterion) for same in worded if len(same) > 1]
            if len(worded) > 1:
                alone.append(f"{criterion}: worded differently in {' and '.join(listed(same) for same in worded)}.")
            elif len(asking) == 1 < len(group):
                others = listed([study for study in group if study not in asking])
                alone.append(f"{criterion}: asked in {listed(asking)}, not in {others}.")
    return CampaignComparison(
        campaigns=[study.about for study in studies],
        left_out=left_out + alone,
        criteria=criteria,
        metrics=metrics_comparison(studies),
        method=METHOD,
    )


def criterion_comparison(studies: Sequence[Study], criterion: str) -> CriterionComparison:
    """One criterion in campaigns that asked the same."""
    shared = shared_sources(studies)
    sizes = {study.name: len(study.sources) for study in studies}
    of_each = counted(sizes)
    result = CriterionComparison(
        criterion=criterion,
        campaigns=[study.name for study in studies],
        scale=studies[0].about.scale,
        scale_found=any(study.scale_is_found for study in studies),
        items=ItemCounts(of=sizes, shared=len(shared), rated=0),
        notes=[],
    )
    if not shared:
        result.undefined = nothing_shared(studies)
        return result
    ratings = [study.ratings(criterion) for study in studies]
    rated = sorted(set(shared).intersection(*(each.rated() for each in ratings)))
    result.items.rated = len(rated)
    result.notes.append(f"Of the items ({of_each}), {len(shared):,} are shared.")
    if elsewhere := [study for study in studies if study.about.imported]:
        result.notes.append(
            f"{listed(elsewhere)} {'was' if len(elsewhere) == 1 else 'were'} imported: how those raters were asked is "
            "not known, and assumed to be the same."
        )
    if not rated:
        result.undefined = Reason("no_item_rated_in_each")
        return result
    if len(rated) < len(shared):
        result.notes.append(
            f"Of these, {len(rated):,} have ratings in each campaign, and the numbers are based on those."
        )
    elif any(len(study.sources) > len(shared) for study in studies):
        result.notes.append("The numbers are based on those only.")
    shown, notes = systems_shown(studies, shared)
    result.notes += notes
    ratings = [each.of_sources(rated) for each in ratings]
    result.differences = all_differences(studies, shown, ratings)
    result.raters = raters_note(studies, ratings, result.differences)
    result.systems = system_means(shown, studies, ratings)
    result.links = [system.label for system in shown if len(system.places) > 1]
    return result


def nothing_shared(studies: Sequence[Study]) -> Reason:
    pairs = tuple(
        (one.name, other.name, len(both))
        for one, other in combinations(studies, 2)
        if len(studies) > 2 and (both := one.sources & other.sources)
    )
    return Reason("no_item_shared", items=tuple((study.name, len(study.sources)) for study in studies), pairs=pairs)


def system_means(
    shown: Sequence[Shown], studies: Sequence[Study], ratings: Sequence[CriterionRatings]
) -> list[SystemMeans]:
    of_campaigns = [(study, each, standardised(each)) for study, each in zip(studies, ratings, strict=True)]
    return [
        SystemMeans(
            system=system.label,
            name=system.name,
            cells=[
                campaign_mean(*about, system.name) if place in system.places else None
                for place, about in enumerate(of_campaigns)
            ],
        )
        for system in shown
    ]


def campaign_mean(study: Study, ratings: CriterionRatings, z: Floats, name: str) -> CampaignMean:
    """A system's mean in one campaign, with its interval, or why it has none."""
    column = ratings.systems.index(name)
    rated = ~np.isnan(ratings.scores[:, column])
    raters, sources, albums = (
        len(np.unique(each[rated])) for each in (ratings.raters, ratings.sources, ratings.albums)
    )
    mean = CampaignMean(
        campaign=study.name,
        n=int(rated.sum()),
        raters=raters,
        items=sources,
        mean=None,
        ci=None,
        z=None,
        undefined=None,
    )
    if not rated.any():
        mean.undefined = Reason("unrated")
        return mean
    scores = ratings.scores[rated, column]
    found = clustered_mean(scores, ratings.albums[rated], ratings.raters[rated])
    mean.mean, mean.z = found.value, float(z[rated, column].mean())
    if np.ptp(scores) == 0:
        mean.undefined = Reason("all_scores_equal")
    elif raters == 1:
        mean.undefined = Reason("single", unit="rater")
    elif albums == 1:
        mean.undefined = Reason("single", unit="item" if sources == 1 else "album")
    else:
        mean.ci = cut(found.interval, *study.ends)
    return mean


def standardised(ratings: CriterionRatings) -> Floats:
    """(n, s): scores by their raters' own use of the scale; a text of several systems enters once, and stands for
    each."""
    once = ~np.isnan(ratings.scores) & ratings.once
    z = np.full(ratings.scores.shape, np.nan)
    z[once] = shrunk_z(ratings.scores[once], np.broadcast_to(ratings.raters[:, None], ratings.scores.shape)[once])
    same = ratings.texts[:, :, None] == ratings.texts[:, None, :]
    return np.take_along_axis(z, same.argmax(axis=2), axis=1)


def all_differences(
    studies: Sequence[Study], shown: Sequence[Shown], ratings: Sequence[CriterionRatings]
) -> list[CampaignDifference]:
    """The same system in two campaigns, and two systems that no campaign rated together; adjusted together."""
    codes = {name: code for code, name in enumerate(dict.fromkeys(name for each in ratings for name in each.people))}
    people = [np.array([codes[name] for name in each.people], dtype=np.int64)[each.raters] for each in ratings]

    def between(later: int, first: Floats, earlier: int, second: Floats) -> SystemDifference:
        """The difference of scores that two campaigns' raters gave to the same items."""
        both = (ratings[later], ratings[earlier])
        return raters_difference(
            (first, second),
            items=[each.sources for each in both],
            raters=[people[later], people[earlier]],
            albums=[each.albums for each in both],
        )

    def scores(place: int, system: Shown) -> Floats:
        column: Floats = ratings[place].scores[:, ratings[place].systems.index(system.name)]
        return column

    rows = []
    for earlier, later in combinations(range(len(studies)), 2):
        links = [system for system in shown if {earlier, later} <= set(system.places)]
        limits = studies[later].differences
        for one, other in product(shown, repeat=2):
            apart = not set(one.places) & set(other.places)
            if later not in one.places or earlier not in other.places or not (one is other or apart):
                continue
            found = between(later, scores(later, one), earlier, scores(earlier, other))
            row = CampaignDifference(
                kind="raters" if one is other else "systems",
                system_a=one.label,
                campaign_a=studies[later].name,
                system_b=other.label,
                campaign_b=studies[earlier].name,
                difference=found.estimate.value,
                ci=interval_of(found, limits),
                p=found.estimate.p,
                n=found.estimate.n,
                items=found.items,
                undefined=found.estimate.undefined,
                against_links=None,
            )
            if links and one is not other:
                away = [
                    scores(place, system) - np.mean([scores(place, link) for link in links], axis=0)
                    for place, system in ((later, one), (earlier, other))
                ]
                distances = between(later, away[0], earlier, away[1])
                row.against_links = DifferenceOfDistances(
                    links=[link.label for link in links],
                    difference=distances.estimate.value,
                    ci=interval_of(distances, (2 * limits[0], 2 * limits[1])),
                    items=distances.items,
                    undefined=distances.estimate.undefined,
                )
            rows.append(row)
    tested = [row for row in rows if row.p is not None]
    adjusted = holm(np.array([row.p for row in tested], dtype=np.float64)).tolist() if tested else []
    for row, p in zip(tested, adjusted, strict=True):
        row.p_holm = p
    return sorted(rows, key=lambda row: row.kind == "raters")


def raters_difference(
    scores: Sequence[Floats], *, items: Sequence[Ints], raters: Sequence[Ints], albums: Sequence[Ints]
) -> SystemDifference:
    """First minus second, of scores that two groups of raters gave (all: one array a group; codes mean the same in
    both). There is no interval where nothing says how items, or raters, differ: `undefined` says which."""
    nothing = [np.full(len(each), np.nan) for each in scores]
    item, rater, album = (np.concatenate(each) for each in (items, raters, albums))
    first, second = np.concatenate([scores[0], nothing[1]]), np.concatenate([nothing[0], scores[1]])
    found = paired_difference(first, second, item, rater, groups=album)
    if found.estimate.undefined:
        return found
    why: Reason | None = None
    rated = [each[~np.isnan(given)] for each, given in zip(items, scores, strict=True)]
    shared = np.isin(item, np.intersect1d(rated[0], rated[1]))
    if len(np.unique(album[shared])) == 1:
        why = Reason("single", unit="item" if found.items == 1 else "album")
    elif found.estimate.error == 0:
        why = Reason("same_for_every_item")
    if why:
        return found._replace(estimate=Estimate(found.estimate.value, undefined=why, n=found.estimate.n))
    return found


def interval_of(found: SystemDifference, limits: Interval) -> Interval | None:
    """`limits` are the least and the most that such a difference can be."""
    return cut(found.estimate.interval, *limits)


def raters_note(
    studies: Sequence[Study], ratings: Sequence[CriterionRatings], differences: Sequence[CampaignDifference]
) -> str:
    """That raters differ between campaigns, and what measures by how much."""
    people = [{each.people[code] for code in np.unique(each.raters[each.given])} for each in ratings]
    raters = counted({study.name: len(each) for study, each in zip(studies, people, strict=True)})
    both = len({name for one, other in combinations(people, 2) for name in one & other})
    same = f"{both:,} of them in more than one" if both else "none of them in more than one, as far as outside ids show"
    begin = (
        f"Raters differ between campaigns: {raters}, {same}. A difference between campaigns therefore includes the "
        "difference between their raters."
    )
    if any(row.kind == "raters" for row in differences):
        return f"{begin} The systems that both rated with the same texts show how large that is."
    return f"{begin} No system was rated with the same texts in two of them, so nothing shows how large that is."
