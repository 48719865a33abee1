"""The words by which raters know a criterion, in their language."""

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import get_language, override
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as translated_when_read
from django.utils.translation import gettext_noop as translatable

LANGUAGES: dict[str, str] = dict(settings.LANGUAGES)  # that raters can choose, by code, each by its own name


class Label(NamedTuple):
    """`question` is asked of one text, `which` of two, `best` and `worst` of more; `low` and `high` are the ends of a
    scale, of each of which a short text can be an example."""

    title: str
    question: str
    which: str
    best: str
    worst: str
    low: str
    high: str
    example_low: str = ""
    example_high: str = ""


__all__ = ["LANGUAGES", "Label", "get_language", "override", "translatable", "translated", "translated_when_read"]
