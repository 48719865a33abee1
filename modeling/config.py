"""Settings of a training, a decoding, a classifier: frozen, checked, the same in TOML, JSON and on the command line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from modeling.errors import ConfigError
from texts.folding import SIGNATURE

__all__ = [
    "ConfigError",
    "DecodingConfig",
    "RewardConfig",
    "SentenceCnnConfig",
    "TrainingConfig",
    "load_preset",
    "preset_names",
]

PRESETS = Path(__file__).parent / "presets"
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
FEEDBACK_OBJECTIVES = ("distillation", "dpo", "ipo", "simpo", "kto", "unlikelihood")
FEEDBACK_RATE = 0.1  # of a preset's learning rate
LIMITS = ("budget", "max_steps", "epochs")
SHAPE = (  # settings that vocabulary and weights are of
    *("architecture", "tokens", "vocabulary_size", "lowercase", "detokenize", "folding", "letters_only"),
    *("embedding_size", "hidden_size", "layers", "heads", "feedforward_size", "tied", "lora_rank", "lora_scale"),
)
AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda")
WEIGHTS = ("best", "last")
ENGINES = ("auto", "torch", "ct2")
DECODING_PRECISIONS = ("fp32", "bf16", "int8")
METHODS = ("nucleus", "greedy", "beam", "diverse_beam")
RERANKING = ("none", "source", "pmi")
REWARD = "reward:"  # and the folder of a reward model: a reranking
# Of models trained from scratch, of pretrained ones, where none is chosen.
TEMPERATURES, TOP_PS = (0.7, 1.0), (0.9, 0.95)
EMBEDDINGS = ("random", "static", "non-static", "two-channel")


def _setting(
    default: bool | int | float | str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    before_path: str = "",
) -> Any:
    """A field with what it means and what it may be: `low` and `high` are both allowed, and beside the choices a path
    behind `before_path`."""
    limits = {"low": low, "high": high, "choices": choices, "before_path": before_path}
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True)
class Config:
    """Common to all configurations: made from a mapping or from `key=value` strings, refused with the valid ones."""

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(each, getattr(self, each.name)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ConfigError for an unknown key or a value out of range."""
        known = [each.name for each in fields(cls)]
        for key in values:
            if key not in known:
                raise ConfigError(f"unknown setting {key!r}; valid settings: {', '.join(sorted(known))}")
        return cls(**values)

    @classmethod
    def from_overrides(cls, overrides: Sequence[str] = (), base: Mapping[str, Any] | None = None) -> Self:
        """Apply `key=value` strings, the last one winning, to the `base` values and the defaults."""
        values = dict(base or {})
        for override in overrides:
            key, equals, value = override.partition("=")
            if not equals:
                raise ConfigError(f"setting {override!r} does not have the form key=value")
            values[key.strip()] = value.strip()
        return cls.from_dict(values)

    def refusal(self, name: str, problem: str) -> ConfigError:
        """Of the value that a setting has."""
        return ConfigError(problem, name, getattr(self, name))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Everything a training depends on besides its data. At least one of the three limits must be set."""

    architecture: str = _setting("gru-luong", "model family", choices=(*ARCHITECTURES, *BEGINS_PRETRAINED))
    model_path: str = _setting("", "hf, lm: name, folder or GGUF file of the pretrained model to start from")
    lora_rank: int = _setting(0, "hf, lm: rank of the adapters that are trained instead of all weights; 0: none", low=0)
    lora_scale: float = _setting(2.0, "hf, lm: factor by which the adapters' output is multiplied", low=0, high=100)
    seed: int = _setting(1, "seed for weights, dropout and the order of the examples", low=0, high=2**31)

    tokens: str = _setting("subword", "unit of the vocabulary", choices=("subword", "word"))
    vocabulary_size: int = _setting(
        4000, "largest number of subwords or words; fewer if there is little data", low=16, high=64000
    )
    lowercase: bool = _setting(True, "lower-case all text")
    detokenize: bool = _setting(True, "remove the spaces before punctuation")
    folding: str = _setting(
        SIGNATURE, "how look-alike characters are unified, before anything else", choices=(SIGNATURE,)
    )
    letters_only: bool = _setting(
        False, "replace everything but the letters a to z with spaces, as the 2018 reference implementation did"
    )
    deduplicate: bool = _setting(
        False, "keep only a source's first reference, and only the first of identical references"
    )
    max_source_length: int = _setting(256, "longest source, in tokens; longer ones are left out of training", low=2)
    max_target_length: int = _setting(256, "longest reference, in tokens; longer ones are left out of training", low=2)
    context: str = _setting(
        "0",
        "text before the source; N: the N preceding sentences of the story; album: the album's other captions; "
        "album+N: both",
    )

    embedding_size: int = _setting(256, "size of embeddings; in a Transformer, of all layers", low=2)
    hidden_size: int = _setting(512, "hidden units of a recurrent decoder", low=2)
    layers: int = _setting(1, "layers, in the encoder and in the decoder", low=1, high=24)
    heads: int = _setting(4, "attention heads of a Transformer", low=1, high=64)
    feedforward_size: int = _setting(1024, "units of a Transformer's feed-forward layers", low=2)
    tied: bool = _setting(True, "share one matrix between source embeddings, target embeddings and output layer")
    reverse_source: bool = _setting(False, "lstm: read the source in reverse")
    dropout: float = _setting(0.4, "dropout on embeddings and outputs", low=0, high=0.95)
    word_dropout: float = _setting(0.0, "share of input tokens replaced by the unknown token", low=0, high=0.95)
    source_dropout: float = _setting(
        0.0, "share of sources withheld, so that the model also learns to write without one", low=0, high=0.95
    )
    label_smoothing: float = _setting(0.0, "share of probability spread over the vocabulary", low=0, high=0.95)

    denoising: float = _setting(
        0.0, "share of the training run that first restores sentences from which words were dropped", low=0, high=1
    )
    denoising_drop: float = _setting(0.3, "denoising: share of a sentence's words that are dropped", low=0, high=0.95)

    learning_rate: float = _setting(0.002, "peak of Adam's learning rate", low=0, high=1)
    warmup: float = _setting(0.05, "share of the training run in which the learning rate rises", low=0, high=1)
    decay: str = _setting("cosine", "how the learning rate changes after the warm-up", choices=("cosine", "none"))
    weight_decay: float = _setting(0.0, "decoupled weight decay", low=0, high=1)
    gradient_clip: float = _setting(1.0, "largest gradient norm; longer gradients are clipped", low=0)
    token_budget: int = _setting(2048, "source and target tokens per batch, padding included", low=16)
    accumulation: int = _setting(1, "batches whose gradients are accumulated into one step", low=1, high=1024)
    precision: str = _setting(
        AUTO,
        "bf16: matrix products in bfloat16; auto: bf16 if a short timing finds it faster, else fp32",
        choices=(AUTO, "fp32", "bf16"),
    )
    init: str = _setting(
        "", "folder of a checkpoint with the same settings, whose weights and vocabulary to start from"
    )

    objective: str = _setting(
        LIKELIHOOD,
        "what is learned: likelihood, of what people wrote and of rated texts by their weights; the others learn from "
        "feedback, and go on from the model of init",
        choices=(LIKELIHOOD, *FEEDBACK_OBJECTIVES),
    )
    beta: float = _setting(
        0.0, "dpo, ipo, kto: how near the model stays to that of init; simpo: scale; 0: 0.1, simpo 2", low=0, high=100
    )
    margin: float = _setting(0.5, "simpo: how far apart the two texts are to be", low=0, high=100)
    anchor: float = _setting(
        0.2, "feedback: what the NLL of human texts, in nats a text, counts beside; 0: nothing", low=0, high=100
    )
    robust: bool = _setting(True, "dpo: count on as many wrong preferences as the raters' disagreement suggests")
    draws: int = _setting(
        0, "feedback: texts drawn from the model of init for a source, judged by the reward; 0: the rated ones", low=0
    )
    draw_sources: int = _setting(1000, "feedback: sources that texts are drawn for, at most", low=1)
    reward: str = _setting("", "feedback: folder of the reward model that judges what is drawn")
    max_nll_rise: float = _setting(
        0.1, "feedback: nats a word that the NLL of human texts may rise by before the model counts as worse", low=0
    )
    max_gain_fall: float = _setting(0.03, "feedback: nats a word that the source gain may fall by", low=0)
    max_length_change: float = _setting(0.25, "feedback: share that texts may become longer or shorter by", low=0)
    max_flaw_rise: float = _setting(0.05, "feedback: how much the non-word rate and repetition may rise", low=0)

    budget: float = _setting(
        0.0, "limit: CPU seconds, or GPU seconds on a GPU, for which steps are planned at the start; 0: none", low=0
    )
    max_steps: int = _setting(0, "limit: steps; 0: none", low=0)
    epochs: int = _setting(0, "limit: passes over the data; 0: none", low=0)
    validate_every: int = _setting(200, "steps between two validation passes", low=1)
    valid_pairs: int = _setting(1000, "validation pairs used in a validation pass", low=1)
    patience: int = _setting(5, "validation passes without improvement before stopping early; 0: never", low=0)
    save_every: float = _setting(
        30.0,
        "seconds between two resumable checkpoints, more if saving takes over half a second; 0: every step",
        low=0,
    )

    device: str = _setting("auto", "where to compute", choices=DEVICES)
    threads: int = _setting(1, "CPU threads", low=1, high=256)

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
        if bool(self.draws) != bool(self.reward):
            raise self.refusal("draws", "texts are drawn to be judged by a reward model: set both draws and reward")
        if self.draws and (self.draws < 2 or self.objective in (LIKELIHOOD, "unlikelihood")):
            raise self.refusal("draws", "needs an objective that compares texts, and 2 or more of them a source")
        if self.hidden_size % 2:
            raise self.refusal("hidden_size", "must be even, as each direction of the encoder has half of the units")
        if self.architecture == "transformer" and self.embedding_size % self.heads:
            raise self.refusal("heads", f"must divide embedding_size={self.embedding_size}")
        if self.architecture == "gru-attention" and self.layers != 1:
            raise self.refusal("layers", "gru-attention has one layer; valid values: 1")


@dataclass(frozen=True)
class DecodingConfig(Config):
    """How texts are drawn from a model. With one engine, the same settings, checkpoints and sources give the same
    texts."""

    method: str = _setting(
        "nucleus",
        "nucleus: samples; greedy, beam: the most probable text, which for a model trained from scratch is the same "
        "sentence for most captions",
        choices=METHODS,
    )
    top_p: float = _setting(
        0.0,
        "nucleus: probability mass to sample from; 0: 0.9 for a model trained from scratch, 0.95 for a pretrained one",
        low=0,
        high=1,
    )
    temperature: float = _setting(
        0.0,
        "nucleus: below 1 sharpens, above 1 flattens; 0: 0.7 for a model trained from scratch, 1 for a pretrained one",
        low=0,
        high=100,
    )
    seed: int = _setting(1, "nucleus: seed for sampling", low=0, high=2**31)
    samples: int = _setting(
        1, "texts per source: samples with nucleus, the best hypotheses with beam", low=1, high=1000
    )
    beam: int = _setting(5, "beam: hypotheses kept in parallel", low=1, high=1000)
    groups: int = _setting(1, "diverse_beam: groups that the beam is split into", low=1, high=1000)
    diversity: float = _setting(0.5, "diverse_beam: penalty for a token that another group has chosen", low=0, high=100)
    length_penalty: float = _setting(
        1.0, "beam: log-probabilities are divided by the length to this power", low=-10, high=10
    )
    patience: float = _setting(1.0, "beam: stop once this many times the beam are finished", low=0.01, high=100)
    rerank: str = _setting(
        "none",
        "order of a source's texts: source, the closest to it in meaning first; pmi, the most specific to it first; "
        "reward:FOLDER, the one that a reward model expects raters to like best first",
        choices=RERANKING,
        before_path=REWARD,
    )
    rerank_weight: float = _setting(0.5, "pmi: penalty for texts that are probable with any source", low=0, high=10)
    keep: int = _setting(0, "how many of a source's texts are kept, from the first; 0: all", low=0, high=1000)
    no_repeat_ngram: int = _setting(
        0, "no text repeats an n-gram of this many tokens; 0: repetition allowed", low=0, high=100
    )
    min_length: int = _setting(1, "shortest output, in tokens", low=1, high=10000)
    max_length: int = _setting(80, "longest output, in tokens", low=1, high=10000)
    weights: str = _setting(
        "best", "best: weights of the best validation pass; last: weights at the end of training", choices=WEIGHTS
    )
    batch: int = _setting(256, "sequences decoded in parallel", low=1)
    engine: str = _setting(
        "auto",
        "ct2: CTranslate2; auto: CTranslate2 if it is installed and gives what torch gives",
        choices=ENGINES,
    )
    precision: str = _setting(
        "fp32",
        "bf16: matrix products in bfloat16; int8, with CTranslate2 only: in 8-bit integers",
        choices=DECODING_PRECISIONS,
    )
    device: str = _setting("auto", "where to compute", choices=DEVICES)
    threads: int = _setting(1, "CPU threads", low=1, high=256)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.temperature < 0.01:
            raise self.refusal("temperature", "must be 0, the default of the model family, or 0.01 to 100")
        if 0 < self.top_p < 1e-6:
            raise self.refusal("top_p", "must be 0, the default of the model family, or 1e-06 to 1")
        if self.method == "greedy" and self.samples > 1:
            raise self.refusal("samples", "greedy decoding gives one text per source; valid values: 1")
        if self.method in ("beam", "diverse_beam") and self.samples > self.beam:
            raise self.refusal(
                "samples",
                f"a beam of {self.beam} gives at most {self.beam} texts per source; valid values: 1 to {self.beam}",
            )
        if self.rerank != "none" and self.method == "greedy":
            raise self.refusal("rerank", "greedy decoding gives one text per source; set method to nucleus or beam")
        if self.rerank != "none" and self.samples == 1:
            raise self.refusal("rerank", "a single text cannot be reordered; set samples to 2 or more")
        if self.keep > self.samples:
            raise self.refusal("keep", f"cannot exceed samples={self.samples}; 0 keeps all")
        if self.method == "beam" and self.groups > 1:
            raise self.refusal("groups", "method=beam has one group; use method=diverse_beam for more")
        if self.beam % self.groups:
            raise self.refusal("groups", f"must divide beam={self.beam}")
        if self.precision == "int8" and self.engine == "torch":
            raise self.refusal("precision", "needs CTranslate2; valid values with engine=torch: fp32, bf16")
        if self.min_length > self.max_length:
            raise self.refusal("min_length", f"must not exceed max_length={self.max_length}")

    def for_family(self, architecture: str) -> Self:
        """With the temperature and the nucleus that models of the family are sampled with, where none are chosen. One
        trained from scratch on little data spells words that there are not when it is sampled from as it is."""
        family = architecture not in ARCHITECTURES
        return replace(self, temperature=self.temperature or TEMPERATURES[family], top_p=self.top_p or TOP_PS[family])

    @property
    def texts(self) -> int:
        """Texts that are at work side by side for each source."""
        return self.beam if self.method in ("beam", "diverse_beam") else self.samples


@dataclass(frozen=True)
class SentenceCnnConfig(Config):
    """A sentence classifier and its training. Filters, dropout, norm and batch are those of Kim 2014, section 3.1."""

    embeddings: str = _setting(
        "random", "how word embeddings are initialised and whether they are trained", choices=EMBEDDINGS
    )
    vectors: str = _setting("", "word2vec or GloVe file to initialise embeddings from; not for random ones")
    embedding_size: int = _setting(100, "size of randomly initialised embeddings", low=1)
    filters: int = _setting(100, "feature maps of each filter width", low=1)
    dropout: float = _setting(0.5, "dropout of the pooled features", low=0, high=0.95)
    max_norm: float = _setting(3.0, "largest norm of the weights of an output", low=1e-6)
    epochs: int = _setting(6, "passes over the texts", low=1)
    batch: int = _setting(50, "texts per step", low=1)
    learning_rate: float = _setting(0.002, "Adam's learning rate", low=0, high=1)
    min_count: int = _setting(2, "rarer words without a vector become the unknown word", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embeddings == "random" and self.vectors:
            others = ", ".join(EMBEDDINGS[1:])
            raise self.refusal("vectors", f"not used by random embeddings; set embeddings to {others}")
        if self.embeddings != "random" and not self.vectors:
            raise self.refusal("embeddings", "set vectors to a word2vec or GloVe file to initialise from")


@dataclass(frozen=True)
class RewardConfig(Config):
    """A reward model: what it sees of a text, and how its head is fitted. With the same settings, feedback and machine
    it is the same."""

    encoder: str = _setting("", "folder of a sentence encoder; empty: the packaged MiniLM")
    states: str = _setting("", "checkpoint whose decoder states are used in place of a sentence encoder's vectors")
    l2: float = _setting(
        0.0, "penalty: half of it times the squared weights; 0: chosen by cross-validation", low=0, high=1e9
    )
    folds: int = _setting(5, "parts that sources are divided into, to fit on the others", low=2, high=50)
    seed: int = _setting(1, "seed for the folds, the groups of raters and the intervals", low=0, high=2**31)
    device: str = _setting("auto", "where to compute", choices=DEVICES)
    threads: int = _setting(1, "CPU threads", low=1, high=256)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder and self.states:
            raise self.refusal("states", "not used together with encoder; set one of them")


def preset_names() -> list[str]:
    """Those without an argument. Besides, `hf:PATH` is the preset of the encoder-decoder in a folder, and `lm:PATH`
    that of the decoder-only model in a folder or a GGUF file."""
    return sorted(path.stem for path in PRESETS.glob("*.toml") if path.stem not in BEGINS_PRETRAINED)


def load_preset(name: str, overrides: Sequence[str] = (), *, on_gpu: bool = False) -> TrainingConfig:
    """The named preset with `key=value` overrides; a limit among them replaces all limits of the preset. With `on_gpu`
    its table `gpu` is a part of it: batches that are worth a GPU's while. Where nothing else is asked for, feedback is
    learned from at a tenth of the preset's learning rate: the model is there already, and is to stay near itself.

    Raises ConfigError, listing what is valid.
    """
    preset = _read_preset(name)
    preset.pop("data", None)
    for_gpu = preset.pop("gpu", {})
    if on_gpu:
        preset |= for_gpu
    asked = {override.partition("=")[0].strip() for override in overrides}
    if asked & set(LIMITS):
        preset = {key: value for key, value in preset.items() if key not in LIMITS}
    config = TrainingConfig.from_overrides(overrides, base=preset)
    if config.learns_from_feedback and "learning_rate" not in asked:
        config = replace(config, learning_rate=FEEDBACK_RATE * config.learning_rate)
    return config


def preset_data(name: str) -> dict[str, str]:
    """What the preset says of the data to train on, such as how captions and sentences are paired."""
    data: dict[str, str] = _read_preset(name).get("data", {})
    return data


def _read_preset(name: str) -> dict[str, Any]:
    stem, _, path = name.partition(":")
    if stem in BEGINS_PRETRAINED and path:
        return {**_read_toml(stem), "model_path": path}
    if name not in preset_names():
        valid = [*preset_names(), *(f"{each}:PATH" for each in BEGINS_PRETRAINED)]
        raise ConfigError(f"unknown preset {name!r}; valid presets: {', '.join(valid)}")
    return _read_toml(name)


def _read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((PRESETS / f"{name}.toml").read_text(encoding="utf-8"))


def _checked(setting: Field[Any], value: object) -> bool | int | float | str:
    """`value` as the type of the setting's default, read from a string where it is one."""
    choices, low, high, prefix = (setting.metadata[key] for key in ("choices", "low", "high", "before_path"))
    kind = type(setting.default)
    wanted = (
        " or ".join([*choices, *([f"{prefix}FOLDER"] if prefix else [])])
        if choices
        else "true or false"
        if kind is bool
        else f"{'a whole number' if kind is int else 'a number'}"
        + (f" from {low:g}" if low is not None else "")
        + (f" to {high:g}" if high is not None else "")
    )
    parsed = _parsed(kind, value)
    with_path = bool(prefix) and str(parsed).startswith(prefix) and parsed != prefix
    refused = parsed is None or (choices and parsed not in choices and not with_path)
    if not refused and isinstance(parsed, int | float) and not isinstance(parsed, bool):
        refused = (
            not math.isfinite(parsed) or (low is not None and parsed < low) or (high is not None and parsed > high)
        )
    if refused or parsed is None:
        raise ConfigError(f"must be {wanted} ({setting.metadata['help']})", setting.name, value)
    return parsed


def _parsed(kind: type, value: object) -> bool | int | float | str | None:
    """`value` as `kind`, or None where it is not one. A whole number is a float too; a boolean is no number."""
    if kind is bool:
        return {"true": True, "false": False}.get(str(value).lower())
    if kind is str:
        return str(value) if isinstance(value, str) or type(value) is int else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if kind is int:
            return int(value) if not isinstance(value, float) or value.is_integer() else None
        return float(value)
    except ValueError:
        return None
