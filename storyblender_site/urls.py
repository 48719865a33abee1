from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the web process lives; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("api/v1/", include("annotations.api.urls")),
    path("rate/", include("annotations.urls")),
    path("admin/", admin.site.urls),
]
