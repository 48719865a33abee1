"""Forms that launch runs. What they hold is checked by the jobs' own `launch`, as on the command line."""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from annotations.errors import InputError
from annotations.models import Campaign, Dataset, FeedbackSet, Split, System
from annotations.services.feedback import FeedbackSettings
from modeling.config import DecodingConfig, TrainingConfig, preset_names
from modeling.metrics import METRICS
from modeling.metrics.indistinguishable import JUDGES
from workers.jobs import corpus, decoding, feedback, importing, scoring, training
from workers.jobs.scoring import CHECKPOINT_METRICS
from workers.lifecycle import run_of
from workers.models import Run

TRAINING, DECODING = TrainingConfig.__dataclass_fields__, DecodingConfig.__dataclass_fields__
SPLITS = [(split, split) for split in Split.values]
PAIRING_LABELS = {
    "aligned": "aligned: the sentences on the caption's own photo",
    "positional": "positional: at the same place of the album, as the 2018 reference did",
}


def queue_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[("cpu", "cpu"), ("gpu", "gpu")],
        help_text="Which workers do it; a run waits until a worker listens to its queue.",
    )


def dataset_field() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Dataset.objects.order_by("name"), to_field_name="name", initial=Dataset.objects.newest_name
    )


class LaunchForm(forms.Form):
    """A form that makes a run. `further` are the fields under "More settings"."""

    title = ""
    explanation = ""
    button = "Launch"
    further: Sequence[str] = ()

    def launch(self) -> Run:
        """Raises InputError, or a ValueError of `modeling` for its settings."""
        raise NotImplementedError

    def run(self) -> Run | None:
        """The run made, or None with the problem shown at its field or above the form."""
        if not self.is_valid():
            return None
        try:
            return self.launch()
        except ValueError as error:  # InputError is one, and so are the errors of modeling's settings
            key = str(error).partition("=")[0].partition(":")[0].strip()
            self.add_error(key if key in self.fields else None, str(error))
            return None

    def overrides(self, names: Sequence[str]) -> list[str]:
        """`key=value` of the fields that were filled in."""
        return [f"{name}={self.cleaned_data[name]}" for name in names if self.cleaned_data[name] not in (None, "")]


class TrainForm(LaunchForm):
    title = "Train a model"
    explanation = "A new system learns from the captions and story sentences of the dataset's train albums."
    button = "Start training"
    further = ("pairing", "source", "learning_rate", "dropout", "seed", "queue")

    dataset = dataset_field()
    preset = forms.ChoiceField(
        choices=lambda: [(name, name) for name in preset_names()],
        initial="gru-luong",
        help_text="gru-luong is the model to use on a CPU, transformer-base on a GPU; the seeds are the 2018 "
        "reference's; tiny only tries things out.",
    )
    name = forms.SlugField(
        max_length=100, required=False, help_text="What the new system is called. Empty: preset and dataset."
    )
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
    pairing = forms.ChoiceField(
        choices=[("", "the preset's own: aligned, for the seeds positional"), *PAIRING_LABELS.items()],
        required=False,
        help_text="Which sentences stand beside a caption.",
    )
    source = forms.CharField(
        initial=corpus.CAPTION,
        help_text="What the model is given: caption, or the name of a system whose outputs it reads, or * for any.",
    )
    learning_rate = forms.FloatField(required=False, help_text="Peak of Adam's learning rate. Empty: the preset's.")
    dropout = forms.FloatField(required=False, help_text="More of it for smaller data. Empty: the preset's.")
    seed = forms.IntegerField(required=False, help_text=f"{TRAINING['seed'].metadata['help']}. Empty: 1.")
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        made = training.launch(
            dataset=given["dataset"].name,
            preset=given["preset"],
            overrides=self.overrides(["budget", "pairing", "source", "learning_rate", "dropout", "seed"]),
            feedback=given["feedback"].name if given["feedback"] else None,
            name=given["name"] or None,
            queue=given["queue"],
        )
        return run_of(made)


class DecodeForm(LaunchForm):
    title = "Decode"
    explanation = "A trained system writes a text for every caption of a split. The decoding never changes afterwards."
    button = "Start decoding"
    further = ("samples", "source", "seed", "queue")

    system = forms.ModelChoiceField(
        System.objects.filter(checkpoint__pruned_at=None, checkpoint__isnull=False).order_by("name"),
        to_field_name="name",
        empty_label=None,
    )
    dataset = dataset_field()
    split = forms.ChoiceField(choices=SPLITS, initial="test")
    method = forms.ChoiceField(
        choices=[("nucleus", "nucleus: draws, lively"), ("greedy", "greedy: the likeliest, plain")],
        help_text=DECODING["method"].metadata["help"],
    )
    top_p = forms.FloatField(initial=DECODING["top_p"].default, help_text=DECODING["top_p"].metadata["help"])
    temperature = forms.FloatField(
        initial=DECODING["temperature"].default, help_text=DECODING["temperature"].metadata["help"]
    )
    samples = forms.IntegerField(initial=1, help_text=DECODING["samples"].metadata["help"])
    source = forms.CharField(required=False, help_text="Another input than it was trained on: a system's name.")
    seed = forms.IntegerField(initial=1, help_text=DECODING["seed"].metadata["help"])
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        made = decoding.launch(
            system=given["system"].name,
            dataset=given["dataset"].name,
            split=given["split"],
            overrides=self.overrides(["method", "top_p", "temperature", "samples", "source", "seed"]),
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
        help_text="None chosen: every system with a decoding of the split.",
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

    name = forms.SlugField(max_length=100)
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


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, as a list."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list) else [data] if data else []
        if self.required and not files:
            raise forms.ValidationError(self.error_messages["required"])
        return [super(FilesField, self).clean(file, initial) for file in files]


class ImportForm(LaunchForm):
    """Uploaded files are put where the workers read them; `roles` says which field holds which kind."""

    button = "Import"
    form = ""
    roles: Sequence[str] = ("file",)

    dataset = forms.SlugField(max_length=100, help_text="An existing dataset's name adds to it; a new one makes it.")

    def options(self) -> dict[str, Any]:
        raise NotImplementedError

    def launch(self) -> Run:
        given, options = self.cleaned_data, self.options()
        folder = settings.VAR_DIR / importing.UPLOADS / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            files = {role: keep(given[role], folder, role) for role in self.roles}
            return importing.launch(config={"form": self.form, "dataset": given["dataset"], "files": files, **options})
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def keep(given: UploadedFile | list[UploadedFile], folder: Path, role: str) -> list[str]:
    """Store uploaded files under their own names, and say where; a name that is taken gets the role before it."""
    uploads = given if isinstance(given, list) else [given]
    paths = []
    for upload in uploads:
        path = folder / Path(str(upload.name)).name
        while path.exists():
            path = folder / f"{role}-{path.name}"
        with path.open("xb") as out:
            for chunk in upload.chunks():
                out.write(chunk)
        paths.append(str(path))
    return paths


def image_folders() -> list[tuple[str, str]]:
    """Folders under `VAR_DIR/images`, which is where pictures are put for an import from the site."""
    root = settings.VAR_DIR / "images"
    names = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [("", "none"), *((name, name) for name in names)]


class ImportVistForm(ImportForm):
    title = "Import VIST files"
    explanation = "VIST's two annotation files in their official layout: captions (DII), stories (SIS), or both."
    form = "vist"
    roles = ("dii", "sis")

    split = forms.ChoiceField(choices=SPLITS, initial="train")
    dii = FilesField(required=False, label="Captions (description in isolation), JSON")
    sis = FilesField(required=False, label="Stories (story in sequence), JSON")
    images = forms.ChoiceField(
        choices=image_folders,
        required=False,
        help_text="A folder under images/ of the site's VAR_DIR, its pictures named after the photos' ids.",
    )

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given["dii"] and not given["sis"]:
            raise InputError("choose a file of captions, of stories, or both")
        images = str(settings.VAR_DIR / "images" / given["images"]) if given["images"] else ""
        return {"split": given["split"], "images": images}


class ImportPairsForm(ImportForm):
    title = "Import JSON lines"
    explanation = (
        "One JSON object a line with a caption, what people wrote, and other systems' outputs. A field is a dotted "
        "path to a text or a list of texts."
    )
    form = "pairs"
    further = ("album_field", "photo_field", "systems")

    split = forms.ChoiceField(choices=SPLITS, initial="test")
    file = forms.FileField(label="File, JSONL")
    source_field = forms.CharField(
        required=False,
        help_text="Where the caption is. Empty: 'caption', where the first line has it; else the photo is the source.",
    )
    reference_field = forms.CharField(initial="story", help_text="Where a person's sentence is.")
    album_field = forms.CharField(required=False, help_text="Empty: each line is a document of its own.")
    photo_field = forms.CharField(required=False, help_text="Empty: each line is a photo of its own.")
    systems = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Other systems' outputs",
        help_text="NAME=FIELD, one a line; *=FIELD makes each key of the object in the field a system.",
    )

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        fields = {
            "source": given["source_field"] or None,
            "reference": given["reference_field"],
            "album": given["album_field"] or None,
            "photo": given["photo_field"] or None,
            "systems": [line.strip() for line in given["systems"].splitlines() if line.strip()],
        }
        importing.parse_systems(fields["systems"])
        return {"split": given["split"], "fields": fields}


class ImportOutputsForm(ImportForm):
    title = "Import a system's outputs"
    explanation = "JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."
    form = "outputs"

    system = forms.SlugField(max_length=100, help_text="What the system is called here.")
    file = forms.FileField()

    def options(self) -> dict[str, Any]:
        return {"system": self.cleaned_data["system"]}


LAUNCH_FORMS: dict[str, type[LaunchForm]] = {
    "train": TrainForm,
    "decode": DecodeForm,
    "score": ScoreForm,
    "feedback": FeedbackForm,
}
IMPORT_FORMS: dict[str, type[ImportForm]] = {
    "vist": ImportVistForm,
    "pairs": ImportPairsForm,
    "outputs": ImportOutputsForm,
}
