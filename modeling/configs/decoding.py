"""Settings of a decoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from modeling.configs.settings import DEVICES, Config, setting
from modeling.configs.training import ARCHITECTURES

WEIGHTS = ("best", "last")
ENGINES = ("auto", "torch", "ct2")
DECODING_PRECISIONS = ("fp32", "bf16", "int8")
METHODS = ("nucleus", "greedy", "beam", "diverse_beam")
RERANKING = ("none", "source", "pmi")
REWARD = "reward:"  # and the folder of a reward model: a reranking
# Of models trained from scratch, of pretrained ones, where none is chosen.
TEMPERATURES, TOP_PS = (0.7, 1.0), (0.9, 0.95)


@dataclass(frozen=True)
class DecodingConfig(Config):
    """How texts are drawn from a model. With one engine, the same settings, checkpoints and sources give the same
    texts."""

    method: str = setting(
        "nucleus",
        "nucleus: samples; greedy, beam: the most probable text, which for a model trained from scratch is the same "
        "sentence for most captions",
        choices=METHODS,
    )
    top_p: float = setting(
        0.0,
        "nucleus: probability mass to sample from; 0: 0.9 for a model trained from scratch, 0.95 for a pretrained one",
        low=0,
        high=1,
    )
    temperature: float = setting(
        0.0,
        "nucleus: below 1 sharpens, above 1 flattens; 0: 0.7 for a model trained from scratch, 1 for a pretrained one",
        low=0,
        high=100,
    )
    seed: int = setting(1, "nucleus: seed for sampling", low=0, high=2**31)
    samples: int = setting(1, "texts per source: samples with nucleus, the best hypotheses with beam", low=1, high=1000)
    beam: int = setting(5, "beam: hypotheses kept in parallel", low=1, high=1000)
    groups: int = setting(1, "diverse_beam: groups that the beam is split into", low=1, high=1000)
    diversity: float = setting(0.5, "diverse_beam: penalty for a token that another group has chosen", low=0, high=100)
    length_penalty: float = setting(
        1.0, "beam: log-probabilities are divided by the length to this power", low=-10, high=10
    )
    patience: float = setting(1.0, "beam: stop once this many times the beam are finished", low=0.01, high=100)
    rerank: str = setting(
        "none",
        "order of a source's texts: source, the closest to it in meaning first; pmi, the most specific to it first; "
        "reward:FOLDER, the one that a reward model expects raters to like best first",
        choices=RERANKING,
        before_path=REWARD,
    )
    rerank_weight: float = setting(0.5, "pmi: penalty for texts that are probable with any source", low=0, high=10)
    keep: int = setting(0, "how many of a source's texts are kept, from the first; 0: all", low=0, high=1000)
    no_repeat_ngram: int = setting(
        0, "no text repeats an n-gram of this many tokens; 0: repetition allowed", low=0, high=100
    )
    min_length: int = setting(1, "shortest output, in tokens", low=1, high=10000)
    max_length: int = setting(80, "longest output, in tokens", low=1, high=10000)
    weights: str = setting(
        "best", "best: weights of the best validation pass; last: weights at the end of training", choices=WEIGHTS
    )
    batch: int = setting(256, "sequences decoded in parallel", low=1)
    engine: str = setting(
        "auto",
        "ct2: CTranslate2; auto: CTranslate2 if it is installed and gives what torch gives",
        choices=ENGINES,
    )
    precision: str = setting(
        "fp32",
        "bf16: matrix products in bfloat16; int8, with CTranslate2 only: in 8-bit integers",
        choices=DECODING_PRECISIONS,
    )
    device: str = setting("auto", "where to compute", choices=DEVICES)
    threads: int = setting(1, "CPU threads", low=1, high=256)

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
