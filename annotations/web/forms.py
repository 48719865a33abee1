"""What forms of all pages share."""

from typing import Any

from django import forms


def show_problem(form: forms.Form, error: Any) -> None:
    """Show an error at the form's field that it is about, where it is an InputError, or one of `modeling`, that says
    which; else above the form."""
    field = getattr(error, "field", "")
    if field in form.fields:
        form.add_error(field, error.problem)
    else:
        form.add_error(None, str(error))
