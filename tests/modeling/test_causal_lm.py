"""Decoder-only models, tiny ones of the transformers library made here, through our model, training and decoding."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers import processors
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, GenerationConfig, GPT2Config, GPT2LMHeadModel

from modeling import bases, search
from modeling.architectures import begin, build_for, causal_lm, read_tokenizer
from modeling.architectures.causal_lm import CausalLm
from modeling.attention import attention_maps
from modeling.bases import MODELS
from modeling.batching import make_batch, source_batch
from modeling.causal_tokens import CausalTokenizer
from modeling.checkpoints import load_checkpoint
from modeling.config import ConfigError, DecodingConfig, TrainingConfig, load_preset, preset_names
from modeling.corpus import Example, encode_pairs
from modeling.ctranslate import engine_for
from modeling.decoding import decode, decode_batch, encode_sources
from modeling.errors import CheckpointError
from modeling.lora import LoraLinear
from modeling.marks import BEGIN, END
from modeling.training import train
from tests.modeling.corpora import NOUNS, PLACES
from tests.modeling.interruptions import train_until
from tests.modeling.llamas import KINDS, WHOLE_NUMBERS, write_llama

CPU = torch.device("cpu")
SOURCES = [Example(f"{noun}-{place}", f"a {noun} is at the {place}") for noun in NOUNS for place in PLACES]
STORIES = ("We loved the dog so much.", "The park was lovely.", "Ünïcode <|end|> is text, too.")


@pytest.fixture(scope="module", params=list(KINDS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("llama"))


def begun(folder: Path, *settings: str) -> tuple[TrainingConfig, CausalTokenizer, CausalLm]:
    config = load_preset(f"lm:{folder}", ["max_steps=1", *settings])
    tokenizer = read_tokenizer(config)
    model = begin(config, tokenizer)
    assert isinstance(tokenizer, CausalTokenizer)
    assert isinstance(model, CausalLm)
    return config, tokenizer, model.eval()


def theirs(tokenizer: CausalTokenizer, ids: list[int]) -> torch.Tensor:
    return torch.from_numpy(tokenizer.library_ids)[torch.tensor(ids)]


@torch.no_grad()
def test_it_computes_what_the_library_does(folder: Path) -> None:
    """Losses of references packed behind their sources, features behind a memory, and one step after the other."""
    config, tokenizer, model = begun(folder)
    library = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    examples = [Example("1", "a dog is at the park", STORIES), Example("2", "a lake", STORIES[:1])]
    pairs, left_out = encode_pairs(examples, tokenizer, config)
    assert not left_out
    losses, rows = model.token_losses(make_batch(pairs, CPU))
    memory = model.encode(*source_batch([pair.source for pair in pairs], CPU))
    inputs = make_batch(pairs, CPU).inputs
    logits = model.logits(model.hidden(inputs, memory))
    state = model.start(memory, 1)
    steps = [model.logits(model.step(inputs[:, place : place + 1], state, memory)) for place in range(20)]
    for number, pair in enumerate(pairs):
        target = pair.target.tolist()
        begin_at = len(pair.source)
        given = theirs(tokenizer, [*pair.source.tolist(), BEGIN, *target[:-1]])
        all_logits = library(given[None]).logits[0, begin_at:]
        expected = F.cross_entropy(all_logits, theirs(tokenizer, target), reduction="none")
        torch.testing.assert_close(losses[rows == number], expected, rtol=1e-4, atol=1e-4)
        ours = logits[number, : len(target)]
        torch.testing.assert_close(ours, all_logits[:, tokenizer.library_ids], rtol=1e-4, atol=1e-4)
        for place in range(min(20, len(target))):
            torch.testing.assert_close(steps[place][number, 0], ours[place], rtol=1e-4, atol=1e-4)


def test_gradients_of_packed_references_are_those_of_each_alone(llama: Path) -> None:
    config, tokenizer, model = begun(llama)
    pairs, _ = encode_pairs([Example("1", "a dog is at the park", STORIES)], tokenizer, config)
    model(make_batch(pairs, CPU)).backward()
    together = {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}
    model.zero_grad()
    for pair in pairs:
        model(make_batch([pair], CPU)).backward()
    assert together
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, together[name], rtol=1e-3, atol=1e-4)


def test_texts_come_back_and_tokens_of_the_library_in_a_text_are_text(llama: Path) -> None:
    _, tokenizer, _ = begun(llama)
    for text in (*STORIES, "日本 🙂 <|end|><|a|>"):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert ids[-1] == END
        assert min(ids[:-1]) > 6
    assert sorted(tokenizer.library_ids) == list(range(len(tokenizer)))
    assert tokenizer.encode(" \n ") == [END]
    prompt = tokenizer.given("a dog", story=["We ran.", "It hid."], others=["a car"], limit=999)
    assert tokenizer.decode(prompt) == "Album: a car So far: We ran. It hid. Photo: a dog"
    assert tokenizer.decode(tokenizer.given("a dog", story=["We ran.", "It hid."], others=["a car"], limit=30)) in (
        "So far: It hid. Photo: a dog",
        "So far: We ran. It hid. Photo: a dog",
    )


@pytest.mark.parametrize("beam", [1, 4])
def test_texts_are_those_the_library_generates(llama: Path, beam: int) -> None:
    config, tokenizer, model = begun(llama)
    pairs, _ = encode_pairs([replace(each, references=("x",)) for each in SOURCES[:6]], tokenizer, config)
    sources = [pair.source for pair in pairs]
    chosen = DecodingConfig(method="beam", beam=beam, samples=beam, max_length=8)
    mine = decode_batch(model, sources, [""] * len(sources), chosen)
    library = AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32).eval()
    found, expected = [], []
    for source, texts in zip(sources, mine, strict=True):
        prompt = theirs(tokenizer, [*source.tolist(), BEGIN])[None]
        written = library.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            generation_config=GenerationConfig(
                num_beams=beam,
                num_return_sequences=beam,
                early_stopping=True if beam > 1 else None,
                suppress_tokens=tokenizer.library_ids[[0, 1, 2, 4, 5, 6]].tolist(),
                min_new_tokens=1,
                max_new_tokens=8,
                eos_token_id=0,
                pad_token_id=0,
            ),
        )[:, prompt.shape[1] :].tolist()
        expected += [row[: row.index(0)] if 0 in row else row for row in written]
        found += [[int(tokenizer.library_ids[token]) for token in text.tokens] for text in texts]
    assert len(set(map(tuple, found))) > 3
    assert np.mean([one == other for one, other in zip(found, expected, strict=True)]) >= 0.95


@pytest.mark.parametrize("config", [DecodingConfig(samples=3), DecodingConfig(method="beam", samples=2)], ids=str)
def test_neither_batches_nor_neighbours_change_a_text(tuned: Path, config: DecodingConfig) -> None:
    config = replace(config, engine="torch")
    together = {(each.id, each.rank): each.text for each in decode(tuned, SOURCES, config)}
    alone = {(each.id, each.rank): each.text for each in decode(tuned, SOURCES[:6], replace(config, batch=1))}
    assert alone.items() <= together.items()
    assert np.mean([text.startswith(("We loved the", "The")) for text in together.values()]) > 0.9


def test_prompts_are_read_and_tokens_drawn_in_parts_as_in_one(tuned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_checkpoint(tuned)
    model, config = loaded.model(CPU), DecodingConfig(samples=3, temperature=1, top_p=0.9, max_length=20)
    sources = encode_sources(
        loaded, [*SOURCES[:9], Example("long", "a dog is at the park " * 4), Example("short", "a")]
    )
    names = [str(number) for number in range(len(sources))]
    whole, memory = decode_batch(model, sources, names, config), model.encode(*source_batch(sources, CPU))
    monkeypatch.setattr(causal_lm, "PIECE", 30)
    monkeypatch.setattr(search, "ROWS", 5)
    in_parts = model.encode(*source_batch(sources, CPU))
    real = memory.mask[:, None, :, None]
    for one, other in zip((*memory.keys, *memory.values), (*in_parts.keys, *in_parts.values), strict=True):
        torch.testing.assert_close(one * real, other * real, rtol=1e-4, atol=1e-4)
    found = decode_batch(model, sources, names, config)
    assert [[text.tokens for text in texts] for texts in found] == [[text.tokens for text in texts] for texts in whole]


SETTINGS = ["max_steps=120", "learning_rate=0.01", "token_budget=512", "save_every=1000", "precision=fp32"]


@pytest.fixture(scope="module")
def tuned(llama: Path, corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a short training of all weights, the folder that it began from being gone."""
    directory = tmp_path_factory.mktemp("tuned")
    shutil.copytree(llama, directory / "library")
    config = load_preset(f"lm:{directory / 'library'}", SETTINGS)
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=directory)
    assert result.valid_nll is not None
    assert result.valid_nll < 0.5
    shutil.rmtree(directory / "library")
    return result.checkpoint


def test_ctranslate2_writes_the_same_with_adapters_merged(llama: Path, tuned: Path) -> None:
    used: list[str] = []

    def written(checkpoint: Path, **settings: Any) -> list[tuple[str, int, str, float]]:
        config = DecodingConfig(**{"method": "beam", "samples": 2, "max_length": 40, **settings})
        found = decode(checkpoint, SOURCES, config, on_engine=used.append)
        return [(each.id, each.rank, each.text, pytest.approx(each.logprob, abs=1e-2)) for each in found]

    assert written(tuned) == written(tuned, engine="torch")
    greedy = {"method": "greedy", "samples": 1}
    assert written(tuned, **greedy) == written(tuned, engine="torch", **greedy)
    assert used == ["ct2", "torch"] * 2
    rough = written(tuned, precision="int8", **greedy)
    assert np.mean([a[2] == b[2] for a, b in zip(rough, written(tuned, **greedy), strict=True)]) > (
        0.7 if WHOLE_NUMBERS else 0.5
    )

    config, tokenizer, model = begun(llama, "lora_rank=4")
    for name, parameter in model.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter, std=0.1)
    expected = decode_batch(model, [np.array(tokenizer.encode("a dog")[:-1])], ["a"], DecodingConfig(method="greedy"))
    model.merge()
    engine = engine_for(model, config, DecodingConfig(method="greedy"), CPU)
    assert engine
    assert engine.texts([np.array(tokenizer.encode("a dog")[:-1])])[0][0].tokens == expected[0][0].tokens


@torch.no_grad()
def test_it_writes_in_an_ensemble_and_is_reranked(tuned: Path) -> None:
    greedy, some = DecodingConfig(method="greedy", max_length=12), SOURCES[:6]
    alone = [each.text for each in decode(tuned, some, greedy)]
    assert [each.text for each in decode(tuned, some, greedy, ensemble=[tuned])] == alone
    sampled = DecodingConfig(samples=4, max_length=12)
    plain, ranked = (list(decode(tuned, some, replace(sampled, rerank=rerank))) for rerank in ("none", "pmi"))
    assert sorted((each.id, each.text) for each in plain) == sorted((each.id, each.text) for each in ranked)
    assert [each.text for each in plain] != [each.text for each in ranked]


def test_attention_is_a_distribution_over_the_prompt(tuned: Path) -> None:
    loaded = load_checkpoint(tuned)
    model = loaded.model(CPU)
    source, lengths = source_batch(encode_sources(loaded, [*SOURCES[:2], Example("short", "dog")]), CPU)
    memory = model.encode(source, lengths)
    weights = model.attention(torch.full((3, 4), BEGIN), memory)
    assert weights is not None
    assert weights.shape == (3, 12, 4, source.shape[1])
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 12, 4))
    assert not weights.masked_select(~memory.mask[:, None, None].expand_as(weights)).any()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("adapters", ["lora_rank=0", "lora_rank=4"])
def test_an_interrupted_training_ends_with_the_same_weights(
    llama: Path, corpus: tuple[Path, Path], tmp_path: Path, precision: str, adapters: str
) -> None:
    dropout = "dropout=0" if adapters == "lora_rank=0" else "dropout=0.1"
    settings = ["max_steps=8", "token_budget=256", "save_every=0", dropout, f"precision={precision}", adapters]
    config = load_preset(f"lm:{llama}", settings)

    whole = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "whole")
    train_until(5, config, train_file=corpus[0], valid_file=None, out=tmp_path / "halves")
    halves = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "halves")
    assert halves.sha256 == whole.sha256


def test_adapters_alone_are_kept_beside_the_hash_of_what_they_belong_to(
    llama: Path, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    base = shutil.copytree(llama, tmp_path / "library")
    config = load_preset(f"lm:{base}", [*SETTINGS, "lora_rank=8"])
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path / "run")
    assert result.valid_nll is not None
    assert result.valid_nll < 1.0
    loaded = load_checkpoint(result.checkpoint)
    assert {name.rpartition(".")[2] for name in loaded.weights} == {"up", "down"}
    apart = build_for(loaded.config, loaded.tokenizer)
    apart.load_state_dict(loaded.weights)
    merged = loaded.model(CPU)
    assert not any(isinstance(module, LoraLinear) for module in merged.modules())
    batch = make_batch(encode_pairs([Example("1", "a dog", STORIES)], loaded.tokenizer, loaded.config)[0], CPU)
    torch.testing.assert_close(merged.token_losses(batch)[0], apart.eval().token_losses(batch)[0], rtol=1e-3, atol=1e-3)
    shutil.rmtree(base)
    with pytest.raises(ConfigError, match=r"model_path=.*library: no such file or folder"):
        loaded.model(CPU)
    write_llama(base, initializer_range=0.1)
    with pytest.raises(CheckpointError, match=r"the SHA-256 of its weights is .*… is expected"):
        loaded.model(CPU)


def test_what_is_no_such_model_is_refused_by_name(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file or folder, and no model with this name"):
        begun(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"must be a GGUF file, or a folder with the config.json"):
        begun(tmp_path / "empty")
    GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ConfigError, match=r"is a model of type gpt2; valid types: llama, mistral, qwen2"):
        begun(tmp_path / "gpt2")
    shutil.copytree(llama, tmp_path / "weightless", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ConfigError, match=r"weightless: must be a GGUF file or a folder with model.safetensors"):
        begun(tmp_path / "weightless")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    with pytest.raises(ConfigError, match=r"broken.gguf: cannot be read"):
        begun(tmp_path / "broken.gguf")
    with pytest.raises(ConfigError, match=r"word_dropout=0.5: not supported with architecture=lm; valid values: 0"):
        load_preset(f"lm:{llama}", ["word_dropout=0.5"])
    with pytest.raises(ConfigError, match=r"lora_rank=4: needs architecture=hf or lm"):
        load_preset("tiny", ["lora_rank=4"])
    assert not {"hf", "lm"} & set(preset_names())
    shape = json.loads((llama / "config.json").read_text()) | {"hidden_act": "gelu"}
    shutil.copytree(llama, tmp_path / "gelu")
    (tmp_path / "gelu" / "config.json").write_text(json.dumps(shape))
    with pytest.raises(ConfigError, match=r"uses the activation gelu; only silu is supported"):
        begun(tmp_path / "gelu")


@torch.no_grad()
@pytest.mark.once
def test_smollm2_reads_as_the_library_reads_it() -> None:
    if not (MODELS / "smollm2").is_dir():
        pytest.skip(f"no SmolLM2 at {MODELS / 'smollm2'}: manage.py fetch_model smollm2")
    config = load_preset("smollm2")
    tokenizer = read_tokenizer(config)
    pairs, _ = encode_pairs([Example("1", "fireworks in the sky", ("The fireworks were lovely.",))], tokenizer, config)
    losses, _ = begin(config, tokenizer).eval().token_losses(make_batch(pairs, CPU))
    assert 10 < losses.sum() < 40


def test_the_token_that_begins_every_text_begins_every_prompt(llama: Path, tmp_path: Path) -> None:
    shutil.copytree(llama, tmp_path / "begun")
    library = LibraryTokenizer.from_file(str(llama / "tokenizer.json"))
    library.post_processor = processors.TemplateProcessing(single="<|start|> $A", special_tokens=[("<|start|>", 1)])
    library.save(str(tmp_path / "begun" / "tokenizer.json"))
    _, tokenizer, _ = begun(tmp_path / "begun")
    prompt = tokenizer.given("a dog", story=(), others=(), limit=99)
    assert tokenizer.library_ids[prompt[0]] == 1
    assert begun(llama)[1].given("a dog", story=(), others=(), limit=99) != prompt


def test_a_picture_without_a_head_is_of_the_last_layer(tuned: Path) -> None:
    whole, *heads = (
        attention_maps(tuned, [(SOURCES[0], "We loved the dog")], head=head)[0] for head in (None, *range(7, 13))
    )
    assert whole is not None
    mean = np.mean([each.weights for each in heads if each is not None], axis=0)
    np.testing.assert_allclose(whole.weights, mean, atol=1e-5)


def test_a_model_that_was_fetched_goes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "models" / "smollm2"
    kept.mkdir(parents=True)
    (kept / "source.json").write_text(json.dumps({"files": {}, "licence": "x", "from": "y", "fetched": "z"}))
    (tmp_path / "smollm2").mkdir()
    monkeypatch.setattr(bases, "MODELS", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    assert bases.find_base("smollm2").resolve() == kept


def test_a_training_of_all_weights_goes_on_and_decodes_without_the_folder(
    llama: Path, corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun by a path that holds in its working directory alone."""
    shutil.copytree(llama, tmp_path / "library")
    monkeypatch.chdir(tmp_path)
    config = load_preset("lm:library", ["max_steps=4", "token_budget=256", "save_every=0", "precision=fp32"])

    train_until(2, config, train_file=corpus[0], valid_file=None, out=tmp_path / "run")
    (tmp_path / "library").rename(tmp_path / "away")
    result = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "run")
    assert len(list(decode(result.checkpoint, SOURCES[:1], DecodingConfig(method="greedy")))) == 1


def test_adapters_find_their_base_from_any_working_directory(
    llama: Path, corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(llama, tmp_path / "library")
    monkeypatch.chdir(tmp_path)
    config = load_preset("lm:library", ["max_steps=1", "token_budget=256", "lora_rank=2", "precision=fp32"])
    result = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path / "run")
    monkeypatch.chdir(tmp_path.parent)
    assert load_checkpoint(result.checkpoint).model(CPU)


def test_settings_without_a_use_are_refused(llama: Path) -> None:
    with pytest.raises(ConfigError, match=r"tokens=word: a pretrained model has its own tokens"):
        load_preset(f"lm:{llama}", ["tokens=word"])
    with pytest.raises(ConfigError, match=r"dropout=0.1: architecture=lm has dropout only with adapters"):
        load_preset(f"lm:{llama}", ["dropout=0.1"])
    assert load_preset(f"lm:{llama}", ["dropout=0.1", "lora_rank=2"]).dropout == 0.1
