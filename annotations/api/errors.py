"""One shape for every error of the API: RFC 9457, `application/problem+json`."""

import json
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
        return problem(STATUS[type(error)], str(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        return problem(422, "; ".join(flat(error.detail)))
    detail = getattr(error, "detail", "")
    headers = {name: response[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in response}
    return problem(response.status_code, str(detail), headers=headers)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return Response(problem_body(status, detail), status=status, headers=headers, content_type=PROBLEM_TYPE)


def problem_body(status: int, detail: str) -> dict[str, Any]:
    meaning = HTTPStatus(status)
    detail = escaped(detail or meaning.description)
    return {"type": "about:blank", "title": meaning.phrase, "status": status, "detail": detail}


def problem_text(status: int, detail: str) -> bytes:
    """For an answer that no view of the API gives."""
    return json.dumps(problem_body(status, detail)).encode()


def flat(detail: Any, place: str = "") -> list[str]:
    """`field: message` for each message of a serializer's nested errors."""
    if isinstance(detail, dict):
        return [line for key, value in detail.items() for line in flat(value, f"{place}{key}: ")]
    if isinstance(detail, list):
        return [line for value in detail for line in flat(value, place)]
    return [f"{place}{detail}"]
