from django.urls import path

from annotations.api.views import (
    AnswersView,
    AssignmentView,
    DeclineView,
    EndingView,
    JoinView,
    NextView,
    QuestionnaireView,
    SkipView,
    UndoView,
    WithdrawView,
)

urlpatterns = [
    path("rate/next", NextView.as_view()),
    path("rate/questionnaire", QuestionnaireView.as_view()),
    path("rate/answers", AnswersView.as_view()),
    path("rate/ending", EndingView.as_view()),
    path("rate/withdraw", WithdrawView.as_view()),
    path("rate/<str:token>/decline", DeclineView.as_view()),
    path("rate/<str:token>/join", JoinView.as_view()),
    path("rate/assignments/<uuid:assignment_id>", AssignmentView.as_view()),
    path("rate/assignments/<uuid:assignment_id>/skip", SkipView.as_view()),
    path("rate/ratings/<uuid:rating_key>/undo", UndoView.as_view()),
]
