"""Why a value or its interval is missing, or what there is to say of it: a code with its facts, worded here alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from string import Formatter

Fact = int | float | str | tuple[object, ...]  # a number, a name, a list of facts


@dataclass(frozen=True, init=False)
class Reason:
    """A code of `WORDS` with the facts that its sentence names: numbers, names, lists of them. As a string it is that
    sentence, without a capital and a full stop. Two are the same where code and facts are."""

    code: str
    facts: tuple[tuple[str, Fact], ...]

    def __init__(self, code: str, **facts: Fact) -> None:
        """Raises KeyError for an unknown code."""
        if code not in WORDS:
            raise KeyError(f"{code}: no such reason; add its sentence to annotations.reasons.WORDS")
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "facts", tuple((name, frozen(fact)) for name, fact in sorted(facts.items())))

    def __str__(self) -> str:
        words, facts = WORDS[self.code], dict(self.facts)
        return words(**facts) if callable(words) else SENTENCES.vformat(words, (), facts)


def as_json(reason: Reason) -> dict[str, object]:
    """With its sentence, for who reads the file."""
    return {"code": reason.code, "facts": dict(reason.facts), "says": str(reason)}


def worded(reason: Reason | None) -> str:
    return "" if reason is None else str(reason)


def sentence_of(reason: Reason | None) -> str:
    words = worded(reason)
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def frozen(fact: object) -> Fact:
    """A fact as it was before it was written as JSON."""
    if isinstance(fact, list | tuple):
        return tuple(frozen(each) for each in fact)
    if isinstance(fact, int | float | str):
        return fact
    raise TypeError(f"{fact!r} is no fact: numbers, names and lists of them are")


def listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


class Sentences(Formatter):
    """Fields of a sentence: `{found}` with its thousands set off, `{found:is}` is or are, `{unit:s}` as the number in
    `{needed:s}` has it (s or nothing)."""

    def format_field(self, value: object, spec: str) -> str:
        if spec in ("s", "is"):
            return {"s": ("", "s"), "is": ("is", "are")}[spec][value != 1]
        return f"{value:,}" if isinstance(value, int) else format(value, spec)


SENTENCES = Sentences()


def one_sided(unbeaten: Iterable[Iterable[str]], winless: Iterable[Iterable[str]]) -> str:
    said = [f"{listed(names)} never lost to the others" for names in unbeaten]
    said += [f"{listed(names)} never won against the others" for names in winless]
    return "; ".join(said) or "all choices point in one direction"


def penalised(unbeaten: Iterable[Iterable[str]], winless: Iterable[Iterable[str]]) -> str:
    return (
        f"{one_sided(unbeaten, winless)}, so maximum likelihood has no finite estimate: these are Firth's penalised "
        "estimates, shrunk towards equal strengths"
    )


def no_finite_estimate(unbeaten: Iterable[Iterable[str]], winless: Iterable[Iterable[str]]) -> str:
    return f"{one_sided(unbeaten, winless)}, so the model has no finite estimate"


def not_connected(groups: Iterable[Iterable[str]]) -> str:
    apart = "; ".join(listed(names) for names in groups)
    return f"no chain of comparisons connects these groups of systems, so they cannot be compared: {apart}"


def different_items(outputs: Iterable[tuple[str, int]]) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in outputs)
    return f"systems are compared on the same items only, and these wrote for different ones (outputs: {counts})"


def no_item_shared(items: Iterable[tuple[str, int]], pairs: Iterable[tuple[str, str, int]]) -> str:
    counts = dict(items)
    of_each = listed(f"{count:,} in '{name}'" for name, count in counts.items())
    shared = "; ".join(f"'{one}' and '{other}' share {count:,}" for one, other, count in pairs)
    two = f"; compare two at a time: {shared}" if shared else ""
    campaigns = listed(f"'{name}'" for name in counts)
    return f"no item is shared by {campaigns} ({of_each}){two}"


ITS_OWN_REFERENCE = "if a source has a single reference, that reference is the human text itself"

WORDS: dict[str, str | Callable[..., str]] = {
    # too little of something, or too much
    "nothing": "no {unit}s",
    "few": "at least {needed} {unit}{needed:s} {needed:is} needed, and there {found:is} {found}",
    "few_clusters": "an interval needs at least {needed} items or albums to resample, and there {found:is} {found}",
    "few_albums": "no intervals and tests: there are fewer than {needed} albums to resample",
    "few_shared_texts": "at least {needed} texts that others rated too are needed, and there {found:is} {found}",
    "few_systems_besides_human": (
        "at least {needed} systems other than the human are needed, and there {found:is} {found}"
    ),
    "few_systems_with_metric": "a difference needs two systems that have the metric, and there {found:is} {found}",
    "two_of_both": "at least two {unit}s and two raters are needed",
    "single": "a single {unit} cannot show how {unit}s differ",
    "single_of_system": "one of the systems has a single item, album or rater",
    "too_many": "it is computed for at most {most} {unit}s",
    "too_many_scores": "it is fitted only if all pairs of a criterion have at most {most} scores",
    "too_many_values": "the ratings have more than {most} different values, too many for the ratio level",
    # of whom and what ratings are
    "none_rated_twice": "no {unit} was rated by two raters",
    "no_item_rated_twice": "no item was rated twice, so item variance and noise cannot be separated",
    "no_rater_rated_twice": "no rater rated twice, so rater variance and noise cannot be separated",
    "parts_not_told_apart": "item, rater and residual variance cannot be separated: too few ratings overlap",
    "nobody_else_rated": "nobody else rated enough of the texts that the rater rated",
    "nobody_rated_both": "no rater scored both on a screen",
    "no_answers": "the rater has given no answers",
    "not_crossed": "not every rater scored every text",
    "not_rated": "one of the systems was not rated",
    "no_item_with_both": "no item has scores of both",
    "no_item_with_two_texts": "no item has two texts with both scores",
    "never_compared": "the two were never compared directly",
    "never_shown": "{system} was never shown",
    "not_connected": not_connected,
    "only_system": "{system} is the only system",
    "one_cluster": "an interval needs more than one album or rater",
    "one_group": "there is one text, or one group of texts, with several ratings, and an interval needs two",
    "one_album": "all items are of one album",
    "one_rater": "only one rater scored both",
    "rater_needed": "without one of the raters nothing is left to compare, so it is unknown how raters differ",
    "relative_scores": "scores are relative to the other texts on a screen, so that no rater is more severe",
    "raters_chose": "the raters made choices and gave no scores",
    "raters_apart": (
        "no rater scored both, so exchanging the systems within an album would exchange the raters as well"
    ),
    "same_system": "all raters saw the same system",
    "nothing_to_exchange": "there is nothing whose labels could be exchanged",
    # of what varies
    "nothing_varied": "nothing varied, so there is no interval",
    "all_equal": "all ratings are equal, so agreement is undefined",
    "all_scores_equal": "all scores are equal",
    "all_ties": "every comparison was a tie",
    "no_ties": "no comparison was tied",
    "same_way": "all went the same way: each {unit} counts as one",
    "differences_equal": "all differences are equal, so there is no variance to model",
    "same_for_every_item": "the difference is the same for every item",
    "same_in_every_album": "the same in every album, so there is no interval",
    "same_in_every_resample": "every resample of the texts gives the same value, so there is no interval",
    "undefined_in_resamples": "it is undefined in most resamples, so there is no interval",
    "side_equal": "all scores of one side are equal",
    "equal_beside_metric": "all scores are equal, the human ones or the metric's",
    "equal_beside_others": "all scores of the rater, or of the others, are equal",
    "equal_within_items": "there is no item in which both the human scores and the metric scores differ",
    "equal_means": "the systems' means are all equal, for the human scores or for the metric",
    "equal_human_means": "the mean human scores of all systems are equal",
    "metrics_alike": "the two metrics order the units in the same way, so there is no difference to test",
    "texts_alike": "the scores of the texts do not vary, apart from the severity of each rater",
    "means_alike": "the means of the texts do not vary",
    "little_varies": "there is too little residual variation for an interval",
    "texts_shared": "some systems share every text that could distinguish them",
    "negative_variance": "the {part} variance is estimated as {estimate:.4g}, and set to 0",
    "no_variance": "all variances are 0",
    # of scales
    "negative": "some ratings are negative, and a ratio scale starts at zero",
    "no_categories": (
        "Gwet's coefficients need a scale of 2 to {most} categories, and the scores are not whole points of such a "
        "scale"
    ),
    # of models
    "penalised": penalised,
    "no_finite_estimate": no_finite_estimate,
    "not_even_penalised": "neither maximum likelihood nor Firth's has a finite estimate",
    "far_apart": "the scores are so far apart that there is no finite estimate",
    "separate": "no score of one system is above any of the other's, so the log odds have no finite estimate",
    "flat": "its likelihood is flat at its maximum, so there is no estimate",
    "no_likelihood": "its likelihood cannot be computed for these differences",
    "not_asked_for": "not requested",
    "one_order": (
        "every pair was shown in one order only, so a position effect cannot be separated from the strengths, and "
        "would be included in them"
    ),
    "places_not_modelled": "the positions of ranked texts are not part of the model",
    "places_unknown": "the positions in which the texts were shown are not known",
    # of a difference
    "difference_without_interval": "the difference has no interval",
    "no_estimate": "it has no estimate",
    "not_tested": "the pair is not tested at this interim analysis",
    "tested_at_last_look": "equivalence is tested only at the final analysis",
    # of how raters rate
    "floor_by_words": "{seconds:.2f} s per word shown",
    "floor_by_raters": "{seconds:.2f} s, the fence against all raters' median times",
    "no_floor": "no floor: it needs the words shown, or {needed} raters whose median times differ",
    # of people and machines
    "no_text_judged": "no {kind} text was judged, so discrimination is undefined",
    "no_human_system": "no system of the campaign is people, so accuracy and d′ cannot be computed",
    "judged_alike": "all judgements of {kind} texts were the same, so there is no interval",
    "not_judged": "no text by {system} was judged",
    "compared_with": "these are the human texts that the others are compared with",
    "never_placed": "the person's text was never shown {place}, so discrimination is undefined",
    "chosen_alike": "all choices were the same where the person's text was shown {place}, so there is no interval",
    "not_beside": "no text by {system} was shown beside a person's",
    # of metrics
    "not_scored": "not scored",
    "not_scored_yet": "not scored: run `manage.py score --campaign {campaign}`",
    "no_values_by_text": (
        "the scores have no values for single texts: run `manage.py score --campaign {campaign}` again"
    ),
    "one_not_scored": "one of the two was not scored",
    "own_reference": ITS_OWN_REFERENCE,
    "own_reference_of": f"{{system}}: {ITS_OWN_REFERENCE}",
    "different_items": different_items,
    "no_common_source": "no source has a score for every system",
    # of campaigns side by side
    "no_item_shared": no_item_shared,
    "no_item_rated_in_each": "none of the shared items has ratings in each of the campaigns",
    "unrated": "it was not rated",
    # of a design
    "overlap_above_raters": "{overlap} raters per item is more than {raters} raters",
    "idle_raters": "{ratings} ratings leave some of {raters} raters without any",
    "small_pilot": "the pilot has {items} items and {raters} raters: too few to say much of how either differ",
    "pilot_without_intervals": "the pilot is too small to say how sure it is of its standard deviations: no intervals",
    "wide_pilot": (
        "the pilot is too small to say how many items it takes: its interval ends at more than ten times its beginning"
    ),
}
