"""Settings of a training."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from modeling.configs.settings import AUTO, DEVICES, Config, setting
from modeling.errors import ConfigError
from texts.folding import SIGNATURE

ARCHITECTURES = ("lstm", "bilstm", "gru-attention", "gru-luong", "transformer")
# Architectures, and presets up to their colon, of models that begin pretrained: encoder-decoders and decoder-only ones.
PRETRAINED, CAUSAL = "hf", "lm"
BEGINS_PRETRAINED = (PRETRAINED, CAUSAL)
NOT_PRETRAINED = {  # settings without a use there
    PRETRAINED: ("denoising", "context", "word_dropout", "label_smoothing"),
    CAUSAL: ("denoising", "word_dropout", "source_dropout"),
}
WITHOUT_ATTENTION = ("lstm", "bilstm")
ALBUM = "album"  # a context
CONTEXT = re.compile(rf"([1-9]|1\d|20)|0|{ALBUM}(\+([1-9]|1\d|20))?")
LIKELIHOOD = "likelihood"
# Objectives over judged texts, with the kinds of feedback that each learns from.
LEARNS_FROM = {
    "distillation": ("preference", "label"),
    "dpo": ("preference",),
    "ipo": ("preference",),
    "simpo": ("preference",),
    "kto": ("score", "label", "preference"),
    "unlikelihood": ("spans",),
}
FEEDBACK_OBJECTIVES = tuple(LEARNS_FROM)
BETA, SIMPO_BETA = 0.1, 2.0  # where the setting is 0
SHAPE = (  # settings that vocabulary and weights are of
    *("architecture", "tokens", "vocabulary_size", "lowercase", "detokenize", "folding", "letters_only"),
    *("embedding_size", "hidden_size", "layers", "heads", "feedforward_size", "tied", "lora_rank", "lora_scale"),
)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Everything a training depends on besides its data. At least one of the three limits must be set."""

    architecture: str = setting("gru-luong", "model family", choices=(*ARCHITECTURES, *BEGINS_PRETRAINED))
    model_path: str = setting("", "hf, lm: name, folder or GGUF file of the pretrained model to start from")
    lora_rank: int = setting(0, "hf, lm: rank of the adapters that are trained instead of all weights; 0: none", low=0)
    lora_scale: float = setting(2.0, "hf, lm: factor by which the adapters' output is multiplied", low=0, high=100)
    seed: int = setting(1, "seed for weights, dropout and the order of the examples", low=0, high=2**31)

    tokens: str = setting("subword", "unit of the vocabulary", choices=("subword", "word"))
    vocabulary_size: int = setting(
        4000, "largest number of subwords or words; fewer if there is little data", low=16, high=64000
    )
    lowercase: bool = setting(True, "lower-case all text")
    detokenize: bool = setting(True, "remove the spaces before punctuation")
    folding: str = setting(
        SIGNATURE, "how look-alike characters are unified, before anything else", choices=(SIGNATURE,)
    )
    letters_only: bool = setting(
        False, "replace everything but the letters a to z with spaces, as the 2018 reference implementation did"
    )
    deduplicate: bool = setting(
        False, "keep only a source's first reference, and only the first of identical references"
    )
    max_source_length: int = setting(256, "longest source, in tokens; longer ones are left out of training", low=2)
    max_target_length: int = setting(256, "longest reference, in tokens; longer ones are left out of training", low=2)
    context: str = setting(
        "0",
        "text before the source; N: the N preceding sentences of the story; album: the album's other captions; "
        "album+N: both",
    )

    embedding_size: int = setting(256, "size of embeddings; in a Transformer, of all layers", low=2)
    hidden_size: int = setting(512, "hidden units of a recurrent decoder", low=2)
    layers: int = setting(1, "layers, in the encoder and in the decoder", low=1, high=24)
    heads: int = setting(4, "attention heads of a Transformer", low=1, high=64)
    feedforward_size: int = setting(1024, "units of a Transformer's feed-forward layers", low=2)
    tied: bool = setting(True, "share one matrix between source embeddings, target embeddings and output layer")
    reverse_source: bool = setting(False, "lstm: read the source in reverse")
    dropout: float = setting(0.4, "dropout on embeddings and outputs", low=0, high=0.95)
    word_dropout: float = setting(0.0, "share of input tokens replaced by the unknown token", low=0, high=0.95)
    source_dropout: float = setting(
        0.0, "share of sources withheld, so that the model also learns to write without one", low=0, high=0.95
    )
    label_smoothing: float = setting(0.0, "share of probability spread over the vocabulary", low=0, high=0.95)

    denoising: float = setting(
        0.0, "share of the training run that first restores sentences from which words were dropped", low=0, high=1
    )
    denoising_drop: float = setting(0.3, "denoising: share of a sentence's words that are dropped", low=0, high=0.95)

    learning_rate: float = setting(0.002, "peak of Adam's learning rate", low=0, high=1)
    warmup: float = setting(0.05, "share of the training run in which the learning rate rises", low=0, high=1)
    decay: str = setting("cosine", "how the learning rate changes after the warm-up", choices=("cosine", "none"))
    weight_decay: float = setting(0.0, "decoupled weight decay", low=0, high=1)
    gradient_clip: float = setting(1.0, "largest gradient norm; longer gradients are clipped", low=0)
    token_budget: int = setting(2048, "source and target tokens per batch, padding included", low=16)
    accumulation: int = setting(1, "batches whose gradients are accumulated into one step", low=1, high=1024)
    precision: str = setting(
        AUTO,
        "bf16: matrix products in bfloat16; auto: bf16 if a short timing finds it faster, else fp32",
        choices=(AUTO, "fp32", "bf16"),
    )
    init: str = setting("", "folder of a checkpoint with the same settings, whose weights and vocabulary to start from")

    objective: str = setting(
        LIKELIHOOD,
        "what is learned: likelihood, of what people wrote and of rated texts by their weights; the others learn from "
        "feedback, and go on from the model of init",
        choices=(LIKELIHOOD, *FEEDBACK_OBJECTIVES),
    )
    beta: float = setting(
        0.0,
        f"dpo, ipo, kto: how near the model stays to that of init; simpo: scale; 0: {BETA:g}, simpo {SIMPO_BETA:g}",
        low=0,
        high=100,
    )
    margin: float = setting(0.5, "simpo: how far apart the two texts are to be", low=0, high=100)
    anchor: float = setting(
        0.2,
        "feedback: weight of the negative log-likelihood of human texts beside the objective; 0: none",
        low=0,
        high=100,
    )
    robust: bool = setting(True, "dpo: correct for wrong preferences, as many as the raters' disagreement suggests")
    draws: int = setting(
        0, "feedback: texts drawn from the model of init for a source, judged by the reward; 0: the rated ones", low=0
    )
    draw_sources: int = setting(1000, "feedback: sources that texts are drawn for, at most", low=1)
    reward: str = setting("", "feedback: folder of the reward model that judges what is drawn, and before and after")
    max_nll_rise: float = setting(
        0.1, "feedback: nats a word that the NLL of human texts may rise by before the model counts as worse", low=0
    )
    max_gain_fall: float = setting(0.03, "feedback: nats a word that the source gain may fall by", low=0)
    max_length_change: float = setting(0.25, "feedback: share that texts may become longer or shorter by", low=0)
    max_flaw_rise: float = setting(0.05, "feedback: how much the non-word rate and repetition may rise", low=0)

    budget: float = setting(
        0.0, "limit: CPU seconds, or GPU seconds on a GPU, for which steps are planned at the start; 0: none", low=0
    )
    max_steps: int = setting(0, "limit: steps; 0: none", low=0)
    epochs: int = setting(0, "limit: passes over the data; 0: none", low=0)
    validate_every: int = setting(200, "steps between two validation passes", low=1)
    valid_pairs: int = setting(1000, "validation pairs used in a validation pass", low=1)
    patience: int = setting(5, "validation passes without improvement before stopping early; 0: never", low=0)
    save_every: float = setting(
        30.0,
        "seconds between two resumable checkpoints, more if saving takes over half a second; 0: every step",
        low=0,
    )

    device: str = setting("auto", "where to compute", choices=DEVICES)
    threads: int = setting(1, "CPU threads", low=1, high=256)

    def another_shape(self, other: Self) -> list[str]:
        """What of the `other`'s model differs from this one's, in words: the family alone where that does."""
        names = SHAPE if self.architecture == other.architecture else SHAPE[:1]
        pairs = ((name, getattr(other, name), getattr(self, name)) for name in names)
        return [f"{name}={there} in the checkpoint, {here} here" for name, there, here in pairs if there != here]

    @property
    def learns_from_feedback(self) -> bool:
        """Whether the objective is over judged texts, which are in a file of their own."""
        return self.objective != LIKELIHOOD

    @property
    def as_built(self) -> Self:
        """The settings that a model is built with. While it learns from feedback nothing is dropped out: it is compared
        with the model that it was, and what was learned alone is to make the difference."""
        return replace(self, dropout=0.0, word_dropout=0.0) if self.learns_from_feedback else self

    @property
    def may_compute_in(self) -> str:
        """The precision, or `auto`. Learning from feedback compares log-probabilities that differ by less than bfloat16
        can tell apart, so that it computes in fp32 where nothing else is asked for."""
        return "fp32" if self.learns_from_feedback and self.precision == AUTO else self.precision

    @property
    def story_sentences(self) -> int:
        """How many sentences of the story so far stand before the source."""
        return int(self.context.removeprefix(ALBUM).removeprefix("+") or 0)

    @property
    def album_context(self) -> bool:
        """Whether the album's other captions stand before the source."""
        return self.context.startswith(ALBUM)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not CONTEXT.fullmatch(self.context):
            raise self.refusal("context", "must be a whole number from 0 to 20, album, or album+N")
        pretrained = self.architecture in BEGINS_PRETRAINED
        if pretrained != bool(self.model_path):
            raise self.refusal(
                "model_path",
                f"must be set with architecture={' or '.join(BEGINS_PRETRAINED)}, and only then; use preset "
                f"{' or '.join(f'{each}:PATH' for each in BEGINS_PRETRAINED)}",
            )
        if self.lora_rank and not pretrained:
            raise self.refusal("lora_rank", f"needs architecture={' or '.join(BEGINS_PRETRAINED)}")
        if pretrained and self.tokens == "word":
            raise self.refusal("tokens", "a pretrained model has its own tokens; valid values: subword")
        if self.architecture == CAUSAL and self.dropout and not self.lora_rank:
            raise self.refusal(
                "dropout", f"architecture={CAUSAL} has dropout only with adapters (lora_rank); valid values: 0"
            )
        for name in NOT_PRETRAINED.get(self.architecture, ()):
            if getattr(self, name) not in (0, "0"):
                raise self.refusal(name, f"not supported with architecture={self.architecture}; valid values: 0")
        if not (self.budget or self.max_steps or self.epochs):
            raise ConfigError("training needs a limit: set budget (seconds), max_steps or epochs above 0")
        if self.learns_from_feedback:
            if not self.init:
                raise self.refusal("objective", "goes on from a model: set init to the one to be improved")
            if self.denoising:
                raise self.refusal("denoising", f"not supported with objective={self.objective}; valid values: 0")
        if self.draws and not self.reward:
            raise self.refusal("draws", "texts are drawn to be judged by a reward model: set reward as well")
        if self.draws and (self.draws < 2 or self.objective in (LIKELIHOOD, "unlikelihood")):
            raise self.refusal("draws", "needs an objective that compares texts, and 2 or more of them a source")
        if self.hidden_size % 2:
            raise self.refusal("hidden_size", "must be even, as each direction of the encoder has half of the units")
        if self.architecture == "transformer" and self.embedding_size % self.heads:
            raise self.refusal("heads", f"must divide embedding_size={self.embedding_size}")
        if self.architecture == "gru-attention" and self.layers != 1:
            raise self.refusal("layers", "gru-attention has one layer; valid values: 1")
