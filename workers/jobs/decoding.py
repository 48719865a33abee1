"""A decoding run: a trained system writes one text, or several, for every source of a split."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.conf import settings

from annotations.corpora.rewriting import SOURCES, unchanged_check
from annotations.errors import InputError
from annotations.models import Dataset, Output, System
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write
from annotations.systems.services import decoding_begin, decoding_complete, outputs_add
from modeling.config import REWARD, DecodingConfig, TrainingConfig
from workers.jobs import corpus
from workers.jobs.attention_maps import attention_draw, spread
from workers.jobs.reward import reward_behind, reward_folder
from workers.lifecycle import Claim, run_create
from workers.lookup import dataset_named, split_named, system_named
from workers.models import Checkpoint, RewardModel, Run

OF_RUN = ("source", "ensemble")  # what a run is told beside the settings of a decoding
NAMED = 20  # sources that were left out or cut
PICTURES = 12  # sources with a picture of what was looked at for them


def launch(
    *,
    system: str,
    dataset: str,
    split: str,
    overrides: Sequence[str] = (),
    queue: str = "cpu",
    claimed: bool = False,
) -> Run:
    """Make a decoding run, queued, or claimed by this process. Raises InputError for an unknown name, key or value.

    Among the overrides, `source=…` gives the model another input than it was trained on, `ensemble=NAME,…` names
    systems of the same vocabulary that write together with it, and `rerank=reward:NAME` a reward model; the rest are
    decoding settings.
    """
    dataset_row, system_row = dataset_named(dataset), system_named(system)
    checkpoint = checkpoint_of(system_row)
    given = dict.fromkeys(OF_RUN, "") | {key: value for key, _, value in map(parted, overrides) if key in OF_RUN}
    source, members = given["source"] or trained_source(checkpoint), members_named(given["ensemble"], system)
    decoding = DecodingConfig.from_overrides([override for override in overrides if parted(override)[0] not in OF_RUN])
    decoding = decoding.for_family(checkpoint.run.config["training"]["architecture"])
    if reward := reward_behind(decoding.rerank):
        decoding = replace(decoding, rerank=f"{REWARD}{reward.name}")
    check_given(dataset_row, split_named(split), source)
    config = {"dataset": dataset, "system": system, "split": split, "source": source, "decoding": decoding.to_dict()}
    if members:
        config["ensemble"] = members
    links: dict[str, Any] = {"dataset": dataset_row, "system": system_row, "queue": queue}
    return run_create(kind=Run.Kind.DECODE, config=config, claimed=claimed, **links)


def parted(override: str) -> tuple[str, str, str]:
    key, equals, value = override.partition("=")
    if not equals:
        raise InputError("", f"setting '{override}' does not have the form key=value")
    return key.strip(), equals, value.strip()


def members_named(names: str, system: str) -> list[str]:
    """The systems of a list with commas, each of which must have a checkpoint and stand there once."""
    members = [name.strip() for name in names.split(",") if name.strip()]
    for place, name in enumerate(members):
        if name == system or name in members[:place]:
            raise InputError("ensemble", f"'{name}' appears twice", f"name systems other than '{system}', each once")
        checkpoint_of(system_named(name))
    return members


def checkpoint_of(system: System) -> Checkpoint:
    kept = Checkpoint.objects.filter(pruned_at=None)
    checkpoint = kept.filter(system=system).select_related("run", "system").first()
    if checkpoint is None:
        trained = ", ".join(kept.order_by("system__name").values_list("system__name", flat=True)[:20])
        raise InputError(
            "", f"system '{system.name}' has no checkpoint to decode with", f"trained systems: {trained or 'none yet'}"
        )
    return checkpoint


def trained_source(checkpoint: Checkpoint) -> str:
    source: str = checkpoint.run.config["source"]
    return source


def check_given(dataset: Dataset, split: str, source: str) -> None:
    corpus.check_source(dataset, split, source)
    if source == corpus.CAPTION and not corpus.captions(dataset, split).exists():
        raise InputError(
            "", f"{dataset.name}/{split} has no captions to decode", "import captions, or choose a system with source="
        )


def decoding_fingerprint(
    checkpoint: Checkpoint, members: Sequence[Checkpoint], config: dict[str, Any], reward: RewardModel | None = None
) -> str:
    """SHA-256 of the weights and of what was decoded how: the same gives the same outputs."""
    what = {"weights": [each.sha256 for each in (checkpoint, *members)], **config["decoding"]}
    what |= {"source": config["source"], **({"reward": reward.sha256} if reward else {})}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def story_order(checkpoint: Checkpoint, dataset: Dataset, split: str, given: Sequence[str]) -> dict[str, str]:
    """Which given source another is written after, where the model reads the story so far."""
    if not TrainingConfig.from_dict(checkpoint.run.config["training"]).story_sentences:
        return {}
    there = set(given)
    before = corpus.captions_before(dataset, split).items()
    return {str(pk): str(other) for pk, other in before if str(pk) in there and str(other) in there}


def perform(claim: Claim) -> None:
    """Decode in batches; the decoding shows once it is complete."""
    from modeling.corpus import Example, with_others
    from modeling.decoding import Note, decode
    from modeling.errors import AttentionError

    run = claim.run
    config = run.config
    notes: list[Note] = []
    engines: list[str] = []
    dataset, system = dataset_named(config["dataset"]), system_named(config["system"])
    checkpoint = checkpoint_of(system)
    check_unchanged = unchanged_check(dataset=dataset, texts={(config["split"], SOURCES)}, further=False)
    records = corpus.given_records(dataset, config["split"], source=config["source"])
    before = story_order(checkpoint, dataset, config["split"], [record["id"] for record in records])
    given = [Example(**record, after=before.get(record["id"])) for record in records]
    if TrainingConfig.from_dict(checkpoint.run.config["training"]).album_context:
        given = with_others(given)
    members = [checkpoint_of(system_named(name)) for name in config.get("ensemble", ())]
    ensemble = {each.system.name: each.sha256 for each in members}
    decode_config = DecodingConfig.from_dict(config["decoding"])
    if reward := reward_behind(decode_config.rerank):
        decode_config = replace(decode_config, rerank=f"{REWARD}{reward_folder(reward)}")
    with claim.fenced():
        check_unchanged()
        decoding = decoding_begin(
            system=system,
            dataset=dataset,
            split=config["split"],
            settings={
                **config["decoding"],
                "source": config["source"],
                "checkpoint": checkpoint.sha256,
                **({"ensemble": ensemble} if ensemble else {}),
                **({"reward": {"name": reward.name, "sha256": reward.sha256}} if reward else {}),
            },
            fingerprint=decoding_fingerprint(checkpoint, members, config, reward),
        )
    if decoding.completed_at is None:
        claim.save(decoding=decoding)
        pictured = {source.id: source for source in spread(given, PICTURES)}
        looked_at: list[tuple[Example, str | None]] = []
        rows: list[tuple[int, int, str, float | None]] = []

        def write() -> None:
            with short_write(), claim.fenced():
                check_unchanged()
                outputs_add(decoding=decoding, rows=rows)
            rows.clear()

        written = decode(
            settings.VAR_DIR / checkpoint.directory,
            given,
            decode_config,
            ensemble=[settings.VAR_DIR / each.directory for each in members],
            on_progress=lambda progress: claim.progress(progress.fraction, f"decoding {len(given):,} sources"),
            on_note=notes.append,
            on_engine=engines.append,
        )
        for output in written:
            rows.append((int(output.id), output.rank, output.text, output.logprob))
            if output.rank == 0 and output.id in pictured:
                looked_at.append((pictured[output.id], output.text))
            if len(rows) >= WRITE_BATCH_SIZE:
                write()
        write()
        if not members:  # what several looked at is no one picture
            with suppress(AttentionError):  # of a family that has no attention
                attention_draw(
                    run, settings.VAR_DIR / checkpoint.directory, looked_at, device=config["decoding"]["device"]
                )
        with claim.fenced():
            check_unchanged()
            decoding_complete(decoding=decoding, settled={"engine": engines[-1]})
        Output.objects.tallied(decoding)  # now, so that no page waits for it
    left_out = [note.why for note in notes if note.left_out]
    cut = [note.why for note in notes if not note.left_out]
    run.message = decoded_message(len(given), len(left_out), len(cut))
    run.result = {
        "decoding": decoding.pk,
        "system": system.name,
        "split": config["split"],
        "sources": len(given),
        "engine": decoding.settings["engine"],
    }
    for what, why in (("left_out", left_out), ("cut", cut)):
        if why:
            run.result[what] = {"count": len(why), "first": corpus.with_keys(why[:NAMED])}


def decoded_message(sources: int, left_out: int, cut: int) -> str:
    said = [f"decoded {sources - left_out:,} of {sources:,} sources" if left_out else f"decoded {sources:,} sources"]
    said += [f"{left_out:,} left out (no words)"] if left_out else []
    said += [f"{cut:,} truncated to the input length of the model"] if cut else []
    return ", ".join(said)
