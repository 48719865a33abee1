"""Logging in, and what people set for themselves: how the site looks to them, and their password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_GET, require_POST

from annotations.audit.services import Deed, audit_note
from annotations.web.pages import render_page

THEMES = {"light": "Light", "dark": "Dark"}  # without one the browser's own choice holds
THEME_SECONDS = 365 * 24 * 3600


class SiteLoginView(LoginView):
    template_name = "site/login.html"
    extra_context = {"title": "Log in"}


class SitePasswordView(PasswordChangeView):
    template_name = "site/password.html"
    extra_context = {"title": "Change your password"}
    success_url = reverse_lazy("settings")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        audit_note(kind=Deed.PASSWORD, about=f"account '{form.user.get_username()}'")
        messages.success(self.request, "Your password was changed.")
        return answer


@require_GET
def settings_page(request: HttpRequest) -> HttpResponse:
    return render_page(
        request, "site/settings.html", "Settings", {"themes": THEMES, "theme": request.COOKIES.get("theme")}
    )


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light or dark in this browser; anything else is the browser's own choice."""
    answer, chosen = redirect("settings"), request.POST.get("theme", "")
    if chosen in THEMES:
        path, secure = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_SECURE
        answer.set_cookie(
            "theme", chosen, max_age=THEME_SECONDS, path=path, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        answer.delete_cookie("theme", path=settings.SESSION_COOKIE_PATH)
    return answer
