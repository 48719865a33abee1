"""Errors of the API have one shape, whoever says them, and an outage of the database is said as one."""

import logging
import sqlite3
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.utils import load_backend
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import translation

from annotations.storage.outages import is_outage
from storyblender_site import urls as site_urls
from storyblender_site.logs import Formatter
from tests.site import free_port

pytestmark = pytest.mark.once
TOKEN, ANY = "x" * 24, "00000000-0000-0000-0000-000000000000"
CLIENT = Client(raise_request_exception=False)


@pytest.fixture(params=["postgresql", "sqlite3"])
def no_database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """A database that cannot be reached: nobody listens at its port, or its folder does not exist."""
    known = connections["default"]
    where = {"NAME": "/nonexistent/a.sqlite3"}
    if request.param == "postgresql":
        where = {"NAME": "none", "HOST": "127.0.0.1", "PORT": str(free_port()), "USER": "nobody", "OPTIONS": {}}
    backend = load_backend(f"django.db.backends.{request.param}")
    connections["default"] = backend.DatabaseWrapper({**known.settings_dict, **where}, "default")
    with django_db_blocker.unblock():
        yield
    connections["default"] = known


def check_problem(answer: Any, status: int, detail: str) -> None:
    """What RFC 9457 asks for, and that it is true."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert detail in problem.pop("detail")
    assert problem == {"type": "about:blank", "title": answer.reason_phrase, "status": status}


@pytest.mark.parametrize("address", [f"{TOKEN}/join", "next", f"assignments/{ANY}/skip", f"ratings/{ANY}/undo"])
def test_the_api_says_an_outage_as_a_problem(no_database: None, address: str) -> None:
    headers = {"Authorization": "Rater x", "Accept-Encoding": "gzip"}
    answer = CLIENT.post(f"/api/v1/rate/{address}", "{}", content_type="application/json", headers=headers)
    check_problem(answer, 503, "database is not responding")
    assert answer["Retry-After"] == "10"


@pytest.mark.parametrize("address", [f"/rate/{TOKEN}/", f"/rate/photo/{ANY}/1/", "/admin/", "/login/"])
def test_a_page_says_an_outage_and_comes_back(no_database: None, address: str) -> None:
    """In the middleware of sessions and accounts too."""
    CLIENT.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    answer = CLIENT.get(address, follow=True)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "Traceback" not in answer.content.decode()
    assert '<meta http-equiv="refresh" content="10">' in answer.content.decode()


def test_what_was_sent_in_an_outage_is_said_to_be_lost_in_the_reader_s_language(no_database: None) -> None:
    answer = CLIENT.post(f"/rate/{TOKEN}/join/", headers={"Accept-Language": "ko"})
    assert answer.status_code == 503
    assert "refresh" not in answer.content.decode(), "or it would be sent again, or asked for in vain"
    with translation.override("ko"):
        assert translation.gettext("Not available just now") in answer.content.decode()
    assert "Not available" not in answer.content.decode()


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What the site's log has of this test."""
    written, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Formatter("{levelname} {message}", style="{"))
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


@pytest.mark.parametrize("address", ["/login/", "/api/v1/rate/next"])
def test_a_request_in_an_outage_is_one_line_of_the_log(address: str, no_database: None, logged: StringIO) -> None:
    CLIENT.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    CLIENT.generic("POST" if "api" in address else "GET", address, headers={"Authorization": "Rater x"})
    (line,) = logged.getvalue().splitlines()
    assert line.startswith(f"ERROR Service Unavailable: {address[:7]}")
    assert "(OperationalError: " in line
    assert "unable to open database file" in line or "onnection refused" in line


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise {
        "bug": RuntimeError("secret"),
        "denied": PermissionDenied("no"),
        "suspicious": SuspiciousOperation("no"),
    }[request.GET["how"]]


urlpatterns = [path("api/v1/broken", broken), *site_urls.urlpatterns]
handler400, handler403, handler500 = site_urls.handler400, site_urls.handler403, site_urls.handler500


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        (("POST", "/api/v1/nothing"), 404, "Nothing matches"),
        (("GET", "/api/v1/rate/next/"), 404, "Nothing matches"),
        (("GET", f"/api/v1/rate/{TOKEN}/join"), 405, "GET"),
        (("GET", "/api/v1/broken?how=bug"), 500, "the site failed"),
        (("GET", "/api/v1/broken?how=denied"), 403, "not allowed"),
        (("GET", "/api/v1/broken?how=suspicious"), 400, "cannot be read"),
        (("POST", "/api/v1/broken?how=bug"), 403, "not allowed"),  # without a CSRF token
        (("POST", "/api/v1/%00"), 400, "NUL character"),
    ],
)
def test_whoever_refuses_a_request_of_the_api_says_it_as_a_problem(
    asked: tuple[str, str], status: int, detail: str, logged: StringIO
) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    answer = client.generic(*asked, headers={"Accept-Encoding": "gzip"})
    check_problem(answer, status, detail)
    assert status != 500 or "Traceback" in logged.getvalue()
    assert "Content-Encoding" not in answer
    assert int(answer["Content-Length"]) == len(answer.content)


def test_a_request_by_another_name_is_a_problem_too(settings: Any) -> None:
    """Refused by the very first middleware."""
    settings.SECURE_SSL_REDIRECT = True
    check_problem(Client(headers={"Host": "evil.example"}).post("/api/v1/rate/next"), 400, "cannot be read")


@pytest.mark.parametrize(("language", "said"), [("en", "nothing at this address"), ("ko", "이 주소에는 아무것도")])
def test_a_page_of_an_error_is_in_the_reader_s_language_and_reads_no_body(language: str, said: str) -> None:
    """Nobody has read the body before an address is found to lead nowhere, and this one cannot be read."""
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": language, "X-CSRFToken": "c" * 32})
    client.cookies["csrftoken"] = "c" * 32
    answer = client.post("/rate//join/", b"a", content_type="multipart/form-data")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert said in answer.content.decode()


def test_a_wrong_query_is_no_outage() -> None:
    """SQLite calls both operational errors."""
    with pytest.raises(sqlite3.OperationalError) as wrong:
        sqlite3.connect(":memory:").execute("SELECT * FROM nothing")
    error = OperationalError("no such table")
    error.__cause__ = wrong.value
    assert not is_outage(error)
    assert is_outage(OperationalError("the connection is lost"))
    assert is_outage(InterfaceError("connection already closed"))
    assert not is_outage(RuntimeError("no"))
    assert not is_outage(None)


@pytest.mark.parametrize(
    ("sqlstate", "outage"),  # PostgreSQL's manual, appendix A
    [
        ("25006", True),  # read_only_sql_transaction
        ("25P03", True),  # idle_in_transaction_session_timeout
        ("25P04", True),  # transaction_timeout
        ("53300", True),  # too_many_connections
        ("57P01", True),  # admin_shutdown
        ("25P02", False),  # in_failed_sql_transaction
        ("42601", False),  # syntax_error
        ("54001", False),  # statement_too_complex
    ],
)
def test_what_postgresql_says_is_an_outage_or_not(sqlstate: str, outage: bool) -> None:
    """As Django hands it on, which calls some outages internal errors and some wrong statements operational ones."""
    known = connections["default"].settings_dict
    database = load_backend("django.db.backends.postgresql").DatabaseWrapper(known)
    with pytest.raises(DatabaseError) as raised, database.wrap_database_errors:
        raise psycopg.errors.lookup(sqlstate)
    assert is_outage(raised.value) is outage
