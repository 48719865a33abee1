"""How often a password may be guessed: by account and address, and by address alone, whatever accounts it tries."""

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_ip_address
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest


class LoginLimits(AxesDatabaseHandler):
    """The limit of axes for an account from one address, and beside it a higher one for all accounts from there."""

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        allowed = bool(super().is_allowed(request, credentials))
        request.login_refused = not allowed  # type: ignore[attr-defined]  # before the password was looked at
        return allowed

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        if super().is_locked(request, credentials):
            return True
        if failures_from(request) < settings.LOGIN_FAILURES_PER_ADDRESS:
            return False
        request.axes_locked_out = True  # type: ignore[attr-defined]  # so that the middleware answers with the page
        return True


def failures_from(request: HttpRequest) -> int:
    """Wrong passwords from the request's address within the time that a lock lasts, of any account."""
    attempts = AccessAttempt.objects.filter(
        ip_address=get_client_ip_address(request), attempt_time__gte=get_cool_off_threshold(request)
    )
    return attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
