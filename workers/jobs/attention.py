"""An attention run: what a trained system looks at while it writes a text for one source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from annotations.errors import InputError
from annotations.models import Output
from modeling.config import WITHOUT_ATTENTION
from workers.jobs import corpus
from workers.jobs.attention_maps import attention_draw
from workers.jobs.decoding import checkpoint_of
from workers.lifecycle import Claim, run_create
from workers.lookup import system_named
from workers.models import Checkpoint, Run

if TYPE_CHECKING:
    from modeling.corpus import Example


def launch(
    *,
    system: str,
    source: str,
    target: str | None = None,
    output: Output | None = None,
    queue: str = "cpu",
) -> Run:
    """Queue an attention run. With an `output` its text is the target; without any target the system writes one,
    greedily.

    Raises InputError for a system that has no attention to look at, and for an output of another one or of several.
    """
    system_row = system_named(system)
    checkpoint = checkpoint_of(system_row)
    if not attends(checkpoint):
        raise InputError("", f"system '{system}' has no attention: its architecture is {family(checkpoint)}")
    if not source.strip():
        raise InputError("source", "must contain words")
    if output and output.decoding.system_id != system_row.pk:
        raise InputError("output", f"{output.pk} was written by {output.decoding.system}, not by '{system}'")
    if output and (others := output.decoding.settings.get("ensemble")):
        raise InputError(
            "output",
            f"{output.pk} was written by '{system}' together with {', '.join(others)}; attention maps need a text by "
            "one model",
        )
    text = output.text if output else target or None
    config = {"system": system, "source": source, "target": text, "output": output.pk if output else None}
    return run_create(kind=Run.Kind.ATTENTION, config=config, system=system_row, queue=queue)


def family(checkpoint: Checkpoint) -> str:
    name: str = checkpoint.run.config["training"]["architecture"]
    return name


def attends(checkpoint: Checkpoint) -> bool:
    """Whether its family has attention, and its files are still there."""
    return checkpoint.pruned_at is None and family(checkpoint) not in WITHOUT_ATTENTION


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    checkpoint = checkpoint_of(system_named(config["system"]))
    claim.progress(0.0, "computing the attention map")
    texts = [(example_of(config), config["target"])]
    (drawn,) = attention_draw(run, settings.VAR_DIR / checkpoint.directory, texts).values()
    run.message = f"attention map of {len(drawn.target)} output tokens over {len(drawn.source)} input tokens"


def example_of(config: Mapping[str, Any]) -> "Example":
    """The source that was asked for; that of an output stands in its album, beside the sources of other photos."""
    from modeling.corpus import Example, with_others

    output = Output.objects.filter(pk=config["output"]).select_related("source__album", "decoding__dataset").first()
    if output:
        beside = with_others([Example(**record) for record in corpus.given_beside(output.decoding, output.source)])
        for example in beside:
            if (example.id, example.source) == (str(output.source_id), config["source"]):
                return example
    return Example("source", config["source"])
