"""Recruiting as a campaign file and the form declare it."""

import tomllib
from typing import Any

import pytest
from django.http import QueryDict

from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.recruiting import Arrival, Recruiting, arrival_in, pay_in_words, recruiting_in_words
from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import InputError
from tests.factories import make_campaign

PROLIFIC = {
    "service": "prolific", "study": "60aca280709ee40ec37d4885", "participants": 40, "completed_code": "C0MPLETE",
    "screened_out_code": "SCR33NED", "no_consent_code": "N0C0NSENT", "pay": 3.5, "currency": "GBP",
}  # fmt: skip


@pytest.mark.django_db
def test_a_campaign_keeps_what_was_declared_and_its_file_says_it_again() -> None:
    campaign = make_campaign(
        recruiting=PROLIFIC | {"no_consent_to": "https://example.org/bye?c={code}&r={rater}"}
    ).campaign
    spec = spec_of(campaign)
    assert spec.recruiting.participants == 40
    assert campaign.recruited.no_consent_to == "https://example.org/bye?c={code}&r={rater}"
    assert CampaignSpec.from_mapping(tomllib.loads(campaign_toml(spec))) == spec


@pytest.mark.django_db
def test_the_form_holds_and_gives_back_the_table() -> None:
    origin = make_campaign(recruiting=PROLIFIC).campaign
    initial = CampaignForm.initial_of(spec_of(origin))
    data = QueryDict(mutable=True)
    for name, value in (initial | {"name": "another"}).items():
        if name in CampaignForm().fields and value not in (None, "", False):
            data.setlist(name, value if isinstance(value, list | tuple) else [value])
    form = CampaignForm(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["spec"].recruiting == spec_of(origin).recruiting
    data["recruiting_currency"] = "pounds"
    assert "must have" in str((wrong := CampaignForm(data)).errors) or "at most 3" in str(wrong.errors)
    data["recruiting_currency"] = "gbp"
    assert "three capital letters" in str(CampaignForm(data).errors["recruiting_currency"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"service": "sona"}, "recruiting.service: 'sona' is not one of link, prolific, mturk"),
        ({"study": "abc"}, "recruiting.study: goes with a service; say which one: service = prolific or mturk"),
        ({"service": "prolific", "study": "a b"}, "recruiting.study: 'a b' must be an id as the service shows it"),
        ({"pay": 3}, "recruiting.currency: missing; a pay needs its currency"),
        ({"currency": "EUR"}, "recruiting.pay: missing; currency goes with it"),
        ({"pay": -1, "currency": "EUR"}, "recruiting.pay: -1 must be a number from 0 to 1000000"),
        ({"completed_code": "a b"}, "recruiting.completed_code: 'a b' must be 1 to 40 letters"),
        ({"completed_code": "X", "no_consent_code": "X"}, "recruiting.completed_code: 'X' is the code of two endings"),
        ({"completed_to": "javascript:alert(1)"}, "recruiting.completed_to: 'javascript:alert(1)' must be an address"),
        ({"completed_to": "https:///x"}, "must be an address that begins with https://"),
        ({"completed_to": "https://{rater}.org/"}, "must be an address that begins with https://"),
        ({"completed_to": "https://a.org/?c={kode}"}, "may hold {code} and {rater}, and no other braces"),
        ({"completed_to": "https://a.org/?c={code"}, "may hold {code} and {rater}, and no other braces"),
        ({"participants": 0}, "recruiting.participants: 0 must be a whole number from 1 to 1000000"),
        ({"payment": 3}, "recruiting.payment: no such key; the keys are service, study, participants"),
        ("prolific", "recruiting: 'prolific' must be a table"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(table: Any, said: str) -> None:
    good = {
        "name": "a", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["gru"],
        "criteria": ["fluency"], "items": 20, "recruiting": table,
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        CampaignSpec.from_mapping(good)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("address", "arrival"),
    [
        ({"PROLIFIC_PID": "p1", "STUDY_ID": "s1", "SESSION_ID": "x1"}, Arrival("p1", "s1", "x1")),
        ({"workerId": "A3", "hitId": "3XM", "assignmentId": "3YZ"}, Arrival("A3", "3XM", "3YZ")),
        ({"rater": "ann", "study": "s", "submission": "x"}, Arrival("ann", "s", "x")),
        ({"participantId": " c1 "}, Arrival("c1")),
        ({}, Arrival()),
    ],
)
def test_what_services_fill_into_an_address(address: dict[str, str], arrival: Arrival) -> None:
    assert arrival_in(address) == arrival


def test_where_an_ending_sends_a_rater() -> None:
    prolific = Recruiting(service="prolific", completed_code="C0MPLETE")
    assert (
        prolific.link_for("completed", "C0MPLETE", "p") == "https://app.prolific.com/submissions/complete?cc=C0MPLETE"
    )
    own = Recruiting(completed_to="https://panel.example/done/{rater}?c={code}")
    assert own.link_for("completed", "AB", "ann lee/1") == "https://panel.example/done/ann%20lee%2F1?c=AB"
    assert own.link_for("completed", None, "ann") == "", "who has earned no code is sent nowhere"
    assert own.link_for("screened_out", "AB", "ann") == ""
    assert Recruiting(service="mturk").link_for("completed", "AB", "A3") == "", "the worker types the code"


def test_the_pay_in_words() -> None:
    assert pay_in_words(Recruiting()) == ""
    said = pay_in_words(Recruiting(pay=3.5, currency="GBP", pay_screened_out=0.6))
    assert said.startswith(
        "Raters who complete the study are paid 3.50 GBP, raters stopped by quality control 0.60 GBP, and"
    )
    limited = Recruiting(service="prolific", study="s1", participants=1200)
    assert recruiting_in_words(limited) == "Raters are recruited through Prolific (study s1), at most 1,200 of them."
