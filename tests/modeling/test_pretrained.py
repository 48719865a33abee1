"""Encoder-decoders of the transformers library, tiny ones made here, through our training, checkpoints and decoding."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    BartForConditionalGeneration,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from modeling.batching import make_batch, source_batch
from modeling.checkpoints import load_checkpoint
from modeling.config import ConfigError, DecodingConfig, load_preset, preset_names
from modeling.corpus import EncodedPair, Example, encode_pairs
from modeling.decoding import decode, decode_batch, encode_sources
from modeling.errors import CheckpointError
from modeling.marks import BEGIN
from modeling.training import train
from tests.modeling.corpora import NOUNS, PLACES
from tests.modeling.interruptions import train_until

CPU = torch.device("cpu")
SOURCES = [Example(f"{noun}-{place}", f"A {noun} is at the {place}") for noun in NOUNS for place in PLACES]
# of T5: padding starts the decoder; of BART: the end does, and a text has a token before it
SPECIAL = {"t5": ["<pad>", "</s>", "<unk>"], "bart": ["<s>", "<pad>", "</s>", "<unk>"]}
SMALL = {"d_model": 32, "dropout_rate": 0.0, "decoder_start_token_id": 0, "num_heads": 2, "d_kv": 16, "d_ff": 48}


@pytest.fixture(scope="module", params=["t5", "bart"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the library's, the model in it of random weights."""
    family, folder = request.param, tmp_path_factory.mktemp(request.param)
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    words = trainers.WordLevelTrainer(special_tokens=SPECIAL[family])
    tokenizer.train_from_iterator([each.source for each in SOURCES] + ["We loved the so much . The was lovely"], words)
    ends = [(token, SPECIAL[family].index(token)) for token in ("</s>", "<s>") if token in SPECIAL[family]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>" if family == "bart" else "$A </s>", special_tokens=ends
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    size = tokenizer.get_vocab_size() + 3  # rows for no token, as many of the library's models have
    if family == "t5":
        model = T5ForConditionalGeneration(T5Config(vocab_size=size, num_layers=2, **SMALL))
    else:
        model = BartForConditionalGeneration(
            BartConfig(
                vocab_size=size,
                d_model=32,
                encoder_layers=2,
                decoder_layers=2,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=48,
                decoder_ffn_dim=48,
                max_position_embeddings=64,
                pad_token_id=1,
                bos_token_id=0,
                eos_token_id=2,
                decoder_start_token_id=2,
                forced_eos_token_id=None,
                init_std=0.15,
            )
        )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tuned(folder: Path, corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a short training, the folder that it began from being gone."""
    directory = tmp_path_factory.mktemp("tuned")
    shutil.copytree(folder, directory / "library")
    settings = ["max_steps=150", "learning_rate=0.005", "dropout=0", "token_budget=512", "save_every=1000"]
    config = load_preset(f"hf:{directory / 'library'}", settings)
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=directory)
    assert result.valid_nll is not None
    assert result.valid_nll < 1.0
    shutil.rmtree(directory / "library")
    return result.checkpoint


@torch.no_grad()
def test_a_checkpoint_computes_what_the_library_does(tuned: Path) -> None:
    """Losses of pairs, with padding, and each text on its own."""
    loaded = load_checkpoint(tuned)
    model = loaded.model(CPU)
    ids, special = torch.tensor(loaded.tokenizer.library_ids), loaded.tokenizer.library_ids[:4]
    texts = [loaded.tokenizer.encode(text) for text in ("We loved the dog so much .", "The park was lovely .", "dog")]
    sources = encode_sources(loaded, SOURCES[:3])
    pairs = [
        EncodedPair(source, np.array(text, np.int32), 1.0, 0, 1) for source, text in zip(sources, texts, strict=True)
    ]
    losses, rows = model.token_losses(make_batch(pairs, CPU))
    for number, pair in enumerate(pairs):
        labels = ids[torch.from_numpy(pair.target).long()]
        begun = torch.cat([torch.tensor(special[2:3]), labels[:-1]])
        logits = model.model(
            input_ids=ids[torch.from_numpy(pair.source).long()][None], decoder_input_ids=begun[None]
        ).logits[0]
        expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        torch.testing.assert_close(losses[rows == number], expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_output_layer_is_given_real_target_tokens_alone(tuned: Path) -> None:
    loaded = load_checkpoint(tuned)
    model = loaded.model(CPU)
    examples = [replace(SOURCES[0], references=("We loved the dog so much .", "dog"))]
    pairs, _ = encode_pairs(examples, loaded.tokenizer, loaded.config)
    batch, seen = make_batch(pairs, CPU), list[tuple[int, ...]]()
    model.model.get_output_embeddings().register_forward_hook(lambda _, given, output: seen.append(given[0].shape[:2]))
    losses, _ = model.token_losses(batch)
    model.hidden(batch.inputs, model.encode(batch.source, batch.source_lengths))
    real = sum(len(pair.target) for pair in pairs)
    assert len(losses) == real < batch.targets.numel()
    assert seen == [(1, real), tuple(batch.targets.shape)]


def test_adapters_alone_learn_and_are_kept(folder: Path, corpus: tuple[Path, Path], tmp_path: Path) -> None:
    base = shutil.copytree(folder, tmp_path / "library")
    settings = ["max_steps=60", "learning_rate=0.01", "dropout=0", "token_budget=512", "save_every=1000"]
    config = load_preset(f"hf:{base}", [*settings, "lora_rank=8", "validate_every=10"])
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path / "run")
    assert result.valid_nll is not None
    assert result.valid_nll < 0.7 * result.history[0]["valid_nll"]
    loaded = load_checkpoint(result.checkpoint)
    kept = {name.rpartition(".")[2] for name in loaded.weights}
    assert kept - {"final_logits_bias"} == {"up", "down"}  # that of BART is no parameter
    found = [each.text for each in decode(result.checkpoint, SOURCES, DecodingConfig(method="greedy"))]
    assert np.mean([text.startswith(("We loved the", "The")) for text in found]) > 0.9
    other = AutoModelForSeq2SeqLM.from_pretrained(base)
    other.get_output_embeddings().weight.data += 0.01
    other.save_pretrained(base)
    with pytest.raises(CheckpointError, match=r"library: the SHA-256 of its weights is .*… is expected"):
        loaded.model(CPU)


@torch.no_grad()
def test_attention_is_a_distribution_over_real_source_tokens(tuned: Path) -> None:
    loaded = load_checkpoint(tuned)
    model = loaded.model(CPU)
    source, lengths = source_batch([*encode_sources(loaded, [*SOURCES[:2], Example("short", "dog")])], CPU)
    memory, inputs = model.encode(source, lengths), torch.full((3, 4), BEGIN)
    before = model.hidden(inputs, memory)
    weights = model.attention(inputs, memory)
    assert weights is not None
    assert weights.shape == (3, 4, 4, source.shape[1])
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 4, 4))
    assert not weights.masked_select(~memory.mask[:, None, None].expand_as(weights)).any()
    assert torch.equal(model.hidden(inputs, memory), before)


@pytest.mark.parametrize("beam", [1, 4])
def test_texts_are_those_the_library_generates(tuned: Path, beam: int) -> None:
    loaded = load_checkpoint(tuned)
    model, sources = loaded.model(CPU), encode_sources(loaded, SOURCES)
    config = DecodingConfig(method="beam", beam=beam, samples=beam, max_length=12)
    mine = decode_batch(model, sources, [""] * len(sources), config)
    ids = torch.tensor(loaded.tokenizer.library_ids)
    padded, _ = source_batch(sources, CPU)
    pad, unknown, begin, end = loaded.tokenizer.library_ids[:4]
    theirs = model.model.generate(
        input_ids=ids[padded],
        attention_mask=(padded != 0).long(),
        generation_config=GenerationConfig(
            num_beams=beam,
            num_return_sequences=beam,
            early_stopping=True if beam > 1 else None,
            suppress_tokens=sorted({pad, unknown, begin} - {end}),
            min_new_tokens=1,
            max_new_tokens=12,
            pad_token_id=pad,
            eos_token_id=end,
            decoder_start_token_id=begin,
        ),
    )[:, 1:].tolist()
    theirs = [row[: row.index(end)] if end in row else row for row in theirs]
    found = [[loaded.tokenizer.library_ids[token] for token in text.tokens] for texts in mine for text in texts]
    assert len(set(map(tuple, found))) > 3
    assert np.mean([one == other for one, other in zip(found, theirs, strict=True)]) >= 0.995


@pytest.mark.parametrize("config", [DecodingConfig(samples=3), DecodingConfig(method="beam", samples=2)], ids=str)
def test_decoding_takes_all_settings_and_batches_change_nothing(tuned: Path, config: DecodingConfig) -> None:
    together = {(each.id, each.rank): each.text for each in decode(tuned, SOURCES, config)}
    alone = {(each.id, each.rank): each.text for each in decode(tuned, SOURCES[:6], replace(config, batch=1))}
    assert alone.items() <= together.items()
    assert np.mean([text.startswith(("We loved the", "The")) for text in together.values()]) > 0.8


def test_an_interrupted_training_goes_on_without_the_folder(
    folder: Path, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    config = load_preset(f"hf:{folder}", ["max_steps=8", "token_budget=512", "save_every=0"])

    whole = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "whole")
    train_until(5, config, train_file=corpus[0], valid_file=None, out=tmp_path / "halves")
    elsewhere = folder.with_name("away")
    folder.rename(elsewhere)
    try:
        halves = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "halves")
    finally:
        elsewhere.rename(folder)
    assert halves.sha256 == whole.sha256


def test_adapters_learn_and_the_output_layer_sees_real_tokens_alone(
    folder: Path, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = ["max_steps=30", "learning_rate=0.01", "dropout=0", "token_budget=512", "lora_rank=4", "precision=fp32"]
    result = train(
        load_preset(f"hf:{folder}", settings), train_file=corpus[0], valid_file=corpus[1], directory=tmp_path
    )
    loaded = load_checkpoint(result.checkpoint)
    assert {name.rpartition(".")[2] for name in loaded.weights} - {"final_logits_bias"} == {"up", "down"}
    (first, *_, last) = train(
        load_preset(f"hf:{folder}", [*settings, "validate_every=1"]),
        train_file=corpus[0],
        valid_file=corpus[1],
        directory=tmp_path / "looked",
    ).history
    assert last["valid_nll"] < first["valid_nll"] - 0.1
    model, seen = loaded.model(CPU), list[tuple[int, ...]]()
    counted = model.model.get_output_embeddings().register_forward_hook(
        lambda _, features, output: seen.append(features[0].shape)
    )
    texts = [np.array(loaded.tokenizer.encode(text), np.int32) for text in ("We loved the dog so much .", "The park")]
    pairs = [EncodedPair(encode_sources(loaded, SOURCES[:1])[0], text, 1.0, 0, 1) for text in texts]
    with counted:
        losses, _ = model.token_losses(make_batch(pairs, CPU))
    assert seen == [(1, sum(map(len, texts)), 32)]
    assert len(losses) == sum(map(len, texts))


def test_what_is_no_encoder_decoder_is_refused_by_name(folder: Path, corpus: tuple[Path, Path], tmp_path: Path) -> None:
    def attempt(path: Path) -> None:
        config = load_preset(f"hf:{path}", ["max_steps=1"])
        train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "run")

    with pytest.raises(ConfigError, match=r"model_path=.*nowhere: no such file or folder"):
        attempt(tmp_path / "nowhere")
    GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path / "gpt2")
    shutil.copy(folder / "tokenizer.json", tmp_path / "gpt2")
    shutil.copy(folder / "tokenizer_config.json", tmp_path / "gpt2")
    with pytest.raises(ConfigError, match=r"is a model of type gpt2, not a text encoder-decoder"):
        attempt(tmp_path / "gpt2")
    shutil.copytree(folder, tmp_path / "weightless", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ConfigError, match=r"weightless: must be a GGUF file or a folder with model.safetensors"):
        attempt(tmp_path / "weightless")
    with pytest.raises(ConfigError, match=r"denoising=0.5: not supported with architecture=hf; valid values: 0"):
        load_preset(f"hf:{folder}", ["denoising=0.5"])
    with pytest.raises(ConfigError, match=r"unknown preset 'hf'; valid presets: .*, hf:PATH"):
        load_preset("hf")
    assert "hf" not in preset_names()
