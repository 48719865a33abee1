"""What comes in and what goes out, field by field."""

import math
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from annotations.campaigns.answers import SentAnswer
from annotations.campaigns.example import WorkedExample
from annotations.campaigns.forms_due import FormDue
from annotations.campaigns.links import photo_address, site_link
from annotations.campaigns.models import Assignment, Campaign, Rater, Rating
from annotations.campaigns.questionnaires import ShownQuestion
from annotations.campaigns.rounds import photos_of
from annotations.campaigns.services.endings import Ending
from annotations.campaigns.services.ratings import MAX_COMMENT_LENGTH, MAX_SECONDS
from annotations.campaigns.services.screens import Screen, Wait
from annotations.campaigns.training import STAGES, TrainingFeedback
from annotations.protocols import cannot_say, protocol_named
from texts.stories import story_lines


def finite(value: float) -> None:
    """Neither database stores what is no number as the other does."""
    if not math.isfinite(value):
        raise serializers.ValidationError("must be a number")


class JoinInput(serializers.Serializer):
    rater = serializers.CharField(required=False, allow_null=True, max_length=200, help_text="an id of your choice")
    signature = serializers.CharField(required=False, max_length=200, help_text="from the rater's signed link")
    study = serializers.CharField(required=False, allow_blank=True, max_length=200, help_text="a recruiting service's")
    submission = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="the rater's to that study"
    )


class KeyInput(serializers.Serializer):
    key = serializers.UUIDField(help_text="created by the client, one for each action; sending it again is harmless")


class BeforeInput(serializers.Serializer):
    before = serializers.UUIDField(required=False, help_text="the rating before which the page begins")


class AnswerInput(KeyInput):
    answers = serializers.JSONField()
    comment = serializers.CharField(required=False, allow_blank=True, max_length=MAX_COMMENT_LENGTH)
    seconds = serializers.FloatField(
        required=False, allow_null=True, min_value=0, max_value=MAX_SECONDS, validators=[finite]
    )


class QuestionnaireInput(serializers.Serializer):
    questionnaire = serializers.CharField(help_text="which one: its `form`")
    attempt = serializers.IntegerField(required=False, default=1, min_value=1)
    answers = serializers.JSONField()


def campaign_output(campaign: Campaign) -> dict[str, Any]:
    """What a rater may know of a campaign: nothing of its name, purpose or systems."""
    return {
        "protocol": campaign.protocol,
        "ties": campaign.ties,
        "scale": list(protocol_named(campaign.protocol).ends(campaign.scale)),
        "criteria": campaign.criteria,
        "cannot_say": campaign.cannot_say,
        "comments": campaign.comments,
        "criterion_words": {criterion.name: criterion.label._asdict() for criterion in campaign.asked},
        "categories": list(protocol_named(campaign.protocol).categories_of(campaign.rules)),
        "show": campaign.show,
        "unit": campaign.unit,
        "items": campaign.item_count,
        "screens_per_rater": campaign.most_screens,
        "minimum_answers": campaign.minimum_answers,
        "training": campaign.quality_control.training,
        "qualification": campaign.quality_control.qualification,
        "organizer": campaign.organizer,
        "contact": campaign.contact,
        "minutes": campaign.minutes,
        "instructions": campaign.instructions,
        "example": example_output(campaign.worked_example),
    }


def example_output(example: WorkedExample | None) -> dict[str, Any] | None:
    """The worked example, its texts as a screen's candidates."""
    if example is None:
        return None
    texts = [{"id": name, "text": text} for name, text in example.named]
    return {"source": example.source, "candidates": texts, "answers": example.answers, "why": example.why}


def ending_output(ending: Ending) -> dict[str, Any]:
    return {"ending": ending.how or None, "code": ending.code, "link": ending.link or None}


def next_output(found: Screen | Wait | FormDue | None, rater: Rater) -> dict[str, Any] | None:
    if isinstance(found, Wait):
        return {"wait": found.seconds}
    if isinstance(found, FormDue):
        return {"questionnaire": form_output(found)}
    return screen_output(found, rater) if found else None


def form_output(due: FormDue) -> dict[str, Any]:
    """A form to fill in, and in a second attempt which answers were wrong in the first."""
    return {
        "form": due.form,
        "attempt": due.attempt,
        "questions": [question_output(question) for question in due.shown],
        "wrong": due.wrong,
    }


def question_output(question: ShownQuestion) -> dict[str, Any]:
    """With what its answer can be: of options one's `value`, of a scale a whole number."""
    asked: dict[str, Any] = {
        "id": question.id,
        "text": question.text,
        "kind": question.kind,
        "required": question.required,
    }
    if question.options:
        asked["options"] = [{"value": value, "text": text} for value, text in question.options]
    if question.points:
        asked["scale"] = [question.points[0], question.points[-1]]
        asked["labels"] = [question.low_label, question.high_label]
    return asked


def screen_output(screen: Screen, rater: Rater) -> dict[str, Any]:
    """What a rater sees. Captions are a line each; so are a story's sentences where it is shown photo by photo."""
    campaign, assignment = rater.campaign, screen.assignment
    return {
        "assignment": str(assignment.public_id),
        "item": item_output(campaign, assignment, screen.texts),
        "protocol": campaign.protocol,
        "criteria": campaign.criteria,
        "progress": {"done": screen.done, "total": rater.most_screens},
        "stage": assignment.item.kind if assignment.item.kind in STAGES else None,
        "expires_at": assignment.leased_until.isoformat(),
    }


def item_output(campaign: Campaign, assignment: Assignment, texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    photos = photos_of(assignment.item)
    addresses = [photo_address(assignment, place) for place, photo in enumerate(photos, start=1) if photo.image]
    return {
        "source": "\n".join(photo.caption for photo in photos) if campaign.shows_caption else None,
        "photos": [site_link(address) for address in addresses] if campaign.shows_photo else [],
        "candidates": [candidate_output(public_id, text) for public_id, text in texts],
    }


def sent_output(sent: SentAnswer, campaign: Campaign) -> dict[str, Any]:
    """An answer as it could be sent again, or a skip."""
    rating = sent.rating
    answered = rating.kind == Rating.Kind.ANSWER
    return {
        "rating": str(rating.key),
        "assignment": str(rating.assignment.public_id),
        "item": item_output(campaign, rating.assignment, sent.texts),
        "kind": rating.kind,
        "answers": cannot_say.answers(protocol_named(campaign.protocol), sent.fields) if answered else None,
        "reason": sent.reason,
        "comment": sent.comment,
        "seconds": rating.seconds,
        "sent_at": rating.created_at.isoformat(),
        "withdrawn": sent.taken_back,
    }


def feedback_output(feedback: TrainingFeedback) -> dict[str, Any]:
    """On a training screen: which text was degraded and how, and whether the answer found it."""
    original = candidate_output(*feedback.original) if feedback.original else None
    degraded = candidate_output(*feedback.degraded)
    return {"found": feedback.found, "degraded": degraded, "original": original, "how": feedback.how}


def candidate_output(public_id: str, text: str) -> dict[str, Any]:
    """With a text's sentences where it is a story that is shown photo by photo."""
    sentences = story_lines(text)
    return {"id": public_id, "text": text} | ({"sentences": sentences} if len(sentences) > 1 else {})
