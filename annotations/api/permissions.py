"""Who may ask: a rater with the session that joining gave them."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from annotations.campaigns.models import Rater
from annotations.campaigns.services.raters import rater_of_session

SCHEME = "Rater"


def session_of(request: Request) -> str | None:
    """The session in `Authorization: Rater <session>`, whether or not it is anybody's."""
    scheme, _, session = get_authorization_header(request).decode("latin-1").partition(" ")
    return session.strip() if scheme.lower() == SCHEME.lower() and session.strip() else None


class RaterAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Rater] | None:
        session = session_of(request)
        if session is None:
            return None
        rater = rater_of_session(session)
        if rater is None:
            raise AuthenticationFailed("the session is invalid or has ended; join again")
        return None, rater

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class IsRater(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Rater):
            raise NotAuthenticated(
                f"send the header 'Authorization: {SCHEME} <session>' with the session received on joining"
            )
        return True
