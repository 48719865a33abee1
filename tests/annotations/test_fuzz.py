"""Nothing that a rater sends is answered by a server's error, or half stored. `benchmarks.fuzz` sends more of it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.annotations.fuzzing import CSRF, Fuzz, send
from tests.factories import make_campaign


@pytest.fixture
def in_one_transaction() -> Iterator[None]:
    """That of the test, which is the connection's as long as no request closes it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
def test_odd_requests_are_refused_and_leave_nothing(in_one_transaction: None, settings: Any) -> None:
    settings.SCREENS_PER_RATER = 0
    outcome = Fuzz(seed=1, captions=4).run(200)
    assert not outcome.failed, "\n".join(outcome.failed)


FORM = "multipart/form-data; boundary=b"
MET = [  # where the first of them were met: address, content type, further header, status
    ("{page}", FORM, "HX-Current-URL: http://[", 302),
    ("{page}", "multipart/form-data; charset=rot13; boundary=b", "A: b", 302),
    ("{page}", "text/plain; charset=undefined", "A: b", 302),
    ("/api/v1/rate/next", "application/json; x*=none-such''y", "A: b", 401),
    ("/rate//join/", "multipart/form-data", "A: b", 404),
    ("/rate//join/", FORM, "Host: other.example", 400),
    ("http://[", FORM, "A: b", 400),
    ("/api/v1/rate/next?format=x", "text/plain", "A: b", 401),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "kind", "header", "status"), MET)
def test_what_once_failed_is_answered(
    in_one_transaction: None, address: str, kind: str, header: str, status: int
) -> None:
    page = f"/rate/{make_campaign(captions=1).campaign.token}/skip/{uuid.uuid4()}/"
    head = [
        f"POST {address.format(page=page)} HTTP/1.1", header, "" if "Host" in header else "Host: 127.0.0.1",
        f"Content-Type: {kind}", f"Cookie: csrftoken={CSRF}", f"X-CSRFToken: {CSRF}", "Content-Length: 5",
    ]  # fmt: skip
    answer = send("\r\n".join([*filter(None, head), "", "--b--"]).encode())
    assert (answer.status, answer.wrong) == (status, [])
