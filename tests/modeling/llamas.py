"""Tiny decoder-only models of the transformers library, of random weights, with a byte-level tokenizer."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.modeling.corpora import NOUNS, PLACES

SPECIAL = [f"<|{name}|>" for name in ("end", "start", "a", "b", "c", "d", "e")]
# CTranslate2's int8 is less exact on a processor without AVX-512: measured 0.48 of the same tokens, with it over 0.9.
WHOLE_NUMBERS = torch.cpu.get_capabilities().get("avx512_f") is not False
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, {"tie_word_embeddings": True}),
    "mistral": (MistralConfig, MistralForCausalLM, {"tie_word_embeddings": False, "sliding_window": None}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {"tie_word_embeddings": True}),
}


def write_llama(folder: Path, kind: str = "llama", **settings: Any) -> Path:
    """A folder of the library's. Three query heads share each of two keys."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = [f"Photo: a {noun} is at the {place} We loved the {noun} so much" for noun in NOUNS for place in PLACES]
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL[0], bos_token=SPECIAL[1]).save_pretrained(
        folder
    )
    config_class, model_class, chosen = KINDS[kind]
    torch.manual_seed(1)
    config = config_class(
        vocab_size=tokenizer.get_vocab_size() + 5,  # rows for no token, as many models have
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
        intermediate_size=64,
        eos_token_id=0,
        bos_token_id=1,
        **{"initializer_range": 0.2, **chosen, **settings},
    )
    model_class(config).save_pretrained(folder)
    return folder
