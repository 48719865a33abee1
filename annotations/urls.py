from django.urls import path

from annotations.views import rating

urlpatterns = [
    path("photo/<uuid:assignment_id>/", rating.photo, name="rate-photo"),
    path("<str:token>/", rating.page, name="rate"),
    path("<str:token>/join/", rating.join, name="rate-join"),
    path("<str:token>/answer/<uuid:assignment_id>/", rating.answer, name="rate-answer"),
    path("<str:token>/skip/<uuid:assignment_id>/", rating.skip, name="rate-skip"),
    path("<str:token>/draft/<uuid:assignment_id>/", rating.draft, name="rate-draft"),
    path("<str:token>/undo/", rating.undo, name="rate-undo"),
]
