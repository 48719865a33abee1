from django.urls import path

from annotations.api.views import AnswersView, AssignmentView, JoinView, NextView, SkipView, UndoView

urlpatterns = [
    path("rate/next", NextView.as_view()),
    path("rate/answers", AnswersView.as_view()),
    path("rate/<str:token>/join", JoinView.as_view()),
    path("rate/assignments/<uuid:assignment_id>", AssignmentView.as_view()),
    path("rate/assignments/<uuid:assignment_id>/skip", SkipView.as_view()),
    path("rate/ratings/<uuid:rating_key>/undo", UndoView.as_view()),
]
