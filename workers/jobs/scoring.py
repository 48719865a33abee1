"""A scoring run: automatic metrics of decodings over a split, or over the items of a campaign.

On a campaign the human candidate's reference is withheld from the references of every system; where no source has
another, the systems are scored against it, and the human by the metrics of texts alone. So all have as many references
there; each text's own value is kept beside the scores, and the systems' differences are tested. On a split the human
stands beside the systems by the metrics that leave one reference out in turn.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings

from annotations.errors import InputError
from annotations.models import Campaign, Dataset, Decoding, Item, Output, Source, System
from annotations.querysets.datasets import distinct_references, references
from annotations.services.outputs import baseline_decoding, scores_write
from modeling.metrics import (
    BY_SEGMENT,
    LEAVE_ONE_OUT,
    METRICS,
    OF_TEXTS_ALONE,
    Segment,
    score_human,
    score_outputs,
)
from modeling.metrics.indistinguishable import JUDGES, score_indistinguishable
from modeling.progress import Progress
from workers.jobs import corpus
from workers.jobs.comparing import Scored, campaign_write, compare, defined, without_segments
from workers.jobs.lookup import by_name, dataset_named, split_named, system_named
from workers.lifecycle import Claim, run_create, run_create_claimed
from workers.models import Checkpoint, Run

CHECKPOINT_METRICS = ("nll", "source_gain", "retrieval_accuracy")


def launch(
    *,
    dataset: str | None = None,
    split: str | None = None,
    campaign: str | None = None,
    systems: Sequence[str] = (),
    metrics: Sequence[str] = (),
    queue: str = "cpu",
    claimed: bool = False,
) -> Run | Claim:
    """Make a scoring run of a split's decodings, or of a campaign's. Raises InputError for an unknown name."""
    usual = (*METRICS, *CHECKPOINT_METRICS)
    if unknown := [metric for metric in metrics if metric not in (*usual, *JUDGES)]:
        raise InputError(f"metric: '{unknown[0]}' is not one of {', '.join((*usual, *JUDGES))}")
    links: dict[str, Any] = {"queue": queue}
    if campaign:
        links["campaign"] = by_name(Campaign.objects.all(), campaign, "campaign")
        links["dataset"] = links["campaign"].dataset
        check_imported(links["campaign"])
    elif dataset and split:
        links["dataset"] = dataset_named(dataset)
        decodings_to_score(links["dataset"], split_named(split), systems)
    else:
        raise InputError("score: give --dataset and --split, or --campaign")
    config = {
        "dataset": links["dataset"].name,
        "split": split,
        "campaign": campaign,
        "systems": list(systems),
        "metrics": list(metrics) or list(usual),
    }
    make = run_create_claimed if claimed else run_create
    return make(kind=Run.Kind.SCORE, config=config, **links)


def check_imported(campaign: Campaign) -> None:
    """Raises InputError for imported ratings whose texts were not given, or that have nothing to score them against."""
    if not campaign.imported_by_id:
        return
    outputs = Output.objects.filter(decoding__entries__campaign=campaign)
    if missing := outputs.filter(text="").count():
        raise InputError(
            f"campaign '{campaign.name}': {missing} of its {outputs.count()} texts were not imported with its ratings"
        )
    if not references(Source.objects.filter(items__campaign=campaign)).exists():
        raise InputError(
            f"campaign '{campaign.name}': nothing is known of what people wrote for its items; import_pairs into "
            f"dataset '{campaign.dataset.name}', album and photo being the item, adds it"
        )


def decodings_to_score(dataset: Dataset, split: str, names: Sequence[str]) -> list[Decoding]:
    """The newest complete decoding of each named system on the split, or of every system that has one."""
    decoded = Decoding.objects.complete().filter(dataset=dataset, split=split, system__kind__in=["file", "model"])
    systems = [system_named(name) for name in names] or list(
        System.objects.filter(decodings__in=decoded).distinct().order_by("name")
    )
    found = []
    for system in systems:
        decoding = Decoding.objects.latest_of(system, dataset, split)
        if decoding is None and system.kind != System.Kind.BASELINE:
            where = f"{dataset.name}/{split}"
            raise InputError(
                f"system '{system.name}' has no complete decoding of {where}; run `manage.py decode` first"
            )
        if decoding is not None:
            found.append(decoding)
    return found


def with_baselines(dataset: Dataset, split: str, decodings: list[Decoding]) -> list[Decoding]:
    """The decodings with `caption` (where there are captions) and `random_story` beside them, on the same sources."""
    present = {decoding.system.name for decoding in decodings}
    kinds = set(Source.objects.filter(outputs__decoding__in=decodings).values_list("kind", flat=True).distinct()) or {
        "caption"
    }
    kind = "caption" if "caption" in kinds else sorted(kinds)[0]
    wanted = [name for name in ("caption", "random_story") if name not in present]
    if kind != "caption":
        wanted = [name for name in wanted if name != "caption"]
    return decodings + [baseline_decoding(system_name=name, dataset=dataset, split=split, kind=kind) for name in wanted]


def references_by_source(sources: Any, withheld: Iterable[int] = ()) -> dict[int, tuple[str, ...]]:
    """Reference sentences of each source, each once, less the withheld ones (by the sentence's primary key)."""
    hidden = set(withheld)
    rows = groupby(references(sources).iterator(chunk_size=5000), key=itemgetter("source_pk"))
    found = {pk: tuple(distinct_references(list(group), hidden)) for pk, group in rows}
    return {pk: sentences for pk, sentences in found.items() if sentences}


def segments_of(decoding: Decoding, refs: dict[int, tuple[str, ...]]) -> list[Segment]:
    """What the decoding has at rank 0 for each source with references, beside them."""
    rows = Output.objects.filter(decoding=decoding).first_rank().order_by("source_id")
    values = rows.values_list("source_id", "text", "source__album__external_id", "source__text")
    return [
        Segment(id=str(pk), output=text, references=refs[pk], album=album, source=source or None)
        for pk, text, album, source in values.iterator(chunk_size=5000)
        if pk in refs
    ]


def checkpoint_scores(decoding: Decoding, split: str) -> dict[str, Any]:
    """CHECKPOINT_METRICS of the model behind a decoding, on the split's pairs."""
    from modeling.corpus import Example
    from modeling.metrics.source_gain import score_checkpoint

    checkpoint = Checkpoint.objects.filter(system=decoding.system, pruned_at=None).select_related("run").first()
    if checkpoint is None:
        return {}
    source = decoding.settings.get("source", corpus.CAPTION)
    records = corpus.paired_records(
        decoding.dataset,
        split,
        source=source,
        pairing="aligned",
        seed=0,
        context=checkpoint.run.config["training"].get("context", 0),
    )
    tuples = ("references", "context")
    examples = [Example(**{**each, **{key: tuple(each.get(key, ())) for key in tuples}}) for each in records]
    return score_checkpoint(settings.VAR_DIR / checkpoint.directory, examples) if examples else {}


def judged_scores(
    claim: Claim, split: str, decodings: list[Decoding], refs: dict[int, tuple[str, ...]], metrics: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Scores of the judges by system, with the baselines and people themselves beside, whoever else is scored."""
    if not metrics:
        return {}
    dataset = dataset_named(claim.run.config["dataset"])
    systems = {each.system.name: segments_of(each, refs) for each in with_baselines(dataset, split, decodings)}

    def report(progress: Progress) -> None:
        claim.progress(progress.fraction, progress.message)

    found = score_indistinguishable(systems, metrics=metrics, on_progress=report)
    people = {
        metric: {**score["beside"]["human"], "signature": score["signature"]}
        for metric, score in found["random_story"].items()
    }
    return {"human": people, **found}


def campaign_references(
    campaign: Campaign, decodings: Sequence[Decoding]
) -> tuple[dict[int, tuple[str, ...]], bool, str | None]:
    """References of the items' sources, less those that raters saw as the human candidate.

    Where that leaves none (one reference a source) those stand in, and the second value is true: the human can be
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
        why = f"the human candidate {known}: the human is scored by the metrics of texts alone"
    else:
        why = f"{items - len(refs)} of {items} items have no other reference than the human candidate, and no part"
    return refs, alone, why if alone or items > len(refs) else None


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    campaign: Campaign | None = run.campaign
    dataset, metrics = dataset_named(config["dataset"]), config["metrics"]
    said: list[str] = []  # of what is missing
    alone = False
    if campaign:
        split = campaign.split
        entries = campaign.entries.select_related("decoding__system", "decoding__dataset").order_by("system__name")
        decodings = [entry.decoding for entry in entries]
        refs, alone, missing = campaign_references(campaign, decodings)
        said += [missing] if missing else []
    else:
        split = config["split"]
        decodings = decodings_to_score(dataset, split, config["systems"])
        if not config["systems"]:
            decodings = with_baselines(dataset, split, decodings)
        refs = references_by_source(Source.objects.of_split(dataset, split))
    text_metrics = [metric for metric in metrics if metric in METRICS and not (campaign and metric in LEAVE_ONE_OUT)]
    chosen: dict[str, Any] = {"metrics": text_metrics, "training_stories": corpus.training_stories(dataset)}
    alike = [each for each in decodings if not (alone and each.system.kind == System.Kind.HUMAN)]
    judged = judged_scores(claim, split, alike, refs, [metric for metric in metrics if metric in JUDGES])
    compared = [metric for metric in text_metrics if campaign and metric in BY_SEGMENT]
    steps = len(decodings) + len(compared)
    done: list[Scored] = []
    for decoding in decodings:
        name = decoding.system.name
        claim.progress(1.0 if judged else len(done) / steps, f"scoring {name}")
        theirs = dict(chosen)
        if alone and decoding.system.kind == System.Kind.HUMAN:
            theirs["metrics"] = [metric for metric in text_metrics if metric in OF_TEXTS_ALONE]
        segments = segments_of(decoding, refs)
        scores = score_outputs(segments, by_segment=bool(campaign), **theirs) if segments else {}
        if not campaign and set(metrics) & set(CHECKPOINT_METRICS):
            scores |= {k: v for k, v in checkpoint_scores(decoding, split).items() if k in metrics}
        scores |= judged.get(name, {})
        done.append(Scored(decoding, segments, scores))
        if not campaign:
            with claim.fenced():
                scores_write(decoding=decoding, scores=defined(scores))
    if campaign:
        comparisons = {}
        for place, metric in enumerate(compared, len(done)):
            claim.progress(1.0 if judged else place / steps, f"comparing the systems' {metric}")
            comparisons[metric] = compare(metric, done)
        with claim.fenced():
            campaign_write(campaign, done, comparisons)
        said += [f"{metric}: {each.undefined}" for metric, each in comparisons.items() if each.undefined]
    table = {each.decoding.system.name: without_segments(each.scores) for each in done}
    segments_by_id = {segment.id: segment for each in done for segment in each.segments}  # one of each source
    if not campaign and (human := score_human(list(segments_by_id.values()), **chosen)):
        table["human"] = human
    table = {name: judged.get(name, {}) | table.get(name, {}) for name in [*table, *judged]}
    run.message = f"scored {len(decodings)} systems"
    run.result = {"scores": table} | ({"undefined": said} if said else {})
