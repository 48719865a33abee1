"""Search for texts under a model, K of them side by side for each of B sources: greedy, nucleus, beam, diverse beam.

The encoded sources are never repeated for their texts, and sources whose texts are finished leave the batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modeling.architectures import Memory, Model
from modeling.config import DecodingConfig
from modeling.marks import BEGIN, END, NEVER_WRITTEN, PAD

COMPACT = 0.75  # a batch is made smaller once no more than this share of it goes on
NOTHING = float("-inf")
BLOCK = 64  # of the candidates that `top_candidates` looks at in two stages
FEW, SHARE, MORE = 64, 256, 8  # a nucleus is first looked for among V / 256 tokens, 64 at least, then 8 times as many
ROWS = (
    64  # texts on a CPU whose next tokens are chosen together: large enough to multiply fast, small enough for caches
)
STEPS_UNWATCHED = 8  # on a GPU, where to ask which texts have ended is to wait for it


@dataclass(frozen=True)
class Text:
    """Token ids without the end, the log-probability in nats of all of them and the end, and what it is ranked by."""

    tokens: list[int]
    logprob: float
    score: float


def search(model: Model, memory: Memory, names: Sequence[str], config: DecodingConfig) -> list[list[Text]]:
    """The texts of each source, the best first. `names` seed what is drawn for each source."""
    if config.method in ("beam", "diverse_beam"):
        return beam_search(model, memory, config)
    pick = greedy_pick if config.method == "greedy" else nucleus(names, config, memory.mask.device)
    return step_by_step(model, memory, pick, config)


Pick = Callable[[Tensor, Tensor, int], Tensor]


def step_by_step(model: Model, memory: Memory, pick: Pick, config: DecodingConfig) -> list[list[Text]]:
    """One token after the other, each picked from its distribution: `pick(log-probabilities (b, K, V), sources (b),
    position)` → tokens (b, K), b of the B sources being at work."""
    count, texts, device = len(memory.mask), config.samples, memory.mask.device
    state = model.start(memory, texts)
    written = torch.full((count, texts, config.max_length), PAD, device=device)
    logprobs = torch.zeros(count, texts, dtype=torch.float64, device=device)
    sources = torch.arange(count, device=device)
    tokens = torch.full((count, texts), BEGIN, device=device)
    ended = torch.zeros(count, texts, dtype=torch.bool, device=device)
    for position in range(config.max_length):
        features, before = model.step(tokens, state, memory), written[sources, :, :position]
        picked = []
        for part in _parts(len(sources), texts, device):
            log_probs = _log_probs(model, features[part])
            forbid(log_probs, before[part], config)
            chosen = pick(log_probs, sources[part], position).masked_fill(ended[part], PAD)
            picked.append((chosen, log_probs.gather(2, chosen[..., None])[..., 0].double()))
        tokens, gained = (torch.cat(each) for each in zip(*picked, strict=True))
        logprobs[sources] += gained.masked_fill(ended, 0.0)
        written[sources, :, position] = tokens
        ended = ended | (tokens == END)
        if not _watched(position, device):
            continue
        going_on = (~ended.all(dim=1)).nonzero()[:, 0]
        if not len(going_on):
            break
        if len(going_on) <= COMPACT * len(sources):
            sources, tokens, ended = sources[going_on], tokens[going_on], ended[going_on]
            memory = memory.map(lambda tensor, kept=going_on: tensor[kept])  # type: ignore[misc]
            state.keep(going_on)
    found = []
    for rows, values in zip(written.tolist(), logprobs.tolist(), strict=True):
        each = [Text(_before_end(row), value, value) for row, value in zip(rows, values, strict=True)]
        found.append(sorted(each, key=lambda text: -text.score))
    return found


def _parts(sources: int, texts: int, device: torch.device) -> list[slice]:
    """Sources whose next tokens are chosen together."""
    size = max(1, ROWS // texts) if _at_hand(device) else sources
    return [slice(start, start + size) for start in range(0, sources, size)]


def _log_probs(model: Model, features: Tensor) -> Tensor:
    """Of the next token behind features (B, K, F), in float32: (B, K, V)."""
    return model.logits(features).log_softmax(dim=-1, dtype=torch.float32)


def _at_hand(device: torch.device) -> bool:
    """Whether values can be looked at as soon as they are computed; a GPU would have to be waited for."""
    return device.type == "cpu"


def _watched(position: int, device: torch.device) -> bool:
    """Whether to look, after this step, which texts have ended."""
    return _at_hand(device) or (position + 1) % STEPS_UNWATCHED == 0


def greedy_pick(log_probs: Tensor, sources: Tensor, position: int) -> Tensor:
    return top_candidates(log_probs.flatten(0, 1), 1)[1].view(log_probs.shape[:2])


def nucleus(names: Sequence[str], config: DecodingConfig, device: torch.device) -> Pick:
    """Raises ValueError for what `DecodingConfig.for_family` has yet to choose."""
    for name in ("temperature", "top_p"):
        if not getattr(config, name):
            raise ValueError(f"{name}=0: resolve the default of the model family first, with DecodingConfig.for_family")
    draws = uniform_draws(names, config, device)

    def pick(log_probs: Tensor, sources: Tensor, position: int) -> Tensor:
        flat = log_probs.flatten(0, 1)
        if config.temperature != 1:
            flat = flat / config.temperature
        return nucleus_pick(flat, config.top_p, draws[sources, :, position].flatten()).view(log_probs.shape[:2])

    return pick


def nucleus_pick(logits: Tensor, top_p: float, draws: Tensor) -> Tensor:
    """Draw from the smallest set of tokens whose probability reaches `top_p`: logits (N, V), draws (N) in [0, 1) → (N).

    The draw is inverted through the cumulative probability of the tokens, likeliest first (Holtzman et al. 2020), of
    equal ones the first of the vocabulary. On a CPU only as many tokens are sorted as hold a row's nucleus; a GPU sorts
    all sooner than it would say how many those are.
    """
    totals, size = logits.logsumexp(dim=-1, keepdim=True), logits.shape[1]
    return _nucleus_pick(logits, totals, draws, top_p, max(FEW, size // SHARE) if _at_hand(logits.device) else size)


def _nucleus_pick(logits: Tensor, totals: Tensor, draws: Tensor, top_p: float, wanted: int) -> Tensor:
    whole = wanted >= logits.shape[1]
    if whole:
        values, order = logits.sort(dim=-1, descending=True, stable=True)
    else:
        order = _largest(logits, wanted).sort(dim=-1).values
        values, places = logits.gather(1, order).sort(dim=-1, descending=True, stable=True)
        order = order.gather(1, places)
    probabilities = (values - totals).double().exp()
    cumulative = probabilities.cumsum(dim=-1)
    last = (cumulative - probabilities < top_p).sum(dim=-1, keepdim=True) - 1
    mass = cumulative.gather(1, last)
    if top_p == 1 and not whole:
        mass = torch.ones_like(mass)
    places = torch.minimum((cumulative <= draws[:, None] * mass).sum(dim=-1, keepdim=True), last)
    picked = order.gather(1, places)[:, 0]
    if whole:
        return picked
    # Ties with the last one may have been left out, so only what is above it counts; of all, only what is drawn.
    certain = cumulative.masked_fill(values == values[:, -1:], 0.0).amax(dim=-1)
    open_rows = (certain <= draws if top_p == 1 else certain < top_p).nonzero()[:, 0]
    if len(open_rows):
        picked[open_rows] = _nucleus_pick(logits[open_rows], totals[open_rows], draws[open_rows], top_p, wanted * MORE)
    return picked


def _largest(values: Tensor, wanted: int) -> Tensor:
    """Where the `wanted` largest of each row (N, V) are, in no order: (N, wanted). numpy takes a quarter of the time of
    torch's topk for it."""
    smaller = values.shape[1] - wanted
    return torch.from_numpy(np.argpartition(values.numpy(), smaller, axis=1)[:, smaller:])


def uniform_draws(names: Sequence[str], config: DecodingConfig, device: torch.device) -> Tensor:
    """(B, K, max_length) in [0, 1), each row a function of (seed, source's name, number of the text)."""
    rows = []
    for name in names:
        for sample in range(config.samples):
            digest = hashlib.sha256(f"{config.seed}\0{name}\0{sample}".encode()).digest()
            rows.append(np.random.default_rng(list(digest)).random(config.max_length))
    return torch.from_numpy(np.stack(rows)).view(len(names), config.samples, -1).to(device)


def beam_search(model: Model, memory: Memory, config: DecodingConfig) -> list[list[Text]]:
    """Beam search of width K = G groups of K / G texts, each ranked by log-probability / tokens^length_penalty.

    A text that ends among the K / G best of its group is finished; a group stops once `patience` times its width are
    (Kasai et al. 2022; 1 is the usual rule). With more than one group, a token costs `diversity` for each text of an
    earlier group that has just taken it (Vijayakumar et al. 2018, Hamming diversity), while groups are compared and
    reported by the model's own log-probability.
    """
    count, groups, device = len(memory.mask), config.groups, memory.mask.device
    width = config.beam // groups
    enough = max(1, round(width * config.patience))
    state = model.start(memory, 1)  # all texts begin alike
    sources = torch.arange(count, device=device)
    tokens = torch.full((count, 1), BEGIN, device=device)
    totals = torch.full((count, groups, width), NOTHING, device=device)
    totals[:, :, 0] = 0.0
    written = torch.full((count, config.beam, config.max_length), PAD, device=device)
    finished = _Finished(count, groups, width, enough, config.max_length, device)
    for position in range(config.max_length):
        log_probs = _log_probs(model, model.step(tokens, state, memory))
        forbid(log_probs, written[:, :, :position], config)
        vocabulary = log_probs.shape[-1]
        if position == 0:
            candidates = log_probs[:, None] + totals[..., None]
        else:
            candidates = log_probs.view(len(sources), groups, width, vocabulary)
            candidates += totals[..., None]
        best, places = _best_of_groups(candidates, config.diversity)
        parents = places.div(vocabulary, rounding_mode="floor") + width * torch.arange(groups, device=device)[:, None]
        if position == 0:
            parents.zero_()
        words = places % vocabulary
        ended = (words == END) | (position + 1 == config.max_length)
        finished.add(sources, written, position, best, parents, words, ended, config.length_penalty)
        totals, chosen = best.masked_fill(ended, NOTHING).topk(width, dim=-1)
        parents, tokens = parents.gather(2, chosen).flatten(1), words.gather(2, chosen).flatten(1)
        written = written.gather(1, parents[..., None].expand_as(written))
        written[:, :, position] = tokens
        if position + 1 == config.max_length:
            break
        state.reorder(parents)
        if not _watched(position, device):
            continue
        going_on = (finished.counts[sources] < enough).any(dim=1).nonzero()[:, 0]
        if not len(going_on):
            break
        if len(going_on) <= COMPACT * len(sources):
            sources, tokens, totals, written = (each[going_on] for each in (sources, tokens, totals, written))
            memory = memory.map(lambda tensor, kept=going_on: tensor[kept])  # type: ignore[misc]
            state.keep(going_on)
    return finished.texts(config.samples)


class _Finished:
    """The K / G best finished texts of each source's G groups, and how many have finished in all.

    A group of which `enough` have finished takes in no more, however long its source stays in the batch.
    """

    def __init__(self, count: int, groups: int, width: int, enough: int, longest: int, device: torch.device) -> None:
        self.width, self.enough = width, enough
        self.counts = torch.zeros(count, groups, dtype=torch.long, device=device)
        self.scores = torch.full((count, groups, width), NOTHING, device=device)
        self.logprobs = torch.full((count, groups, width), NOTHING, device=device)
        self.written = torch.full((count, groups, width, longest), PAD, device=device)

    def add(
        self,
        sources: Tensor,
        written: Tensor,
        position: int,
        best: Tensor,
        parents: Tensor,
        words: Tensor,
        ended: Tensor,
        length_penalty: float,
    ) -> None:
        """Take in what ended among the first `width` candidates; best, parents, words and ended are (b, G, ≥ width)."""
        best, parents, words, ended = (each[..., : self.width] for each in (best, parents, words, ended))
        ended = ended & (best > NOTHING) & (self.counts[sources] < self.enough)[..., None]
        places = sources
        if _at_hand(ended.device):
            rows = ended.flatten(1).any(dim=1).nonzero()[:, 0]
            if not len(rows):
                return
            places, written = sources[rows], written[rows]
            best, parents, words, ended = best[rows], parents[rows], words[rows], ended[rows]
        new = written.gather(1, parents.flatten(1)[..., None].expand(-1, -1, written.shape[-1]))
        new = new.view(*parents.shape, -1)
        new[..., position] = words
        scores = (best / (position + 1) ** length_penalty).masked_fill(~ended, NOTHING)
        self.scores[places], chosen = torch.cat([self.scores[places], scores], dim=2).topk(self.width, dim=2)
        self.logprobs[places] = torch.cat([self.logprobs[places], best], dim=2).gather(2, chosen)
        both = torch.cat([self.written[places], new], dim=2)
        self.written[places] = both.gather(2, chosen[..., None].expand(*chosen.shape, both.shape[-1]))
        self.counts[places] += ended.sum(dim=2)

    def texts(self, most: int) -> list[list[Text]]:
        found = []
        flat = (self.scores.flatten(1).tolist(), self.logprobs.flatten(1).tolist(), self.written.flatten(1, 2).tolist())
        for scores, logprobs, rows in zip(*flat, strict=True):
            each = [
                Text(_before_end(row), logprob, score)
                for score, logprob, row in zip(scores, logprobs, rows, strict=True)
                if score > NOTHING
            ]
            found.append(sorted(each, key=lambda text: -text.score)[:most])
        return found


def _best_of_groups(candidates: Tensor, diversity: float) -> tuple[Tensor, Tensor]:
    """The 2 · K / G best of each group's candidates (b, G, K / G, V): log-probabilities and places in (K / G · V).

    So many, since half of them may be ends, of which none goes on.
    """
    rows, groups, width, vocabulary = candidates.shape
    flat = candidates.reshape(rows, groups, width * vocabulary)
    wanted = min(2 * width, width * vocabulary)
    if groups == 1:
        best, places = top_candidates(flat[:, 0], wanted)
        return best[:, None], places[:, None]
    found = []
    taken = torch.zeros(rows, vocabulary, device=candidates.device)
    for group in range(groups):
        penalised = (candidates[:, group] - diversity * taken[:, None]).flatten(1)
        _, places = top_candidates(penalised, wanted)
        found.append((flat[:, group].gather(1, places), places))
        words = places[:, :width] % vocabulary
        taken.scatter_add_(1, words, torch.ones_like(words, dtype=taken.dtype))
    best, places = (torch.stack(each, dim=1) for each in zip(*found, strict=True))
    return best, places


def top_candidates(values: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """`values.topk(wanted)` of rows (b, N), in two stages: the best values lie in the blocks of the best maxima."""
    rows, count = values.shape
    whole = count // BLOCK
    if whole <= 2 * wanted:
        return values.topk(wanted, dim=1)
    blocks = values[:, : whole * BLOCK].view(rows, whole, BLOCK)
    _, chosen = blocks.amax(dim=2).topk(wanted, dim=1)
    places = (chosen[..., None] * BLOCK + torch.arange(BLOCK, device=values.device)).flatten(1)
    rest = torch.arange(whole * BLOCK, count, device=values.device).expand(rows, -1)
    places = torch.cat([places, rest], dim=1)
    best, which = values.gather(1, places).topk(wanted, dim=1)
    return best, places.gather(1, which)


def forbid(log_probs: Tensor, written: Tensor, config: DecodingConfig) -> None:
    """Make impossible what may not come next: log_probs (b, K, V) are changed, written (b, K, position) is so far."""
    position = written.shape[2]
    for token in NEVER_WRITTEN:
        log_probs[..., token] = NOTHING
    if position < config.min_length:
        log_probs[..., END] = NOTHING
    size = config.no_repeat_ngram
    if size and position >= size:
        windows = written.unfold(2, size, 1)
        repeats = (windows[..., :-1] == written[..., None, position - size + 1 :]).all(dim=-1)
        log_probs.scatter_(2, windows[..., -1].masked_fill(~repeats, PAD), NOTHING)


def _before_end(row: list[Any]) -> list[int]:
    return row[: row.index(END)] if END in row else [token for token in row if token != PAD]
