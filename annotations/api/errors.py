"""One shape for every error of the API: RFC 9457, `application/problem+json`."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotations.errors import (
    AnswerError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InputError,
    NotFoundError,
    TooOftenError,
)
from texts.storable import escaped

PROBLEM_TYPE = "application/problem+json"
NON_FIELD_ERRORS = "non_field_errors"  # Django REST framework's key of what is wrong with the body as a whole
STATUS: dict[type[Exception], int] = {
    AnswerError: 422,
    ConflictError: 409,
    ForbiddenError: 403,
    GoneError: 410,
    TooOftenError: 429,
    NotFoundError: 404,
    InputError: 422,
}


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. An error that is a bug, not the client's, is left to Django (None)."""
    if isinstance(error, TooOftenError):
        return problem(STATUS[TooOftenError], str(error), headers={"Retry-After": str(error.seconds)})
    if isinstance(error, InputError):
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return problem(status, str(error), error.field)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        found = list(flat(error.detail))
        return problem(422, "; ".join(": ".join(filter(None, pair)) for pair in found), found[0][0])
    detail = getattr(error, "detail", "")
    headers = {name: response[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in response}
    return problem(response.status_code, str(detail), headers=headers)


def problem(status: int, detail: str, field: str = "", headers: dict[str, str] | None = None) -> Response:
    body = problem_body(status, detail, field)
    return Response(body, status=status, headers=headers, content_type=PROBLEM_TYPE)


def problem_body(status: int, detail: str, field: str = "") -> dict[str, Any]:
    meaning = HTTPStatus(status)
    detail = escaped(detail or meaning.description)
    body = {"type": "about:blank", "title": meaning.phrase, "status": status, "detail": detail}
    return body | {"field": field} if field else body


def problem_text(status: int, detail: str) -> bytes:
    """For an answer that no view of the API gives."""
    return json.dumps(problem_body(status, detail)).encode()


def flat(detail: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Field and message for each message of a serializer's nested errors."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from flat(value, field if key == NON_FIELD_ERRORS else f"{field}.{key}".lstrip("."))
    elif isinstance(detail, list):
        for value in detail:
            yield from flat(value, field)
    else:
        yield field, detail
