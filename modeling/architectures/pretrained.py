"""Any encoder-decoder of the transformers library behind our interface: the library computes, with its own cache; the
ids are ours on this side (see `modeling.pretrained`).

The library's logits serve as features, since models differ in what they do between their last layer and those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForSeq2SeqLM, DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.bases import check_weights
from modeling.batching import Batch
from modeling.config import TrainingConfig
from modeling.errors import ConfigError
from modeling.lora import Adaptable
from modeling.pretrained import PretrainedTokenizer
from modeling.tokenization import PAD, Tokenizer

DROPOUTS = ("dropout", "dropout_rate")  # what the library's configurations call it
IMPOSSIBLE = -1e9  # a logit in both precisions


@dataclass(frozen=True)
class PretrainedMemory(Memory):
    """states (B, S, E): the encoder's."""

    states: Tensor


class PretrainedState(State):
    """The library's cache for B · K texts, and what they attend to: the memory with each source's rows K times."""

    def __init__(self, memory: PretrainedMemory, texts: int) -> None:
        self.texts = texts
        self.memory = memory.map(lambda tensor: tensor.repeat_interleave(texts, dim=0))
        self.cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def reorder(self, parents: Tensor) -> None:
        first = self.texts * torch.arange(len(parents), device=parents.device)
        rows = (first[:, None] + parents).flatten()
        self.cache.reorder_cache(rows)
        if parents.shape[1] != self.texts:
            self.memory, self.texts = self.memory.map(lambda tensor: tensor[rows]), parents.shape[1]

    def keep(self, sources: Tensor) -> None:
        rows = (self.texts * sources[:, None] + torch.arange(self.texts, device=sources.device)).flatten()
        self.cache.reorder_cache(rows)
        self.memory = self.memory.map(lambda tensor: tensor[rows])


class Pretrained(Adaptable, EncoderDecoder[PretrainedMemory, PretrainedState]):
    """The model that the tokenizer's description tells of, of random weights until others are loaded."""

    ids: Tensor
    impossible: Tensor

    def __init__(self, config: TrainingConfig, tokenizer: Tokenizer) -> None:
        super().__init__(config, len(tokenizer))
        if not isinstance(tokenizer, PretrainedTokenizer):
            raise TypeError(f"a pretrained model needs its own tokenizer, not a {type(tokenizer).__name__}")
        described = dict(tokenizer.library_config)
        described |= {name: config.dropout for name in DROPOUTS if name in described}
        described.pop("dtype", None)
        library_config = AutoConfig.for_model(**described)
        self.model: Any = AutoModelForSeq2SeqLM.from_config(library_config, dtype=torch.float32)
        ids = torch.tensor(tokenizer.library_ids)
        self.register_buffer("ids", ids, persistent=False)
        impossible = torch.zeros(len(ids))
        impossible[tokenizer.silent] = IMPOSSIBLE
        self.register_buffer("impossible", impossible, persistent=False)
        self.base = tokenizer.base
        self.adapt(config, without=self.model.get_output_embeddings())
        kept: dict[Tensor, str] = {}
        self.aliases = {  # names of tied parameters, each with the one it is saved under
            name: first
            for name, parameter in self.named_parameters(remove_duplicate=False)
            if (first := kept.setdefault(parameter, name)) != name
        }

    def begin_from(self, base: Path) -> None:
        """Take the weights of the library's folder. Raises ConfigError where they are not there as safetensors, and
        CheckpointError where adapters belong to others."""
        if self.frozen:
            check_weights(base, self.base)
        try:
            found = AutoModelForSeq2SeqLM.from_pretrained(
                base, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"model_path={base}: its weights must be in model.safetensors ({reason})") from error
        self.take({f"model.{name}": tensor for name, tensor in found.state_dict().items()})

    def state_dict(self, *args: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """Tied parameters once, as safetensors wants them."""
        found = super().state_dict(*args, **options)
        return {name: tensor for name, tensor in found.items() if name not in self.aliases}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        tied = {name: state_dict[first] for name, first in self.aliases.items() if first in state_dict}
        return super().load_state_dict({**state_dict, **tied}, strict, assign)

    def encode(self, source: Tensor, lengths: Tensor) -> PretrainedMemory:
        mask = source != PAD
        encoder = self.model.get_encoder()
        states = encoder(input_ids=self.ids[source], attention_mask=mask.long()).last_hidden_state
        return PretrainedMemory(mask, states)

    def token_losses(self, batch: Batch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """As of every model. Logits are computed at real target tokens alone: the output layer is handed those."""
        memory = self.encode(batch.source, batch.source_lengths)
        rows, positions = batch.rows, batch.positions
        chosen = self.model.get_output_embeddings().register_forward_pre_hook(
            lambda _, features: (features[0][rows, positions][None],)
        )
        with chosen:
            logits = self.logits(self._run(batch.inputs, memory).logits[0])
        return F.cross_entropy(logits.float(), batch.targets[rows, positions], reduction="none"), rows

    def hidden(self, inputs: Tensor, memory: PretrainedMemory) -> Tensor:
        logits: Tensor = self._run(inputs, memory).logits
        return logits

    def start(self, memory: PretrainedMemory, texts: int) -> PretrainedState:
        return PretrainedState(memory, texts)

    def step(self, tokens: Tensor, state: PretrainedState, memory: PretrainedMemory) -> Tensor:
        output = self._run(tokens.reshape(-1, 1), state.memory, past_key_values=state.cache, use_cache=True)
        return output.logits.view(*tokens.shape, -1)

    def attention(self, inputs: Tensor, memory: PretrainedMemory) -> Tensor:
        """Of all layers' heads, layer by layer. The library's quick attention keeps no weights, so it is set aside."""
        before = self.model.config._attn_implementation
        self.model.set_attn_implementation("eager")
        layers = self._run(inputs, memory, output_attentions=True).cross_attentions
        self.model.set_attn_implementation(before)
        return torch.cat(layers, dim=1)

    def attention_layers(self, config: TrainingConfig) -> int:
        settings = self.model.config
        names = ("decoder_layers", "num_decoder_layers", "num_hidden_layers")
        return next(int(found) for name in names if (found := getattr(settings, name, None)))

    def logits(self, features: Tensor) -> Tensor:
        return features[..., self.ids] + self.impossible

    def _run(self, inputs: Tensor, memory: PretrainedMemory, **options: Any) -> Any:
        return self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=memory.states),
            attention_mask=memory.mask.long(),
            decoder_input_ids=self.ids[inputs],
            **{"use_cache": False, **options},
        )
