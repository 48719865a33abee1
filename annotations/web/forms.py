"""What forms of all pages share."""

import json
from typing import Any

from django import forms

from texts.limits import parse_json


def show_problem(form: forms.Form, error: Any) -> None:
    """Show an error at the form's field that it is about, where it is an InputError, or one of `modeling`, that says
    which; else above the form."""
    field = getattr(error, "field", "")
    if field in form.fields:
        form.add_error(field, error.problem)
    else:
        form.add_error(None, str(error))


class JsonField(forms.CharField):
    """A value of JSON, which is None where nothing is written."""

    widget = forms.Textarea({"rows": 4, "spellcheck": "false", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        if not (text := (super().to_python(value) or "").strip()):
            return None
        try:
            return parse_json(text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise forms.ValidationError(f"This is not JSON: {place}: {error.msg}.") from error
        except ValueError as error:  # beyond a limit
            raise forms.ValidationError(f"This cannot be taken: {error}.") from error

    def prepare_value(self, value: Any) -> Any:
        """As it was typed, or what is there in lines."""
        if value in (None, "", [], {}):
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)

    def validate(self, value: Any) -> None:
        if value is None:
            super().validate("")

    def run_validators(self, value: Any) -> None:
        """Of the text alone there are none."""
