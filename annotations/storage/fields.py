"""Fields of models and forms that hold names, and texts' digests."""

import hashlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from annotations.names import MAX_NAME_LENGTH, RULE, composed, name_problem


def validate_name(value: str) -> None:
    if problem := name_problem(value):
        raise ValidationError(f"It {problem}; {RULE}.", code="name")


def name_column() -> "models.CharField[str, str]":
    return models.CharField(max_length=MAX_NAME_LENGTH, unique=True, validators=[validate_name])


def name_length(model: str) -> models.CheckConstraint:
    """That a name has 1 to 100 characters on every database: SQLite knows no longest text by itself."""
    return models.CheckConstraint(
        condition=~Q(name="") & Q(LessThanOrEqual(Length("name"), MAX_NAME_LENGTH)),
        name=f"{model}_name_length",
        violation_error_message=f"A name has 1 to {MAX_NAME_LENGTH} characters.",
    )


class NameField(forms.CharField):
    """A name of something new, composed."""

    def __init__(self, *, max_length: int = MAX_NAME_LENGTH, **options: Any) -> None:
        super().__init__(max_length=max_length, validators=[validate_name], **options)

    def to_python(self, value: Any) -> str:
        return composed(super().to_python(value) or "")


def digest_of(text: str) -> str:
    """SHA-256. Texts of any length are told apart by it in an index, where PostgreSQL holds 2,700 bytes at most."""
    return hashlib.sha256(text.encode()).hexdigest()


class DigestField(models.CharField):
    """The digest of another field of the row, made whenever a row is saved, alone or with many others."""

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**{**options, "max_length": 64, "editable": False})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, options = super().deconstruct()
        return name, path, [self.of, *args], {key: value for key, value in options.items() if key != "max_length"}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        digest = digest_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, digest)
        return digest
