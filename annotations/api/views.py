"""The rater API. Everything it does is a call of the services that the rating page calls too."""

import uuid
from contextlib import suppress
from typing import Any, cast

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.api.permissions import IsRater, RaterAuthentication, session_of
from annotations.api.serializers import (
    AnswerInput,
    BeforeInput,
    JoinInput,
    KeyInput,
    QuestionnaireInput,
    campaign_output,
    ending_output,
    feedback_output,
    next_output,
    sent_output,
)
from annotations.campaigns.answers import answers_sent
from annotations.campaigns.models import Rater, Rating
from annotations.campaigns.recruiting import Arrival
from annotations.campaigns.services import ratings, screens
from annotations.campaigns.services.endings import (
    ending_of,
    ending_without_consent,
    participation_decline,
    rater_withdraw,
)
from annotations.campaigns.services.questionnaires import form_submit
from annotations.campaigns.services.raters import campaign_by_token, completion_reach, rater_join
from annotations.campaigns.training import training_feedback
from annotations.errors import ConflictError
from annotations.web.client_address import client_address
from annotations.web.frequency import count_next


class JoinView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Request, token: str) -> Response:
        given = JoinInput(data=request.data)
        given.is_valid(raise_exception=True)
        rater, session = rater_join(
            token=token,
            outside_id=given.validated_data.get("rater"),
            signature=given.validated_data.get("signature"),
            session=session_of(request),
            address=client_address(request),
            study=given.validated_data.get("study", ""),
            submission=given.validated_data.get("submission", ""),
        )
        body = {"session": session, "campaign": campaign_output(rater.campaign)}
        return Response(body, status=status.HTTP_201_CREATED)


class DeclineView(APIView):
    """Not to take part."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Request, token: str) -> Response:
        given = JoinInput(data=request.data)
        given.is_valid(raise_exception=True)
        data, campaign = given.validated_data, campaign_by_token(token)
        declined = participation_decline(
            campaign=campaign,
            arrival=Arrival(data.get("rater") or "", data.get("study", ""), data.get("submission", "")),
            signature=data.get("signature"),
            address=client_address(request),
        )
        return Response(ending_output(ending_without_consent(campaign, declined)))


class RaterView(APIView):
    """A view for raters alone."""

    authentication_classes = [RaterAuthentication]
    permission_classes = [IsRater]

    def rater(self) -> Rater:
        return cast(Rater, self.request.auth)

    def key(self) -> uuid.UUID:
        given = KeyInput(data=self.request.data)
        given.is_valid(raise_exception=True)
        key: uuid.UUID = given.validated_data["key"]
        return key

    def answered(self, rating: Rating) -> Response:
        """The rating, and the screen that comes next: both in one answer. After a close or in a pause none does."""
        feedback = training_feedback(rating)
        told = {"feedback": feedback_output(feedback)} if feedback else {}
        return self.accepted({"rating": str(rating.key), **told}, after=rating)

    def accepted(self, what: dict[str, Any], after: Rating | None = None) -> Response:
        rater, following = self.rater(), None
        with suppress(ConflictError):
            following = next_output(screens.assignment_next(rater=rater, after=after), rater)
        return Response(what | {"next": following}, status=status.HTTP_201_CREATED)


class NextView(RaterView):
    def post(self, request: Request) -> Response:
        rater = self.rater()
        count_next(rater.public_id)
        found = next_output(screens.assignment_next(rater=rater), rater)
        return Response(status=status.HTTP_204_NO_CONTENT) if found is None else Response(found)


class QuestionnaireView(RaterView):
    def post(self, request: Request) -> Response:
        given = QuestionnaireInput(data=request.data)
        given.is_valid(raise_exception=True)
        sent = form_submit(
            rater=self.rater(),
            form=given.validated_data["questionnaire"],
            attempt=given.validated_data["attempt"],
            answers=given.validated_data["answers"],
        )
        return self.accepted({"questionnaire": sent.form, "attempt": sent.attempt, "passed": sent.passed})


class AssignmentView(RaterView):
    def post(self, request: Request, assignment_id: uuid.UUID) -> Response:
        given = AnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        rating = ratings.rating_submit(
            rater=self.rater(),
            assignment_id=assignment_id,
            key=given.validated_data["key"],
            answers=given.validated_data["answers"],
            seconds=given.validated_data.get("seconds"),
            comment=given.validated_data.get("comment", ""),
        )
        return self.answered(rating)


class SkipView(RaterView):
    def post(self, request: Request, assignment_id: uuid.UUID) -> Response:
        rating = ratings.rating_skip(rater=self.rater(), assignment_id=assignment_id, key=self.key())
        return self.answered(rating)


class UndoView(RaterView):
    def post(self, request: Request, rating_key: uuid.UUID) -> Response:
        rating = ratings.rating_undo(rater=self.rater(), rating_key=rating_key, key=self.key())
        return self.answered(rating)


class EndingView(RaterView):
    """How the rater's part ended, and with what they leave."""

    def get(self, request: Request) -> Response:
        rater = self.rater()
        return Response(ending_output(ending_of(rater, completion_reach(rater=rater))))


class WithdrawView(RaterView):
    """Take all answers of the rater out of the results."""

    def post(self, request: Request) -> Response:
        rater = self.rater()
        rater_withdraw(rater=rater)
        return Response(ending_output(ending_of(rater, completion_reach(rater=rater))))


class AnswersView(RaterView):
    """What the rater sent, the newest first."""

    def get(self, request: Request) -> Response:
        rater = self.rater()
        count_next(rater.public_id)
        given = BeforeInput(data=request.query_params)
        given.is_valid(raise_exception=True)
        sent, older = answers_sent(rater, given.validated_data.get("before"))
        return Response({"answers": [sent_output(each, rater.campaign) for each in sent], "before": older})
