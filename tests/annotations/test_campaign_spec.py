"""One model says what a campaign is: its file, the site's form and the JSON schema agree."""

import json
from typing import Any

import pytest
from django import forms
from django.core.management import call_command

from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.spec import KEYS, TABLES, CampaignSpec
from annotations.errors import InputError

GOOD: dict[str, Any] = {
    "name": "c", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human", "gru"],
    "criteria": ["x"], "items": 3,
}  # fmt: skip
ODD = [None, True, -1, 0, 2.5, 10**12, float("nan"), "", "a,b", "x" * 30_000, [], [1], ["a", "a"], ["a", "b"], {"a": 1}]


@pytest.mark.parametrize("key", KEYS)
def test_whatever_stands_at_a_key_is_taken_or_refused_at_that_key_in_plain_words(key: str) -> None:
    refused = []
    for value in ODD:
        try:
            CampaignSpec.from_mapping(GOOD | {key: value})
        except InputError as error:
            refused.append(error)
    assert len(refused) > len(ODD) / 2
    for error in refused:
        assert error.field.partition(".")[0] == key, "or at a key of a table there"
        assert "Input should" not in str(error)
        assert any(
            words in str(error)
            for words in ("must be", "is not one of", "appears twice", "a name has", "none", "no such key")
        )


@pytest.mark.parametrize("key", ["name", "purpose", "dataset", "split", "systems", "criteria", "items"])
def test_a_key_that_is_missing_is_said_with_what_it_takes(key: str) -> None:
    with pytest.raises(InputError, match=f"^{key}: missing; give ") as caught:
        CampaignSpec.from_mapping({name: value for name, value in GOOD.items() if name != key})
    assert caught.value.field == key


@pytest.mark.parametrize(
    ("typed", "meant"), [("sytems", "systems"), ("critera", "criteria"), ("min_answers", "minimum_answers")]
)
def test_an_unknown_key_is_refused_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"^{typed}: no such key; the nearest is {meant}; the keys are name, "):
        CampaignSpec.from_mapping(GOOD | {typed: 1})


def test_the_form_has_every_key_with_its_limits() -> None:
    fields = CampaignForm().fields
    assert KEYS.keys() - fields.keys() == {"split", "criterion", *TABLES}, "from the purpose; with forms of their own"
    tables = {f"{table}_{key}": rule for table, rules in TABLES.items() for key, rule in rules.items()}
    assert fields.keys() - KEYS.keys() == {"own_criteria", "named_items", *tables}
    for key, field in fields.items():
        rule = {**KEYS, **tables}.get(key, {})
        if isinstance(field, forms.IntegerField) and not isinstance(field, forms.FloatField):
            assert (field.min_value, field.max_value) == (rule["minimum"], rule["maximum"])
        if type(field) is forms.ChoiceField:
            assert sorted(name for name, _ in field.choices) == sorted(rule.get("enum", [rule.get("const")]))
        if isinstance(field.widget, forms.Textarea) and rule.get("type") == "string":
            assert field.max_length == rule["maxLength"]


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    call_command("create_campaign", "--schema")
    schema = json.loads(capsys.readouterr().out)
    call_command("create_campaign", "--schema", "--json")
    assert json.loads(capsys.readouterr().out) == schema
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema).is_valid
    assert check(GOOD)
    assert check(
        GOOD | {"points": 7, "protocol": "likert", "equivalence_margin": 0.5, "primary": ["gru", "human", "x"]}
    )
    for wrong in (
        {"sytems": 1},
        {"items": 0},
        {"looks": 21},
        {"show": "all"},
        {"equivalence_margin": 0},
        {"systems": []},
    ):
        assert not check(GOOD | wrong)
        with pytest.raises(InputError):
            CampaignSpec.from_mapping(GOOD | wrong)
