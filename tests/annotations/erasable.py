"""A study with somebody to erase, and where they are named."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.models import BinaryField, CharField, GenericIPAddressField, JSONField, TextField, UUIDField
from django.test import Client

from annotations import models
from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.services.invitations import raters_invite
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import completion_reach, rater_join
from annotations.campaigns.services.ratings import draft_save, rating_skip
from annotations.removal import erasing
from tests.annotations.raters import Rater
from tests.factories import make_campaign

ID, WORDS, DRAFT = "jin-kim-4711", "Typed by Jin about the beach", "kept by jin"


def of(rater: Rater) -> models.Rater:
    return models.Rater.objects.get(session_hash=erasing.session_hash(rater.session))


def rate_all(campaign: models.Campaign, outside_id: str | None = None, offset: float = 0) -> Rater:
    rater = Rater(campaign, outside_id)
    while screen := rater.next():
        rater.submit(screen, answers=rater.answers(screen, 20 + offset + len(screen["item"]["candidates"][0]["text"])))
    return rater


def another(campaign: models.Campaign, name: str) -> models.Campaign:
    return campaign_create(spec=spec_of(campaign).model_copy(update={"name": name}))


def skip_with_words(rater: Rater) -> None:
    screen = rater.next()
    assignment = uuid.UUID(screen["assignment"])
    rating_skip(rater=of(rater), assignment_id=assignment, key=uuid.uuid4(), reason="wrong", comment=WORDS)
    opened = rater.next()
    draft_save(rater=of(rater), assignment_id=uuid.UUID(opened["assignment"]), draft={"a:b": DRAFT})


class Study:
    """A feedback campaign that Jin rated in part, with all that is kept of a rater, and another who rated all."""

    def __init__(self) -> None:
        self.campaign = make_campaign(purpose="feedback", captions=6, overlap=3).campaign
        (self.link,) = raters_invite(campaign=self.campaign, outside_ids=[ID])
        rater, session = rater_join(
            token=self.campaign.token, outside_id=ID, signature=self.link.rpartition("signature=")[2]
        )
        self.jin = Rater.__new__(Rater)
        self.jin.client, self.jin.session = Client(), session
        for _ in range(3):
            self.jin.submit(self.jin.next())
        completion_reach(rater=rater)
        skip_with_words(self.jin)
        self.row = models.Rater.objects.get(pk=rater.pk)
        self.code = str(self.row.completion_code)
        assert len(self.code) == 10
        rate_all(self.campaign, "somebody-else", offset=5)

    @property
    def traces(self) -> list[str]:
        return [ID, WORDS, DRAFT, self.code, erasing.session_hash(self.jin.session)]


def texts_of_every_table() -> Iterator[tuple[str, str]]:
    kinds = CharField | TextField | JSONField | BinaryField | UUIDField | GenericIPAddressField
    for model in apps.get_models(include_auto_created=True):
        columns = [field.attname for field in model._meta.concrete_fields if isinstance(field, kinds)]
        for row in model._base_manager.values_list(*columns) if columns else ():
            for column, value in zip(columns, row, strict=True):
                text = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value
                yield f"{model.__name__}.{column}", text if isinstance(text, str) else json.dumps(text, default=str)


def places_of(traces: list[str]) -> set[str]:
    """Where any of the texts stands: in which columns, and in which files of `VAR_DIR`."""
    found = {place for place, text in texts_of_every_table() if any(trace in text for trace in traces)}
    for file in Path(settings.VAR_DIR).rglob("*"):
        if file.is_file() and any(trace.encode() in file.read_bytes() for trace in traces):
            found.add(file.name)
    return found
