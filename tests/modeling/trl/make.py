"""Make the fixtures `cases.json` and `tensors.safetensors`: losses and gradients of TRL's trainers on a tiny T5.

Run once, in an environment of its own (the project does not depend on TRL):

    python3.11 -m venv trlenv
    trlenv/bin/pip install trl==0.26.2 transformers==4.57.6 datasets==4.4.2 accelerate==1.15.0 torch==2.13.0
    trlenv/bin/python tests/modeling/trl/make.py

Newer versions of transformers and datasets do not import together with this TRL. README.md, beside this file, says what
the fixtures hold, and what TRL counts and averages. Everything that is recorded comes out of TRL's own code.
"""

import json
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import pad
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration
from trl import DPOConfig, DPOTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.kto import KTOConfig, KTOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference
from trl.trainer.utils import DPODataCollatorWithPadding

HERE = Path(__file__).parent
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
CONFIG = {
    "vocab_size": 40,
    "d_model": 16,
    "d_kv": 4,
    "d_ff": 32,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "num_heads": 2,
    "dropout_rate": 0.0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
SEEDS = {"policy": 2, "reference": 1}
PAIRS = [  # source, chosen, rejected: the longest text of all is a rejected one
    ("fireworks in the sky", "the fireworks were beautiful", "a sky"),
    ("a girl and a dog at the lake", "our dog swam in the lake and we laughed", "the dog was in it"),
    ("a cake on the day of a party", "we ate cake", "it was a cake and it was a great cake and it was fun"),
    ("friends", "we had a great time together", "friends were friends at home"),
]
TEXTS = [  # source, text, desirable
    ("fireworks in the sky", "we watched the beautiful fireworks", True),
    ("a boy", "the boy was happy to be home", True),
    ("a dog on the lake", "lake lake lake", False),
    ("a family at a party", "our family laughed and ate and had fun together all night", True),
    ("the day", "it was a day", False),
]
EVERY_WORD = dict.fromkeys(" ".join(text for row in (*PAIRS, *TEXTS) for text in row if isinstance(text, str)).split())
WORDS = list(EVERY_WORD)[: CONFIG["vocab_size"] - 3]  # the others are unknown
PER_TOKEN = ("ipo", "simpo")  # the loss types that read a mean over tokens; the others read sums
COMMON = {"report_to": "none", "use_cpu": True, "bf16": False, "per_device_train_batch_size": len(TEXTS)}


def tokenizer() -> PreTrainedTokenizerFast:
    """Words by white space, and as T5's: no beginning, an end after each text."""
    ids = {word: number for number, word in enumerate([PAD, END, UNKNOWN, *WORDS])}
    made = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    made.pre_tokenizer = WhitespaceSplit()
    made.post_processor = TemplateProcessing(single=f"$A {END}", special_tokens=[(END, ids[END])])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=PAD, eos_token=END, unk_token=UNKNOWN)


def tiny(name: str) -> T5ForConditionalGeneration:
    """Random weights; those of its norms are not all 1, as they are where a T5 begins."""
    torch.manual_seed(SEEDS[name])
    model = T5ForConditionalGeneration(T5Config(**CONFIG))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    return model


@dataclass
class SpareColumn(DataCollatorForPreference):
    """A column of padding after the longest text: the trainer leaves out the last column of an encoder-decoder."""

    def torch_call(self, examples: list) -> dict:
        batch = super().torch_call(examples)
        for text in ("chosen", "rejected"):
            batch[f"{text}_input_ids"] = pad(batch[f"{text}_input_ids"], (0, 1), value=self.pad_token_id)
            batch[f"{text}_attention_mask"] = pad(batch[f"{text}_attention_mask"], (0, 1), value=0)
        return batch


def recorded(trainer: object, name: str) -> dict:
    """What the trainer's loss function is called with and returns, kept while the trainer runs."""
    function, kept = getattr(trainer, name), {}

    def call(*arguments: object) -> tuple:
        kept["arguments"], kept["results"] = arguments, function(*arguments)
        return kept["results"]

    setattr(trainer, name, call)
    return kept


def rows(trainer: object) -> list[dict]:
    return [trainer.train_dataset[number] for number in range(len(trainer.train_dataset))]


def gradients(model: torch.nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def dpo(folder: str, *, spare_column: bool = True, **settings: object) -> tuple[dict, dict]:
    # The trainer never puts an end after a source, whatever the model: it stands in the text here.
    data = [{"prompt": f"{source} {END}", "chosen": chosen, "rejected": other} for source, chosen, other in PAIRS]
    trainer = DPOTrainer(
        model=tiny("policy"),
        ref_model=tiny("reference"),
        args=DPOConfig(folder, **settings, **COMMON),
        data_collator=(SpareColumn if spare_column else DataCollatorForPreference)(pad_token_id=0),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer(),
    )
    for row, pair in zip(rows(trainer), pairs(), strict=True):
        columns = {"source": "prompt_input_ids", "chosen": "chosen_input_ids", "rejected": "rejected_input_ids"}
        check({key: row[column] for key, column in columns.items()}, pair)
    kept = recorded(trainer, "dpo_loss")
    loss, _ = trainer.get_batch_loss_metrics(trainer.model, trainer.data_collator(rows(trainer)))
    chosen, rejected, reference_chosen, reference_rejected, *_ = kept["arguments"]
    case = {
        "trainer": "DPOTrainer",
        "settings": settings,
        "logps_are": "means" if settings["loss_type"] in PER_TOKEN else "sums",
        "policy": "policy",
        "reference": "reference",
        "loss": loss.item(),
        "losses": kept["results"][0].tolist(),
        "policy_logps": {"chosen": chosen.tolist(), "rejected": rejected.tolist()},
        "reference_logps": {"chosen": reference_chosen.tolist(), "rejected": reference_rejected.tolist()},
    }
    return case, gradients(trainer.model, loss)


def simpo(folder: str, **settings: object) -> tuple[dict, dict]:
    data = [{"prompt": source, "chosen": chosen, "rejected": other} for source, chosen, other in PAIRS]
    trainer = CPOTrainer(
        model=tiny("policy"),
        args=CPOConfig(folder, **settings, **COMMON),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer(),
    )
    for row, pair in zip(rows(trainer), pairs(), strict=True):
        columns = {"source": "prompt_input_ids", "chosen": "chosen_labels", "rejected": "rejected_labels"}
        check({key: row[column] for key, column in columns.items()}, pair)
    kept = recorded(trainer, "cpo_loss")
    loss, _ = trainer.get_batch_loss_metrics(trainer.model, trainer.data_collator(rows(trainer)))
    chosen, rejected = kept["arguments"]
    case = {
        "trainer": "CPOTrainer",
        "settings": settings,
        "logps_are": "means" if settings["loss_type"] in PER_TOKEN else "sums",
        "policy": "policy",
        "reference": None,
        "loss": loss.item(),
        "losses": kept["results"][0].tolist(),
        "policy_logps": {"chosen": chosen.tolist(), "rejected": rejected.tolist()},
        "reference_logps": None,
    }
    return case, gradients(trainer.model, loss)


def kto(folder: str, *, policy: str = "policy", reference: str = "reference", **settings: object) -> tuple[dict, dict]:
    data = [{"prompt": source, "completion": text, "label": desirable} for source, text, desirable in TEXTS]
    trainer = KTOTrainer(
        model=tiny(policy),
        ref_model=tiny(reference),
        args=KTOConfig(folder, **settings, **COMMON),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer(),
    )
    for row, text in zip(rows(trainer), texts(), strict=True):
        check({"source": row["prompt_input_ids"], "text": row["completion_labels"]}, text)
    kept = recorded(trainer, "kto_loss")
    loss, metrics = trainer.get_batch_loss_metrics(trainer.model, kto_batch(rows(trainer)))
    chosen, rejected, mismatched, reference_chosen, reference_rejected, reference_mismatched = kept["arguments"]
    case = {
        "trainer": "KTOTrainer",
        "settings": settings,
        "logps_are": "means" if settings["loss_type"] in PER_TOKEN else "sums",
        "policy": policy,
        "reference": reference,
        "loss": loss.item(),
        "losses": in_order(*kept["results"][0].split([len(chosen), len(rejected)])),
        "kl": metrics["kl"],
        "policy_logps": {"text": in_order(chosen, rejected), "mismatched": mismatched.tolist()},
        "reference_logps": {
            "text": in_order(reference_chosen, reference_rejected),
            "mismatched": reference_mismatched.tolist(),
        },
    }
    return case, gradients(trainer.model, loss)


def kto_batch(tokenized: list[dict]) -> dict:
    """The batch that `KTOTrainer` reads of an encoder-decoder, which its collator and data cannot make (README.md)."""
    collator = DPODataCollatorWithPadding(pad_token_id=0, label_pad_token_id=-100, is_encoder_decoder=True)
    columns = ("prompt_input_ids", "prompt_attention_mask", "completion_labels", "label")
    matched = [{column: row[column] for column in columns} for row in tokenized]
    others = [tokenized[-1], *tokenized[:-1]]  # the order of the trainer's own `_get_kl_dataset`
    labels = [{"completion_labels": other["completion_labels"]} for other in others]
    mismatched = [row | other for row, other in zip(matched, labels, strict=True)]
    batch = collator(matched) | {f"KL_{column}": values for column, values in collator(mismatched).items()}
    for column in ("input_ids", "attention_mask"):  # where the trainer's `forward` looks for the source
        batch[f"completion_{column}"] = batch[f"prompt_{column}"]
    return batch


def in_order(desirable: torch.Tensor, undesirable: torch.Tensor) -> list[float]:
    """Of all texts as they stand in the batch; the trainer keeps desirable and undesirable ones apart."""
    parts = {True: iter(desirable.tolist()), False: iter(undesirable.tolist())}
    return [next(parts[label]) for _, _, label in TEXTS]


def ids(text: str) -> list[int]:
    return tokenizer()(text)["input_ids"]


def pairs() -> list[dict]:
    return [
        {"source": ids(source), "chosen": ids(chosen), "rejected": ids(rejected)} for source, chosen, rejected in PAIRS
    ]


def texts() -> list[dict]:
    others = [TEXTS[-1], *TEXTS[:-1]]
    return [
        {"source": ids(source), "text": ids(text), "desirable": desirable, "mismatched": ids(other)}
        for (source, text, desirable), (_, other, _) in zip(TEXTS, others, strict=True)
    ]


def check(tokenized: dict, expected: dict) -> None:
    """Raise where a trainer's own tokens are others than the fixture's."""
    if any(list(tokenized[key]) != expected[key] for key in tokenized):
        raise SystemExit(f"the trainer's ids are {tokenized}, the fixture's {expected}")


def main() -> None:
    weighted = {"loss_type": "kto", "beta": 0.3, "desirable_weight": 1.0, "undesirable_weight": 1.4}
    with tempfile.TemporaryDirectory() as folder:
        made = {
            "dpo": dpo(folder, loss_type="sigmoid", beta=0.1),
            "robust_dpo": dpo(folder, loss_type="robust", beta=0.1, label_smoothing=0.2),
            "ipo": dpo(folder, loss_type="ipo", beta=0.25),
            "simpo": simpo(folder, loss_type="simpo", beta=2.0, simpo_gamma=1.0, cpo_alpha=0.0),
            "kto": kto(folder, **weighted),
            "kto_clamped": kto(folder, policy="reference", reference="policy", **weighted),
        }
        without_column, _ = dpo(folder, spare_column=False, loss_type="sigmoid", beta=0.1)
    packages = ("trl", "transformers", "torch", "accelerate", "datasets", "tokenizers")
    fixture = {
        "made_with": {package: version(package) for package in packages},
        "config": CONFIG,
        "vocabulary": [PAD, END, UNKNOWN, *WORDS],
        "pairs": pairs(),
        "texts": texts(),
        "cases": {name: case for name, (case, _) in made.items()},
        "dpo_without_spare_column": without_column,
    }
    tensors = {f"{name}/{key}": weight.detach() for name in SEEDS for key, weight in tiny(name).named_parameters()}
    for name, (_, gradient) in made.items():
        tensors |= {f"{name}/{key}": values for key, values in gradient.items()}
    (HERE / "cases.json").write_text(laid_out(fixture), encoding="utf-8")
    save_file(tensors, HERE / "tensors.safetensors")


def laid_out(fixture: dict) -> str:
    """JSON with a list of numbers on a line."""
    lists = {}

    def short(value: object) -> object:
        if isinstance(value, dict):
            return {key: short(each) for key, each in value.items()}
        if isinstance(value, list) and not any(isinstance(each, dict) for each in value):
            lists[key := f"@{len(lists)}@"] = json.dumps(value)
            return key
        return [short(each) for each in value] if isinstance(value, list) else value

    text = json.dumps(short(fixture), indent=1) + "\n"
    for key, written in lists.items():
        text = text.replace(f'"{key}"', written)
    return text


if __name__ == "__main__":
    main()
