"""A client of Prolific's API, as its reference describes it: what has become of a study's submissions.

It is for the sweeper and for commands: no web request waits for another site."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from django.conf import settings

from annotations.campaigns.services.submissions import Submission
from annotations.errors import InputError

TIMEOUT_SECONDS = 10
MAX_BYTES = 1 << 24  # of a page
MAX_PAGES = 1000


class ProlificError(InputError):
    """What Prolific answers cannot be used now; `passing`: it may be asked again."""

    def __init__(self, message: str, hint: str = "", *, passing: bool = False) -> None:
        super().__init__("prolific", message, hint)
        self.passing = passing


class NoRedirects(HTTPRedirectHandler):
    """The token is shown to the address that was asked, and to no other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def submissions_of(study: str) -> list[Submission]:
    """All submissions of a study, page by page. Raises ProlificError."""
    if not settings.PROLIFIC_TOKEN:
        raise ProlificError("no token is set", "set PROLIFIC_TOKEN to a token of your account on Prolific")
    if not re.fullmatch(r"[\x21-\x7e]+", settings.PROLIFIC_TOKEN):
        raise ProlificError("the token holds characters that no token has", "check PROLIFIC_TOKEN")
    return list(submissions_read(study))


def submissions_read(study: str) -> Iterator[Submission]:
    address: str | None = urljoin(settings.PROLIFIC_URL, f"/api/v1/studies/{quote(study, safe='')}/submissions/")
    opener = build_opener(NoRedirects)
    for _ in range(MAX_PAGES):
        if address is None:
            return
        page = page_read(opener, address)
        yield from (submission_in(row) for row in page["results"])
        address = next_page(page, address)
    raise ProlificError(f"the study has more than {MAX_PAGES} pages of submissions")


def page_read(opener: OpenerDirector, address: str) -> dict[str, Any]:
    headers = {"Authorization": f"Token {settings.PROLIFIC_TOKEN}", "Accept": "application/json"}
    try:
        with opener.open(Request(address, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read(MAX_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise refused(error.code) from error
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ProlificError(f"cannot be reached ({reason})", passing=True) from error
    try:
        page = json.loads(body) if len(body) <= MAX_BYTES else None
    except ValueError as error:
        raise ProlificError("answered what is no JSON", passing=True) from error
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        raise ProlificError("answered something other than a list of submissions", passing=True)
    return page


def refused(status: int) -> ProlificError:
    if status in (401, 403):
        return ProlificError(f"refused the token ({status})", "check PROLIFIC_TOKEN")
    if status == 404:
        return ProlificError("knows no such study, or not with this token (404)", "check the campaign's study id")
    return ProlificError(f"answered with status {status}", passing=status == 429 or status >= 500)


def submission_in(row: Any) -> Submission:
    try:
        found = Submission(row["id"], row["participant_id"], row["status"])
    except (KeyError, TypeError) as error:
        raise ProlificError("listed a submission without id, participant_id or status", passing=True) from error
    if not all(isinstance(part, str) for part in found):
        raise ProlificError("listed a submission whose id, participant_id or status is no text", passing=True)
    return found


def next_page(page: dict[str, Any], address: str) -> str | None:
    """Where the answer says that it goes on, if on the same site."""
    links = page.get("_links")
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    if not isinstance(href, str) or not href:
        return None
    try:
        following = urljoin(address, href)
        here = urlsplit(following)[:2] == urlsplit(address)[:2]
    except ValueError as error:
        raise ProlificError("says that its list goes on at what is no address", passing=True) from error
    if not here:
        raise ProlificError("says that its list goes on at another site")
    return following
