from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from annotations.campaigns.views import answers, joining, leaving, questionnaires, rating

# A rater has a link instead of an account.
urlpatterns = [
    path("language/", login_not_required(set_language), name="rate-language"),
    path("photo/<uuid:assignment_id>/<int:place>/", login_not_required(rating.photo), name="rate-photo"),
    path("<str:token>/", login_not_required(rating.page), name="rate"),
    path("<str:token>/join/", login_not_required(joining.join), name="rate-join"),
    path("<str:token>/answer/<uuid:assignment_id>/", login_not_required(rating.answer), name="rate-answer"),
    path("<str:token>/skip/<uuid:assignment_id>/", login_not_required(rating.skip), name="rate-skip"),
    path("<str:token>/draft/<uuid:assignment_id>/", login_not_required(rating.draft), name="rate-draft"),
    path("<str:token>/questions/", login_not_required(questionnaires.questions), name="rate-questions"),
    path("<str:token>/answers/", login_not_required(answers.answers), name="rate-answers"),
    path("<str:token>/decline/", login_not_required(leaving.decline), name="rate-decline"),
    path("<str:token>/withdraw/", login_not_required(leaving.withdraw), name="rate-withdraw"),
    path("<str:token>/undo/", login_not_required(rating.undo), name="rate-undo"),
]
