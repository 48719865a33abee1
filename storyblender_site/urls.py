from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView, PasswordResetCompleteView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from storyblender_site.audited import PasswordByLinkView
from storyblender_site.readiness import readyz
from workers.hooks import prolific_hook


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the web process lives; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


handler400 = "storyblender_site.failures.bad_request"
handler403 = "storyblender_site.failures.permission_denied"
handler404 = "storyblender_site.failures.page_not_found"
handler500 = "storyblender_site.failures.server_error"
admin.site.site_header = admin.site.site_title = "Story Blender: admin"

one_login = login_not_required(RedirectView.as_view(pattern_name="login", query_string=True))
urlpatterns = [
    path("", include("storyblender_site.site.urls")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/recruiting/prolific/hook", prolific_hook),
    path("api/v1/", include("annotations.api.urls")),
    path("rate/", include("annotations.urls")),
    path("account/<uidb64>/<token>/", PasswordByLinkView.as_view(), name="password_reset_confirm"),
    path(
        "account/done/",
        PasswordResetCompleteView.as_view(template_name="site/password_set.html"),
        name="password_reset_complete",
    ),
    path("admin/login/", one_login),
    path("admin/logout/", LogoutView.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
]
