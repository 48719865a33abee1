"""A decoder-only model trained and sampled from: ours against the `transformers` library, same weights, one thread.

Data are those of `machine_human`, from what the system `arel` wrote for a photo to what people wrote for it. Both train
all weights in float32 by their own entry points, `modeling.training.train` and `Trainer`, with AdamW and batches of
as many tokens, padding included. `Trainer` is given a row a (source, reference), grouped by length, padded to the
longest of the batch, the prompt masked out of its labels. Counted are the tokens of references, between the ends of two
steps.

Both sample by nucleus from a model that was trained briefly, once a folder. Prompts are sorted by length for all. Ours
decodes in its default batches, and for `generate` the best of some sizes is found first. All take turns, and medians
are compared. Times are the CPU's.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import GenerationConfig, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_pt_utils import get_length_grouped_indices

from benchmarks.common import print_result, print_table
from benchmarks.machine_human import example_file
from benchmarks.peers import CPU, llama
from modeling.architectures import begin, read_tokenizer
from modeling.architectures.causal_lm import CausalLm
from modeling.bases import find_base
from modeling.batching import source_batch
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.config import DecodingConfig, TrainingConfig, load_preset
from modeling.corpus import Tokens, encode_pairs, read_examples
from modeling.ctranslate import engine_for
from modeling.decoding import decode_batch, encode_sources
from modeling.marks import BEGIN, END, NEVER_WRITTEN, PAD
from modeling.progress import Progress
from modeling.training import train

SETTINGS = ["precision=fp32", "lowercase=false", "dropout=0", "weight_decay=0.01", "save_every=3600"]
MASKED = -100  # a label that does not count
WARM = 2  # steps that are not timed
PEERS_WIDTHS = (8, 16, 32, 64)  # texts a batch
PEERS_SHARE = 4  # of the texts that ours are timed on, one in so many is sampled by the others
NUCLEUS = DecodingConfig(method="nucleus", top_p=0.9, temperature=1)
GENERATE, TORCH, AUTO, INT8 = "generate", "ours, engine=torch", "ours, engine=auto", "ours, engine=auto, int8"
CHOSEN: dict[str, dict[str, Any]] = {
    TORCH: {"engine": "torch"},
    AUTO: {"engine": "auto"},
    INT8: {"engine": "auto", "precision": "int8"},
}
FIGURES = {TORCH: "≥ 2", AUTO: "≥ 4"}
Sample = Callable[[Sequence[Tokens]], list[list[int]]]  # prompts → the texts of all


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--base", default="smollm2", help="name, folder or GGUF file of the pretrained model")
    options.add_argument("--only", choices=("training", "sampling"))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=6, help="timed steps of a training")
    options.add_argument("--tokens", type=int, default=1024, help="of a batch, padding included")
    options.add_argument("--texts", type=int, default=256, help="sampled in a round, by 1 and by 4 a source")
    options.add_argument("--checkpoint", type=Path, help="sample from it, instead of training one")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "storyblender-causal-lm")
    given = options.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(exist_ok=True)
    files = {split: example_file(split, given.folder) for split in ("train", "test")}
    found: dict[str, Any] = {}
    if given.only != "sampling":
        limits = [f"token_budget={given.tokens}", f"max_steps={WARM + given.steps}"]
        config = load_preset(f"lm:{find_base(given.base)}", [*SETTINGS, "learning_rate=0.0002", *limits])
        found["training"] = training(config, files["train"], given.rounds)
    if given.only != "training":
        checkpoint = given.checkpoint or briefly_trained(given.base, files["train"], given.folder)
        found["sampling"] = sampling(load_checkpoint(checkpoint), files["test"], given.texts, given.rounds)
    print_result(**found, rounds=given.rounds)


def training(config: TrainingConfig, file: Path, rounds: int) -> dict[str, float]:
    """Tokens of references a CPU-second of both, and how many a step has."""
    tokenizer = read_tokenizer(config)
    pairs, _ = encode_pairs(read_examples(file), tokenizer, config)
    rows = [row(pair.source, pair.target) for pair in pairs]
    width = round(config.token_budget / statistics.mean(len(each["input_ids"]) for each in rows))
    model = begin(config, tokenizer)
    if not isinstance(model, CausalLm):
        raise TypeError(f"{config.model_path} is no CausalLm but {type(model).__name__}")
    library = llama(model)
    del model
    rates: dict[str, list[tuple[float, float]]] = {"ours": [], "Trainer": []}
    for seed in range(rounds):
        rates["ours"].append(our_rate(replace(config, seed=seed), file))
        rates["Trainer"].append(trainers_rate(library, rows, width, replace(config, seed=seed)))
    medians = {way: statistics.median(rate for rate, _ in each) for way, each in rates.items()}
    ratio = medians["ours"] / medians["Trainer"]
    a_step = {way: statistics.mean(tokens for _, tokens in each) for way, each in rates.items()}
    print_table(
        [
            ["training", "story tokens per CPU-second", "story tokens per step", "ratio", "figure"],
            ["ours", medians["ours"], a_step["ours"], ratio, "≥ 1.5"],
            [f"Trainer, {width} rows a batch", medians["Trainer"], a_step["Trainer"], "", ""],
        ]
    )
    return {"ours": medians["ours"], "trainer": medians["Trainer"], "ratio": ratio, "rows": width}


class Timed:
    """CPU time and tokens between the end of the last step to warm up and that of the last one."""

    def __init__(self) -> None:
        self.seconds, self.tokens = [0.0], [0.0]  # at the end of each step

    def step_ended(self, tokens: float) -> None:
        """Of `tokens` learned from so far."""
        self.seconds.append(time.process_time())
        self.tokens.append(tokens)

    def rate(self) -> tuple[float, float]:
        """Tokens a CPU-second, and a step."""
        tokens = self.tokens[-1] - self.tokens[WARM]
        return tokens / (self.seconds[-1] - self.seconds[WARM]), tokens / (len(self.tokens) - 1 - WARM)


def our_rate(config: TrainingConfig, file: Path) -> tuple[float, float]:
    timed = Timed()

    def step_ended(progress: Progress) -> None:
        if progress.step:
            timed.step_ended(progress.tokens_per_second * progress.seconds)

    with tempfile.TemporaryDirectory() as folder:
        train(config, train_file=file, valid_file=None, directory=Path(folder), on_progress=step_ended)
    return timed.rate()


class Rows(Dataset[dict[str, list[int]]]):
    """What `Trainer` is given, and the tokens of references in what it has taken."""

    def __init__(self, rows: Sequence[dict[str, list[int]]]) -> None:
        self.rows, self.taken = rows, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]

    def collate(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        """As `DataCollatorForSeq2Seq` pads, without the tokenizer that it asks for."""
        fill = {"input_ids": PAD, "attention_mask": 0, "labels": MASKED}
        longest = max(len(each["input_ids"]) for each in rows)
        padded = {
            name: torch.tensor([each[name] + [value] * (longest - len(each[name])) for each in rows])
            for name, value in fill.items()
        }
        self.taken = int((padded["labels"] != MASKED).sum())
        return padded


def row(source: Tokens, target: Tokens) -> dict[str, list[int]]:
    prompt, story = [*source.tolist(), BEGIN], target.tolist()
    ids = prompt + story
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [MASKED] * len(prompt) + story}


def grouped(rows: Sequence[dict[str, list[int]]], width: int, seed: int) -> list[dict[str, list[int]]]:
    """The batches that `train_sampling_strategy="group_by_length"` makes, one after the other in random order: it would
    begin with the longest, and a few steps would all be of long rows."""
    generator = torch.Generator().manual_seed(seed)
    order = get_length_grouped_indices([len(each["input_ids"]) for each in rows], width, generator=generator)
    batches = [order[start : start + width] for start in range(0, len(order) - width + 1, width)]
    shuffled = torch.randperm(len(batches), generator=generator).tolist()
    return [rows[index] for place in shuffled for index in batches[place]]


class OnStep(TrainerCallback):
    def __init__(self, rows: Rows, timed: Timed) -> None:
        self.rows, self.timed = rows, timed

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.timed.step_ended(self.timed.tokens[-1] + self.rows.taken)


def trainers_rate(
    library: Any, rows: Sequence[dict[str, list[int]]], width: int, config: TrainingConfig
) -> tuple[float, float]:
    data, timed = Rows(grouped(rows, width, config.seed)), Timed()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            use_cpu=True,
            seed=config.seed,
            max_steps=config.max_steps,
            per_device_train_batch_size=width,
            train_sampling_strategy="sequential",
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            max_grad_norm=config.gradient_clip,
            optim="adamw_torch_fused",
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        trainer = Trainer(
            model=library,
            args=arguments,
            train_dataset=data,
            data_collator=data.collate,
            callbacks=[OnStep(data, timed)],
        )
        trainer.train()
    return timed.rate()


def briefly_trained(base: str, file: Path, folder: Path) -> Path:
    """A checkpoint whose texts are as long as people's."""
    config = load_preset(f"lm:{find_base(base)}", [*SETTINGS, "lora_rank=16", "learning_rate=0.001", "budget=60"])
    return train(config, train_file=file, valid_file=None, directory=folder / "trained").checkpoint


def sampling(loaded: Checkpoint, file: Path, texts: int, rounds: int) -> dict[str, Any]:
    model = loaded.model(CPU)
    if not isinstance(model, CausalLm):
        raise TypeError(f"sampling: needs a checkpoint of a decoder-only model, not of {type(model).__name__}")
    examples = read_examples(file)
    library = llama(model)
    result: dict[str, Any] = {"difference": difference(model, library, encode_sources(loaded, examples[:8]))}
    table: list[list[object]] = [
        ["texts per source", "sampled by", "texts per CPU-second", "ratio", "tokens per text", "figure"]
    ]
    for samples in (1, 4):
        count = texts // samples
        prompts = sorted(encode_sources(loaded, examples[:: max(1, len(examples) // count)][:count]), key=len)
        config = replace(NUCLEUS, samples=samples)
        width = best_width(library, prompts[:: 2 * PEERS_SHARE], config)
        ways: dict[str, tuple[Sample, Sequence[Tokens]]] = {
            GENERATE: (partial(generated, library, config, width), prompts[::PEERS_SHARE])
        }
        for name, chosen in CHOSEN.items():
            if name == AUTO and engine_for(model, loaded.config, replace(config, **chosen), CPU) is None:
                continue  # what it chooses is torch
            ways[name] = ours(model, loaded.config, replace(config, **chosen)), prompts
        rates: dict[str, list[float]] = {way: [] for way in ways}
        lengths: dict[str, float] = {}
        for _ in range(rounds):
            for way, (sample, its) in ways.items():
                start = time.process_time()
                found = sample(its)
                rates[way].append(len(found) / (time.process_time() - start))
                lengths[way] = statistics.mean(map(len, found))
        medians = {way: statistics.median(each) for way, each in rates.items()}
        for way in (GENERATE, *CHOSEN):
            way_taken = way if way in ways else TORCH
            shown = (
                f"{way}, {width} texts a batch"
                if way == GENERATE
                else f"{way}" + ", which is torch" * (way not in ways)
            )
            rate = medians[way_taken]
            table.append([samples, shown, rate, rate / medians[GENERATE], lengths[way_taken], FIGURES.get(way, "")])
        result[f"samples_{samples}"] = {**medians, "width": width}
    print_table(table)
    print(f"largest difference of the two models' logits: {result['difference']:.1e}")
    return result


@torch.inference_mode()
def difference(model: CausalLm, library: Any, prompts: Sequence[Tokens]) -> float:
    """The largest of the logits behind the prompts, each read alone."""
    found = 0.0
    for prompt in prompts:
        memory = model.encode(*source_batch([prompt], CPU))
        ours = model.logits(model.hidden(torch.tensor([[BEGIN]]), memory))[0, 0]
        theirs = library(torch.tensor([[*prompt.tolist(), BEGIN]])).logits[0, -1]
        found = max(found, float((ours - theirs).abs().max()))
    return found


def ours(model: CausalLm, trained: TrainingConfig, config: DecodingConfig) -> Sample:
    """By the engine that the config leads to, as `modeling.decoding` has it."""
    engine = engine_for(model, trained, config, CPU) if config.engine != "torch" else None
    width = max(1, config.batch // config.texts)

    def sample(prompts: Sequence[Tokens]) -> list[list[int]]:
        texts = []
        for start in range(0, len(prompts), width):
            batch = prompts[start : start + width]
            names = [str(start + place) for place in range(len(batch))]
            found = engine.texts(batch) if engine else decode_batch(model, batch, names, config)
            texts += [text.tokens for each in found for text in each]
        return texts

    return sample


@torch.inference_mode()
def generated(library: Any, config: DecodingConfig, width: int, prompts: Sequence[Tokens]) -> list[list[int]]:
    texts = []
    prompts_a_batch = max(1, width // config.samples)
    for start in range(0, len(prompts), prompts_a_batch):
        batch = [[*prompt.tolist(), BEGIN] for prompt in prompts[start : start + prompts_a_batch]]
        longest = max(map(len, batch))
        found = library.generate(
            input_ids=torch.tensor([[PAD] * (longest - len(each)) + each for each in batch]),
            attention_mask=torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in batch]),
            generation_config=GenerationConfig(
                do_sample=True,
                top_p=config.top_p,
                temperature=config.temperature,
                top_k=0,
                num_return_sequences=config.samples,
                suppress_tokens=NEVER_WRITTEN,
                min_new_tokens=config.min_length,
                max_new_tokens=config.max_length,
                pad_token_id=PAD,
                eos_token_id=END,
            ),
        )
        rows = found[:, longest:].tolist()
        texts += [each[: each.index(END)] if END in each else each for each in rows]
    return texts


def best_width(library: Any, prompts: Sequence[Tokens], config: DecodingConfig) -> int:
    """Texts a batch with which `generate` takes the least time, of as many as there are."""

    def seconds(width: int) -> float:
        start = time.process_time()
        generated(library, config, width, prompts)
        return time.process_time() - start

    texts = config.samples * len(prompts)
    return min((each for each in PEERS_WIDTHS if each <= texts), key=seconds, default=PEERS_WIDTHS[0])


if __name__ == "__main__":
    main()
