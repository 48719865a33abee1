"""A campaign's file in TOML, read and written."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from annotations.campaigns.questionnaires import FORMS
from annotations.campaigns.spec import TABLES, CampaignSpec
from annotations.campaigns.wording import tables
from annotations.corpora.readers.files import text_of
from annotations.errors import InputError
from texts.limits import MAX_DEPTH, too_deep
from texts.storable import escaped

MAX_FILE_BYTES = 1 << 18  # bytes
# Of TOML, what is no key or is one in quotes; in the order in which they begin, as a comment may hold quotes.
QUOTED = re.compile(r"""#[^\n]*|\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""", re.DOTALL)
DOTTED = re.compile(rf"""(?<!["'\w-])(?:["'\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")  # a key of as many tables
BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that needs no quotes


def read_campaign_file(file: Path) -> CampaignSpec:
    text = text_of(file, MAX_FILE_BYTES)
    nested = InputError("", f"lists and tables are nested more than {MAX_DEPTH} deep", where=file)
    if DOTTED.search(QUOTED.sub("a", text)):
        raise nested
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("", f"not TOML ({error})", where=file) from error
    if too_deep(values):
        raise nested
    try:
        return CampaignSpec.from_mapping(values)
    except InputError as error:
        error.where = escaped(str(file))
        raise


def campaign_toml(spec: CampaignSpec) -> str:
    """The file that reads back as the spec; what is not set has no line. Strings and lists of JSON are TOML's as well,
    but for a raw delete sign."""
    values = spec.model_dump(exclude={"criterion", "example", *TABLES, *FORMS})
    lines = list(lines_of({key: value for key, value in values.items() if value is not None}))
    for name in TABLES:
        if stored_there := getattr(spec, name).stored():
            lines += ["", f"[{name}]", *lines_of(stored_there)]
    for place, words in tables(spec.criterion):
        keys = (part if BARE.fullmatch(part) else written(part) for part in place)
        lines += ["", f"[{'.'.join(['criterion', *keys])}]", *lines_of(words)]
    if spec.example:
        lines += ["", "[example]", *lines_of(spec.example.stored())]
    for form, questions in spec.questionnaires.items():
        for question in questions:
            lines += ["", f"[[{form}]]", *lines_of(question)]
    return "\n".join(lines).replace("\x7f", "\\u007f") + "\n"


def lines_of(values: Mapping[str, object]) -> Iterator[str]:
    return (f"{key} = {written(value)}" for key, value in values.items())


def written(value: object) -> str:
    if isinstance(value, Mapping):
        inner = (f"{key if BARE.fullmatch(key) else written(key)} = {written(each)}" for key, each in value.items())
        return f"{{ {', '.join(inner)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False)
