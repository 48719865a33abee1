"""A scoring run: automatic metrics of decodings over a split, or over the items of a campaign.

On a campaign the human candidate's reference is withheld from the references of every system; where no source has
another, the systems are scored against it, and the human by the metrics of texts alone. So all have as many references
there; each text's own value is kept beside the scores, and the systems' differences are tested. On a split the human
stands beside the systems by the metrics that leave one reference out in turn, and beside what was drawn from a model
what a search for likely texts gave.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from django.conf import settings

from annotations.campaigns.services.scores import metrics_write, scores_write
from annotations.corpora.rewriting import TRAINING_STORIES, split_texts, unchanged_check
from annotations.corpora.selectors import distinct_references, references, story_references
from annotations.errors import InputError
from annotations.models import Campaign, Dataset, Decoding, Item, Output, Source, Split, System
from annotations.models import Metric as MetricRow
from annotations.systems.services import baseline_decoding
from modeling.errors import ModelingError
from modeling.metrics import METRICS, with_companions
from modeling.metrics.by_length import Profile, length_profile
from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.indistinguishable import BASELINES, HUMAN, judged_people, score_indistinguishable
from modeling.metrics.judge_metric import JudgeMetric
from modeling.metrics.metric import Metric, Need, printed, without_texts
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment, TextMetric, with_words
from modeling.progress import Progress
from workers.jobs import corpus
from workers.jobs.comparing import campaign_write, compare, defined
from workers.jobs.coverage import Scored, alike, coverage_of, in_words, on_shared
from workers.jobs.reward import marked, pleasing, reward_folder, reward_named, scoring_reward
from workers.lifecycle import Claim, run_create
from workers.lookup import by_name, dataset_named, split_named, system_named
from workers.models import Checkpoint, Run


def launch(
    *,
    dataset: str | None = None,
    split: str | None = None,
    campaign: str | None = None,
    systems: Sequence[str] = (),
    metrics: Sequence[str] = (),
    queue: str = "cpu",
    claimed: bool = False,
) -> Run:
    """Make a scoring run of a split's decodings, or of a campaign's. Raises InputError for an unknown name.

    `reward:NAME` among the metrics is the learned one, by a reward model of the site."""
    metrics, reward = scoring_reward(metrics)
    if unknown := [metric for metric in metrics if metric not in METRICS]:
        raise InputError("metrics", f"'{unknown[0]}' is not one of {', '.join(METRICS)}")
    usual = [metric.name for metric in METRICS.values() if not metric.on_request]
    links: dict[str, Any] = {"queue": queue}
    if campaign:
        links["campaign"] = by_name(Campaign.objects.all(), campaign, "campaign")
        links["dataset"] = links["campaign"].dataset
        check_imported(links["campaign"])
        if reward and reward.feedback_set.campaigns.filter(pk=links["campaign"].pk).exists():
            raise InputError(
                "metrics",
                f"reward model '{reward}' learned from the ratings of campaign '{campaign}': beside them its reward "
                "would be no measure",
                "its own page says how far it agrees with raters it has not seen",
            )
    elif dataset and split:
        links["dataset"] = dataset_named(dataset)
        decodings_to_score(links["dataset"], split_named(split), systems)
    else:
        raise InputError("", "give --dataset and --split, or --campaign")
    config = {
        "dataset": links["dataset"].name,
        "split": split,
        "campaign": campaign,
        "systems": list(systems),
        "metrics": with_companions(metrics or usual),
        **({"reward": reward.name} if reward else {}),
    }
    return run_create(kind=Run.Kind.SCORE, config=config, claimed=claimed, **links)


def launch_decodings(*, decodings: Sequence[Decoding], metrics: Sequence[str], queue: str = "cpu") -> Run:
    """Make a scoring run of these decodings of one split, be they the newest or not; queued."""
    first = decodings[0]
    config = {
        "dataset": first.dataset.name,
        "split": first.split,
        "campaign": None,
        "systems": [each.system.name for each in decodings],
        "decodings": [each.pk for each in decodings],
        "metrics": with_companions(metrics),
    }
    return run_create(kind=Run.Kind.SCORE, config=config, dataset=first.dataset, queue=queue)


def check_imported(campaign: Campaign) -> None:
    """Raises InputError for imported ratings none of whose texts was given, or with nothing to score them against."""
    if not campaign.imported_by_id:
        return
    outputs = Output.objects.filter(decoding__entries__campaign=campaign)
    if not outputs.exclude(text="").exists():
        count = outputs.count()
        raise InputError(
            "", f"campaign '{campaign.name}': the file of ratings had no text for any of its {count} outputs"
        )
    if not references(Source.objects.filter(items__campaign=campaign)).exists():
        raise InputError(
            "",
            f"campaign '{campaign.name}': no references are known for its items",
            f"add them with import_pairs into dataset '{campaign.dataset.name}', with the item as album and photo",
        )


def decodings_to_score(dataset: Dataset, split: str, names: Sequence[str]) -> list[Decoding]:
    """The newest complete decodings of each named system on the split, or of every system that has one: texts drawn
    from the model first, then those of a search, where it has both."""
    decoded = Decoding.objects.complete().filter(dataset=dataset, split=split, system__kind__in=["file", "model"])
    systems = [system_named(name) for name in names] or list(
        System.objects.filter(decodings__in=decoded).distinct().order_by("name")
    )
    found = []
    for system in systems:
        theirs = Decoding.objects.latest_of_each_kind(system, dataset, split)
        if not theirs and system.kind != System.Kind.BASELINE:
            where = f"{dataset.name}/{split}"
            raise InputError(
                "", f"system '{system.name}' has no complete decoding of {where}", "run `manage.py decode` first"
            )
        found += theirs
    return found


def with_baselines(dataset: Dataset, split: str, decodings: list[Decoding]) -> tuple[list[Decoding], list[str]]:
    """The decodings with `caption` (where there are captions) and `random_story` beside them, on the same sources; and
    why one of these is missing, if it is."""
    present = {decoding.system.name for decoding in decodings}
    kinds = set(Source.objects.filter(outputs__decoding__in=decodings).values_list("kind", flat=True).distinct()) or {
        "caption"
    }
    kind = "caption" if "caption" in kinds else sorted(kinds)[0]
    wanted = ["caption", "random_story"] if kind == "caption" else ["random_story"]
    found, missing = list(decodings), []
    for name in wanted:
        if name not in present:
            try:
                found.append(baseline_decoding(system_name=name, dataset=dataset, split=split, kind=kind))
            except InputError as error:
                missing.append(str(error))
    return found, missing


def references_by_source(sources: Any, withheld: Iterable[int] = ()) -> dict[int, tuple[str, ...]]:
    """References of each source, each once, less the withheld ones (by the sentence's primary key) and those without
    words: sentences, and of a sequence of photos stories."""
    hidden = set(withheld)
    sentences = references(sources).iterator(chunk_size=5000)
    told = story_references(sources.filter(kind=Source.Kind.SEQUENCE))
    rows = groupby(chain(sentences, told), key=itemgetter("source_pk"))
    found = {pk: with_words(distinct_references(list(group), hidden)) for pk, group in rows}
    return {pk: sentences for pk, sentences in found.items() if sentences}


def segments_of(decoding: Decoding, refs: dict[int, tuple[str, ...]], *, unknown: bool = False) -> list[Segment]:
    """What the decoding has at rank 0 for each source with references, beside them. With `unknown` an empty text is one
    that nobody knows: it was not imported."""
    rows = Output.objects.filter(decoding=decoding).first_rank().order_by("source_id")
    if unknown:
        rows = rows.exclude(text="")
    values = rows.values_list("source_id", "text", "source__album__external_id", "source__text")
    return [
        Segment(id=str(pk), output=text, references=refs[pk], album=album, source=source or None)
        for pk, text, album, source in values.iterator(chunk_size=5000)
        if pk in refs
    ]


def checkpoint_scores(decoding: Decoding, split: str, metrics: Sequence[str]) -> dict[str, Any]:
    """Scores of the model behind a decoding, on the split's pairs. Raises the errors of `modeling`."""
    from modeling.config import TrainingConfig
    from modeling.corpus import Example
    from modeling.metrics.checkpoint import score_checkpoint

    checkpoint = Checkpoint.objects.filter(system=decoding.system, pruned_at=None).select_related("run").first()
    if checkpoint is None:
        return {}
    source = decoding.settings.get("source", corpus.CAPTION)
    training = TrainingConfig.from_dict(checkpoint.run.config["training"])
    dataset = decoding.dataset
    records = corpus.paired_records(dataset, split, source=source, pairing="aligned", context=training.story_sentences)
    if training.album_context:
        records = corpus.beside_albums(records, dataset, split, source=source)
    tuples = ("references", "context", "others")
    examples = [Example(**{**each, **{key: tuple(each.get(key, ())) for key in tuples}}) for each in records]
    folder = settings.VAR_DIR / checkpoint.directory
    return score_checkpoint(folder, examples, metrics=metrics) if examples else {}


def judged_scores(claim: Claim, scored: Sequence[Scored], metrics: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Scores of the judges by system, with people themselves beside. Those who wrote for the same sources are judged
    together, beside the baselines on those sources. Raises ScoringError without random stories."""
    groups: dict[frozenset[str], list[Scored]] = {}
    for each in sorted(scored, key=lambda one: -len(one.segments)):
        if each.segments:
            groups.setdefault(each.sources, []).append(each)
    baselines = [each for each in scored if each.name in BASELINES]
    found: dict[str, dict[str, Any]] = {}

    def report(progress: Progress) -> None:
        claim.progress(progress.fraction, progress.message)

    for sources, members in groups.items() if metrics else ():
        beside = {each.name: [one for one in each.segments if one.id in sources] for each in baselines}
        systems = beside | {each.name: each.segments for each in members}
        judged = score_indistinguishable(systems, metrics=metrics, of=members[0].of, on_progress=report)
        found = {HUMAN: judged_people(judged)} | {each.name: judged[each.name] for each in members} | found
    return found


def campaign_references(
    campaign: Campaign, decodings: Sequence[Decoding]
) -> tuple[dict[int, tuple[str, ...]], bool, str | None]:
    """References of the items' sources, less those that raters saw as the human candidate.

    Where that leaves none (one reference per source) those stand in, and the second value is true: the human can be
    compared with nobody. So it is of imported ratings, whose human texts may be among the references without our
    knowing. The third says in words what has no part in the metrics.
    """
    sources = Source.objects.filter(items__campaign=campaign, items__kind=Item.Kind.REGULAR)
    drawn = Output.objects.filter(decoding__in=decodings, sentence__isnull=False)
    refs = references_by_source(sources, withheld=drawn.values_list("sentence_id", flat=True))
    alone = not refs or campaign.imported_by_id is not None
    refs = refs or references_by_source(sources)
    items = sources.count()
    if not refs:
        return refs, alone, "no item has a reference to score the systems against"
    if alone:
        known = "may be among the references" if campaign.imported_by_id else "is the only reference"
        why = f"the human candidate {known}, so it is scored only by metrics that need no reference"
    else:
        why = (
            f"{items - len(refs)} of {items} items have no reference other than the human candidate and are not scored"
        )
    return refs, alone, why if alone or items > len(refs) else None


def split_references(
    dataset: Dataset, split: str, decodings: Sequence[Decoding]
) -> tuple[dict[int, tuple[str, ...]], list[str]]:
    """References of a split's sources: stories where systems wrote nothing but stories, else sentences; and in words
    which systems are left out then, since a story and a sentence cannot stand side by side."""
    sources = Source.objects.of_split(dataset, split)
    theirs = [each for each in decodings if each.system.kind != System.Kind.BASELINE]
    written = {each: set(Output.objects.tallied(each)[0]) for each in theirs}
    whole = {each.system.name for each, kinds in written.items() if kinds == {Source.Kind.SEQUENCE}}
    if whole and len(whole) == len({each.system.name for each in theirs}):
        return references_by_source(sources.of_kind(Source.Kind.SEQUENCE)), []
    said = [f"system '{name}' wrote whole stories: score it apart from those that wrote sentences" for name in whole]
    return references_by_source(sources.exclude(kind=Source.Kind.SEQUENCE)), sorted(said)


def metric_rows(names: Sequence[str]) -> list[MetricRow]:
    """What the site is told of metrics."""
    return [
        MetricRow(
            name=name,
            description=METRICS[name].description,
            level=METRICS[name].level,
            less_is_better=METRICS[name].less_is_better,
            reads_training_stories=Need.TRAINING_STORIES in METRICS[name].needs,
            order=list(METRICS).index(name),
        )
        for name in names
    ]


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    campaign: Campaign | None = run.campaign
    dataset, metrics = dataset_named(config["dataset"]), config["metrics"]
    split = campaign.split if campaign else config["split"]
    check_unchanged = unchanged_check(dataset=dataset, texts={*split_texts(split), TRAINING_STORIES})
    with claim.fenced():
        metrics_write(metrics=metric_rows(metrics))
    said: list[str] = []  # of what is missing
    alone = False
    if campaign:
        entries = campaign.entries.select_related("decoding__system", "decoding__dataset").order_by("system__name")
        decodings = [entry.decoding for entry in entries]
        refs, alone, missing = campaign_references(campaign, decodings)
        said += [missing] if missing else []
    else:
        if "decodings" in config:
            chosen_rows = Decoding.objects.filter(pk__in=config["decodings"]).select_related("system", "dataset")
            decodings = list(chosen_rows.order_by("pk"))
        else:
            decodings = decodings_to_score(dataset, split, config["systems"])
        if not config["systems"]:
            decodings, said = with_baselines(dataset, split, decodings)
        refs, apart = split_references(dataset, split, decodings)
        said += apart
    sources = Source.objects.filter(items__campaign=campaign) if campaign else Source.objects.of_split(dataset, split)
    kinds = dict(sources.values_list("pk", "kind"))
    unknown = bool(campaign and campaign.imported_by_id)
    written = texts_of(decodings, refs, kinds, unknown=unknown)

    def asked_for(kind: type[Metric]) -> list[str]:
        known = [METRICS[name] for name in metrics if isinstance(METRICS[name], kind)]
        return [metric.name for metric in known if metric.of_campaigns or not campaign]

    text_metrics, of_models = asked_for(TextMetric), asked_for(CheckpointMetric)
    whole = any(kinds[pk] == Source.Kind.SEQUENCE for pk in refs)
    stories = corpus.training_stories(dataset, whole=whole)
    chosen: dict[str, Any] = {"metrics": text_metrics, "training_stories": stories}
    if "reward" in config:
        reward = reward_named(config["reward"])
        chosen |= {"reward": reward_folder(reward), "reward_name": marked(reward)}
        said += pleasing(reward, decodings)
        if split == Split.FEEDBACK:
            said.append(f"reward model '{reward}' may have learned from ratings of these texts")
    judged: dict[str, dict[str, Any]] = {}
    if judges := asked_for(JudgeMetric):
        asked = [each for each in written if not (alone and each.decoding.system.kind == System.Kind.HUMAN)]
        baselines, missing_baselines = with_baselines(dataset, split, [each.decoding for each in asked])
        asked += texts_of(baselines[len(asked) :], refs, kinds)
        try:
            judged = judged_scores(claim, asked, judges)
        except ModelingError as error:
            said += [*missing_baselines, str(error)]
    compared = [metric for metric in text_metrics if campaign and METRICS[metric].by_text]
    steps = len(decodings) + len(compared)

    profiles: dict[str, Profile] = {}  # by decoding, of all that it wrote

    def text_scores(decoding: Decoding, segments: list[Segment], of: int) -> dict[str, Any]:
        theirs = dict(chosen)
        if alone and decoding.system.kind == System.Kind.HUMAN:
            theirs["metrics"] = [name for name in text_metrics if Need.REFERENCES not in METRICS[name].needs]
        scores = score_outputs(segments, by_segment=True, of=of, **theirs) if segments else {}
        if not campaign and (profile := length_profile(segments, scores)):
            profiles.setdefault(str(decoding.pk), profile)
        return scores if campaign else {metric: without_texts(score) for metric, score in scores.items()}

    done: list[Scored] = []
    of_checkpoints: dict[tuple[int, str | None], dict[str, Any]] = {}  # decodings of one model share them
    for each in written:
        claim.progress(1.0 if judged else len(done) / steps, f"scoring {each.name}")
        scores = text_scores(each.decoding, each.segments, each.of)
        single = not each.decoding.settings.get("ensemble")  # what several models wrote has no single one's loss
        if of_models and single:
            model = each.decoding.system_id, each.decoding.settings.get("source")
            if model not in of_checkpoints:
                try:
                    of_checkpoints[model] = checkpoint_scores(each.decoding, split, of_models)
                except ModelingError as error:  # one model's fault is no other system's
                    of_checkpoints[model] = {}
                    said.append(f"{each.decoding.system}: {', '.join(of_models)} not computed: {error}")
            scores |= of_checkpoints[model]
            notes = [score["note"] for score in of_checkpoints[model].values() if "note" in score]
            said += [f"{each.decoding.system}: {note}" for note in notes]
        done.append(each._replace(scores=scores | judged.get(each.name, {})))
        if not campaign:
            with claim.fenced():
                check_unchanged()
                scores_write(decoding=each.decoding, scores=defined(done[-1].scores))
    shared, count = (done, 0) if alike(done) else on_shared(done, text_scores)
    if campaign:
        comparisons = {}
        for place, metric in enumerate(compared, len(done)):
            claim.progress(1.0 if judged else place / steps, f"comparing systems by {metric}")
            comparisons[metric] = compare(metric, shared or done)
        with claim.fenced():
            check_unchanged()
            campaign_write(campaign, done, shared, comparisons)
        said += [f"{metric}: {each.undefined}" for metric, each in comparisons.items() if each.undefined]
    run.message = f"scored {len({each.system_id for each in decodings})} systems"
    human = None if campaign else chosen  # in a campaign it is a system like any other
    run.result = {"scores": score_table(done, judged, human)} | ({"by_length": profiles} if profiles else {})
    if parts := in_words(done, count):
        run.message += f"; {'; '.join(parts)}"
        run.result["coverage"] = {"systems": coverage_of(done), "said": parts}
    if shared is not done and shared:
        table = score_table([of_texts(each) for each in shared], {}, human)
        run.result["shared"] = {"sources": count, "scores": table}
    run.result |= {"undefined": list(dict.fromkeys(said))} if said else {}


def texts_of(
    decodings: Sequence[Decoding],
    refs: dict[int, tuple[str, ...]],
    kinds: dict[int, str],
    *,
    unknown: bool = False,
) -> list[Scored]:
    """What each decoding wrote, not scored yet: of the sources with references that are of the kinds it wrote for."""
    counts, found = Counter(kinds[pk] for pk in refs), []
    for decoding in decodings:
        segments = segments_of(decoding, refs, unknown=unknown)
        theirs = {kinds[int(segment.id)] for segment in segments} or counts
        found.append(Scored(decoding, segments, {}, sum(counts[kind] for kind in theirs)))
    return found


def of_texts(scored: Scored) -> Scored:
    """Without the scores of a model or a judge, which are not of the shared sources alone."""
    of_texts = {name: score for name, score in scored.scores.items() if isinstance(METRICS[name], TextMetric)}
    return scored._replace(scores=of_texts)


def score_table(scored: Sequence[Scored], judged: dict[str, Any], human: dict[str, Any] | None) -> dict[str, Any]:
    """Scores by system; with options for `human`, of the people who wrote the references too."""
    table = {each.name: each.scores for each in scored}
    segments = {segment.id: segment for each in scored for segment in each.segments}  # one of each source
    of = max((each.of for each in scored), default=0)
    if human is not None and (people := score_human(list(segments.values()), of=of, **human)):
        table[HUMAN] = people
    whole = {name: judged.get(name, {}) | table.get(name, {}) for name in [*table, *judged]}
    return {name: {metric: printed(score) for metric, score in scores.items()} for name, scores in whole.items()}
