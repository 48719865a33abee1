"""A decoder-only model of the Llama kind as it stands on disk: a folder of the transformers library, or a GGUF file.

Nothing is downloaded, unpickled or run from there. What is read comes as our model has it: matrices of one layer that
are multiplied with the same thing are one, and embeddings stand in the order of our ids.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from modeling.bases import LLAMA_LIKE, check_weights, read_base, read_json, sha256_of, weights_bytes, weights_sha256
from modeling.causal_tokens import CausalTokenizer, first_ids
from modeling.errors import ConfigError
from modeling.locks import file_lock
from modeling.model_files import GGUF, check_model_files, check_shape
from modeling.tokenization import Normalisation

CONVERTED, MADE_FROM = "converted", "made_from.json"
CONVERSION_SECONDS = 60.0  # that another process which makes it is waited for
LIBRARY_ERRORS = (  # of files that are not what they should be
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(ImportError, RuntimeError, MemoryError, struct.error, SafetensorError),
)
BIASED = ("qwen2",)  # those whose queries, keys and values have biases without saying so

# Our matrices, and those of the library that each is made of.
JOINED = {
    "query_key_value": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "output": ("self_attn.o_proj",),
    "gate_input": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}


def read_tokenizer(path: Path, normalisation: Normalisation) -> CausalTokenizer:
    """The tokenizer of the model at `path`, with its shape and the hash of its weights.

    Raises ConfigError, naming the path, where there is no model of a known kind.
    """
    from transformers import AutoTokenizer

    where, source = f"model_path={path}", readable(path)
    config = library_config(source)
    with quiet(where):
        tokenizer = AutoTokenizer.from_pretrained(**located(source), trust_remote_code=False)
    if not tokenizer.is_fast or tokenizer.eos_token_id is None:
        raise ConfigError(f"{where}: needs a tokenizer.json with an end-of-text token")
    library = tokenizer.backend_tokenizer
    if (highest := max(library.get_vocab(with_added_tokens=True).values())) >= config.vocab_size:
        raise ConfigError(
            f"{where}: its tokenizer has a token id {highest}, but the model has only {config.vocab_size} embeddings"
        )
    prefix = [each for each in library.encode("", add_special_tokens=True).ids if each != tokenizer.eos_token_id]
    description = {
        "base": weights_sha256(path),
        "shape": shape_of(config),
        "first": first_ids(library, end=tokenizer.eos_token_id, prefix=prefix, where=where),
        "prefix": prefix,
    }
    return CausalTokenizer(library.to_str().encode(), normalisation, description=json.dumps(description).encode())


def read_weights(path: Path, tokenizer: CausalTokenizer) -> dict[str, Tensor]:
    """The weights at `path`, under the names of `modeling.architectures.causal_lm`, float32.

    Raises CheckpointError where they are not those that the tokenizer's description was made from.
    """
    from transformers import AutoModelForCausalLM

    check_weights(path, tokenizer.base)
    with quiet(f"model_path={path}"):
        model = AutoModelForCausalLM.from_pretrained(
            **located(readable(path)), trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
    return from_library(model.state_dict(), tokenizer)


def from_library(tensors: dict[str, Tensor], tokenizer: CausalTokenizer) -> dict[str, Tensor]:
    """The library's tensors of a Llama-like model as ours."""
    order = torch.from_numpy(tokenizer.library_ids)
    found = {
        "embedding.weight": tensors["model.embed_tokens.weight"][order],
        "norm.weight": tensors["model.norm.weight"],
    }
    if not tokenizer.shape["tied"]:
        found["projection.weight"] = tensors["lm_head.weight"][order]
    for number in range(tokenizer.shape["layers"]):
        theirs, ours = f"model.layers.{number}", f"layers.{number}"
        found[f"{ours}.attention_norm.weight"] = tensors[f"{theirs}.input_layernorm.weight"]
        found[f"{ours}.forward_norm.weight"] = tensors[f"{theirs}.post_attention_layernorm.weight"]
        for kind in ("weight", "bias"):
            for name, parts in JOINED.items():
                joined = [tensors[each] for part in parts if (each := f"{theirs}.{part}.{kind}") in tensors]
                if joined:
                    found[f"{ours}.{name}.{kind}"] = torch.cat(joined)
    return found


def readable(path: Path) -> Path:
    """What is read for the model at `path`: itself, or, of a GGUF file that was fetched, the folder that was made of it
    at the first reading, since that takes a tenth of the time to read.

    It is made anew where it was made of another file or is not whole, and done without where it cannot be written, or
    where another process that makes it does not come to an end.
    """
    if path.suffix != GGUF or read_base(path.parent) is None:
        return path
    folder, made_from = path.parent / CONVERTED, sha256_of(path)
    if is_made_from(folder, made_from):
        return folder
    try:
        with file_lock(path.parent / f".{CONVERTED}.lock", seconds=CONVERSION_SECONDS):
            if not is_made_from(folder, made_from):
                convert(path, folder, made_from)
    except OSError:
        return path
    return folder


def is_made_from(folder: Path, gguf_sha256: str) -> bool:
    """Whether the folder is whole, and of that file."""
    try:
        said = read_json(folder / MADE_FROM)
        return bool(said["gguf"] == gguf_sha256 and said["files"] == hashes_of(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def hashes_of(folder: Path) -> dict[str, str]:
    return {file.name: sha256_of(file) for file in sorted(folder.iterdir()) if file.name != MADE_FROM}


def convert(gguf: Path, folder: Path, gguf_sha256: str) -> None:
    """Write a GGUF file as a folder of the transformers library: under another name first, so that it is whole or
    absent. What a killed process left is removed. Raises OSError where it cannot be written."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    with quiet(str(gguf)):
        check_model_files(gguf)
        model = AutoModelForCausalLM.from_pretrained(**located(gguf), trust_remote_code=False, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**located(gguf), trust_remote_code=False)
    del model.config.quantization_config  # the library would not save what it has read from a quantized file
    model.hf_quantizer = None
    with unseen():
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
    said = {"gguf": gguf_sha256, "files": hashes_of(draft)}
    (draft / MADE_FROM).write_text(json.dumps(said), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def library_config(path: Path) -> Any:
    """The library's configuration of the model at `path`. Raises ConfigError unless it is of a known kind."""
    from transformers import AutoConfig

    where = f"model_path={path}"
    if not (path.is_file() and path.suffix == GGUF) and not (path / "config.json").is_file():
        raise ConfigError(f"{where}: must be a GGUF file, or a folder with the config.json of a decoder-only model")
    with quiet(where):
        check_model_files(path)
        config = AutoConfig.from_pretrained(**located(path), trust_remote_code=False)
        check_shape(config, weights_bytes(path))
    if config.model_type not in LLAMA_LIKE:
        raise ConfigError(f"{where}: is a model of type {config.model_type}; valid types: {', '.join(LLAMA_LIKE)}")
    if getattr(config, "mlp_bias", False):
        raise ConfigError(f"{where}: has biases in its feed-forward layers; only mlp_bias=false is supported")
    if config.hidden_act != "silu":
        raise ConfigError(f"{where}: uses the activation {config.hidden_act}; only silu is supported")
    return config


def shape_of(config: Any) -> dict[str, Any]:
    """The values of `modeling.architectures.causal_lm.Shape`."""
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    rotary = LlamaRotaryEmbedding(config)
    biased = getattr(config, "attention_bias", config.model_type in BIASED)
    return {
        "vocabulary": config.vocab_size,
        "size": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "groups": config.num_key_value_heads,
        "head_size": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        "forward_size": config.intermediate_size,
        "epsilon": config.rms_norm_eps,
        "biased": biased,
        "output_biased": biased and config.model_type not in BIASED,
        "tied": config.tie_word_embeddings,
        "frequencies": rotary.inv_freq.tolist(),
        "scaling": float(rotary.attention_scaling),
    }


def located(path: Path) -> dict[str, Any]:
    """Arguments of the library's `from_pretrained` for a folder or a GGUF file."""
    if path.suffix == GGUF:
        return {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name, "local_files_only": True}
    return {"pretrained_model_name_or_path": path, "local_files_only": True}


@contextmanager
def quiet(where: str) -> Iterator[None]:
    """The library's errors as ours, in one line, and nothing of its bars and warnings."""
    try:
        with unseen():
            yield
    except LIBRARY_ERRORS as error:
        raise ConfigError(f"{where}: cannot be read ({str(error).splitlines()[0]})") from error


@contextmanager
def unseen() -> Iterator[None]:
    """Without the library's bars and warnings."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # some of its bars come however that is set
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
