"""What forms that launch runs have in common: one base, and the fields of queues, data sets and settings."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django import forms
from django.db.models import QuerySet

from annotations.models import Dataset, Split, System
from annotations.web.forms import show_problem
from modeling.config import Config, DecodingConfig, TrainingConfig
from workers.models import Generation, Run

Result = TypeVar("Result")
Launched = Run | Generation
OF_PRESET = "the preset's value"
SPLITS = [(split, split) for split in Split.values]
OBJECTIVES = [
    ("likelihood", "likelihood: of human texts, and of rated ones by their weights"),
    ("dpo", "dpo: preferences"),
    ("kto", "kto: scores or labels of single texts"),
    ("ipo", "ipo: preferences, with a bounded margin"),
    ("simpo", "simpo: preferences, without a reference model"),
    ("distillation", "distillation: likelihood of the preferred texts"),
    ("unlikelihood", "unlikelihood: of what raters marked as errors"),
]


def queue_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[("cpu", "cpu"), ("gpu", "gpu")],
        help_text="Which workers execute the run; it waits until a worker listens to this queue.",
    )


def setting_field(config: type[Config], name: str, *, empty: str = "", **options: Any) -> forms.Field:
    """The field of a setting of `modeling.config`, which is what checks it. Left empty it stays as it is: at its
    default, or at what `empty` says."""
    setting = config.__dataclass_fields__[name]
    default, choices = setting.default, setting.metadata["choices"]
    if isinstance(default, bool):
        choices, default = ("true", "false"), str(default).lower()
    options = {"required": False, "help_text": sentence(setting.metadata["help"]), **options}
    if choices:
        first = [("", empty)] if empty else []
        options = {"choices": [*first, *((each, each) for each in choices)], **options}
        return forms.ChoiceField(**options, initial="" if empty else default)
    if empty and empty != OF_PRESET:  # which the form says of all of its settings
        options["help_text"] += f" If empty: {empty}."
    kinds = {int: forms.IntegerField, float: forms.FloatField, str: forms.CharField}
    return kinds[type(default)](**options, initial=None if empty else default)


def sentence(text: str) -> str:
    """A help of `modeling.config` as a sentence; the name of a method or value that leads it stays as it is written."""
    first = text.split()[0]
    return f"{text if first.endswith(':') else text[0].upper() + text[1:]}."


def training_field(name: str, *, empty: str = OF_PRESET, **options: Any) -> forms.Field:
    return setting_field(TrainingConfig, name, empty=empty, **options)


def decoding_field(name: str, **options: Any) -> forms.Field:
    return setting_field(DecodingConfig, name, **options)


def dataset_field() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Dataset.objects.order_by("name"), to_field_name="name", initial=Dataset.objects.newest_name
    )


class TrainedField(forms.ModelChoiceField):
    beside = "workers/_untrained.html"  # what to do where there is none


def trained_systems() -> QuerySet[System]:
    """Those that are offered: their files are there, and learning from feedback has not made them worse."""
    kept = System.objects.filter(checkpoint__pruned_at=None, checkpoint__isnull=False)
    return kept.filter(checkpoint__worse="").order_by("name")


def trained_field() -> forms.ModelChoiceField:
    return TrainedField(trained_systems(), to_field_name="name", empty_label=None)


class LaunchForm(forms.Form):
    """A form that makes a run, or a generation of them. `further` are the fields under "More settings"."""

    title = ""
    explanation = ""
    button = "Launch"
    check_button = ""  # of a form that can say what it would do
    further: Sequence[str] = ()
    about_further = ""

    def check(self) -> dict[str, Any] | None:
        """What launching would do, or None with the problem shown."""
        return None

    def launch(self) -> Launched:
        """Raises InputError, or a ValueError of `modeling` for its settings."""
        raise NotImplementedError

    def launched(self) -> Launched | None:
        """What was made, or None with the problem shown at its field or above the form."""
        if not self.is_valid():
            return None
        return self.attempt(self.launch)

    def attempt(self, what: Callable[[], Result]) -> Result | None:
        """What it gives, or None with the problem shown at its field or above the form."""
        try:
            return what()
        except ValueError as error:  # InputError is one, and so are the errors of modeling's settings
            show_problem(self, error)
            return None

    def overrides(self, names: Sequence[str]) -> list[str]:
        """`key=value` of the fields that were filled in."""
        return [f"{name}={self.cleaned_data[name]}" for name in names if self.cleaned_data[name] not in (None, "")]
