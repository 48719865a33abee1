"""The part of the campaign's form in which criteria are worded: a form for each, and blank ones for others."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.formsets import formset_factory

from annotations.campaigns.wording import RULES, CriterionWords, Words
from annotations.protocols.labels import LANGUAGES
from annotations.storage.fields import NameField

MAX_WORDED = 50
BLANK = 2  # forms
LONG = 200  # characters: what may be longer is written over several lines


class WordingForm(forms.Form):
    """The keys of a criterion's table in a campaign file, and again for each language."""

    name = NameField(required=False, label="Criterion", help_text="Its name, which raters do not see.")
    shown = ("name", "question", "low", "high", "example_low", "example_high")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for key in Words.model_fields:
            self.fields[key] = word_field(key)
        for language in LANGUAGES:
            for key in Words.model_fields:
                self.fields[f"{language}_{key}"] = word_field(key, help_text="", lang=language)

    @property
    def always(self) -> list[forms.BoundField]:
        return [self[key] for key in self.shown]

    @property
    def more(self) -> list[tuple[str, list[forms.BoundField], bool]]:
        """What is seldom needed: what to call it, its fields, and whether one of them is filled or wrong."""
        others = [self[key] for key in Words.model_fields if key not in self.shown]
        groups = [("Name shown, and questions of several texts", others)] + [
            (f"In {name}, where it is other than above", [self[f"{language}_{key}"] for key in Words.model_fields])
            for language, name in LANGUAGES.items()
        ]
        return [(title, fields, any(field.value() or field.errors for field in fields)) for title, fields in groups]

    def table(self) -> dict[str, Any]:
        """What is filled, as a campaign file has it."""
        given = self.cleaned_data
        languages = {
            language: {key: given[f"{language}_{key}"] for key in Words.model_fields if given[f"{language}_{key}"]}
            for language in LANGUAGES
        }
        return {key: given[key] for key in Words.model_fields if given[key]} | {
            language: words for language, words in languages.items() if words
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors and bool(given["name"]) != bool(self.table()):
            key, problem = (
                ("question", "Write what raters are asked.") if given["name"] else ("name", "Name the criterion.")
            )
            self.add_error(key, problem)
        return given


def word_field(key: str, lang: str = "", **options: Any) -> forms.CharField:
    rule = RULES[key]
    longest = rule["maxLength"]
    attributes = {"lang": lang} if lang else {}
    widget = forms.Textarea({"rows": 2, **attributes}) if longest > LONG else forms.TextInput(attributes)
    words = {"label": rule["title"], "help_text": rule.get("description", ""), **options}
    return forms.CharField(required=False, max_length=longest, widget=widget, **words)


class WordingForms(formset_factory(WordingForm, extra=BLANK, max_num=MAX_WORDED, absolute_max=MAX_WORDED)):  # type: ignore[misc]
    prefix = "words"

    @classmethod
    def sent_in(cls, data: Mapping[str, Any]) -> bool:
        return f"{cls.prefix}-TOTAL_FORMS" in data

    @property
    def is_open(self) -> bool:
        """Whether there is something to see: words, or what is wrong with them."""
        return bool(self.initial or self.is_bound)

    def tables(self) -> dict[str, dict[str, Any]] | None:
        """By criterion; None where something is wrong."""
        if not self.is_valid():
            return None
        found: dict[str, dict[str, Any]] = {}
        for form in self.forms:
            if not (name := form.cleaned_data.get("name")):
                continue
            if name in found:
                form.add_error("name", f"'{name}' has words above already.")
                return None
            found[name] = form.table()
        return found

    @staticmethod
    def initial_of(criterion: Mapping[str, CriterionWords]) -> list[dict[str, str]]:
        return [
            {"name": name}
            | words.model_dump(include=set(Words.model_fields), exclude_defaults=True)
            | {
                f"{language}_{key}": word
                for language, translation in words.translations.items()
                for key, word in translation.model_dump(exclude_defaults=True).items()
            }
            for name, words in criterion.items()
        ]
