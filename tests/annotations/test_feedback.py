"""From ratings to weighted examples, and never from an evaluation."""

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from annotations import models
from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.statistics.scores import shrunk_z
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def rated_campaign(raters: int = 3, **spec: object) -> models.Campaign:
    campaign = make_campaign(captions=6, overlap=3, **{"purpose": "feedback"} | spec).campaign
    for number in range(raters):
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            given = {each["id"]: 10 * number + len(each["text"]) for each in screen["item"]["candidates"]}
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], given)).json()["next"]
    return campaign


def test_every_rated_text_with_its_weight_and_its_ratings() -> None:
    campaign = rated_campaign(criteria=["human_likeness", "fluency"])
    built = feedback_set_build(name="liked", campaigns=[campaign], settings=FeedbackSettings(beta=0.5))
    assert built.counts == {"examples": 18, "ratings": 18, "raters": 3}
    rows = []
    for rating in models.Rating.objects.counting(campaign).select_related("assignment"):
        rows += [(int(pk), rating.assignment.rater_id, score) for pk, score in rating.answers["fluency"].items()]
    z = shrunk_z(np.array([score for _, _, score in rows]), np.array([rater for _, rater, _ in rows]))
    for example in built.examples.all():
        mean = np.mean([value for value, (pk, _, _) in zip(z, rows, strict=True) if pk == example.candidate_id])
        assert example.z == pytest.approx(mean)
        assert example.weight == pytest.approx(np.clip(np.exp(0.5 * mean), 0.1, 3))
        assert example.ratings.count() == 3
    longest = built.examples.order_by("-weight").first()
    assert longest is not None
    assert longest.text.startswith("People told story")


def test_the_same_ratings_make_the_same_set() -> None:
    campaign = rated_campaign()
    one, other = (
        feedback_set_build(name=name, campaigns=[campaign], settings=FeedbackSettings()) for name in ("one", "other")
    )
    assert one.sha256 == other.sha256
    stronger = feedback_set_build(name="third", campaigns=[campaign], settings=FeedbackSettings(beta=2))
    assert stronger.sha256 != one.sha256
    with pytest.raises(ConflictError, match="'one' already exists, and feedback sets are frozen"):
        feedback_set_build(name="one", campaigns=[campaign], settings=FeedbackSettings())


def test_what_cannot_feed_training_is_refused() -> None:
    with pytest.raises(InputError, match="has purpose 'evaluation'"):
        feedback_set_build(name="x", campaigns=[rated_campaign(purpose="evaluation")], settings=FeedbackSettings())
    texts = {"third": lambda n: f"story {n}"}
    empty = rated_campaign(raters=0, texts=texts)
    with pytest.raises(InputError, match="has no ratings yet"):
        feedback_set_build(name="x", campaigns=[empty], settings=FeedbackSettings())
    assert not models.FeedbackSet.objects.exists()
    with pytest.raises(InputError, match="beta: -1 must be"):
        FeedbackSettings(beta=-1)


def test_two_campaigns_of_one_dataset_go_together_and_of_two_do_not() -> None:
    first = rated_campaign()
    second = rated_campaign(texts={"third": lambda n: f"story {n}"})
    with pytest.raises(InputError, match="belong to several datasets"):
        feedback_set_build(name="x", campaigns=[first, second], settings=FeedbackSettings())


def test_the_database_refuses_a_weight_of_nothing() -> None:
    built = feedback_set_build(name="x", campaigns=[rated_campaign()], settings=FeedbackSettings())
    with pytest.raises(IntegrityError), transaction.atomic():
        built.examples.update(weight=0)
