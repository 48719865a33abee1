"""Where Prolific sends the events of its submissions, as its reference describes them: signed, at least once, in any
order. What is understood is answered with 204, whether or not it is about a rater of this site, so that nothing is sent
again in vain; polling goes on beside it."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from annotations.campaigns.services.submissions import Submission, submission_event
from annotations.storage.clock import database_now
from texts.limits import parse_json

log = structlog.get_logger(__name__)
EVENT = "submission.status.change"
MAX_EVENT_BYTES = 1 << 14
MAX_AGE = timedelta(hours=25)  # what is not answered is sent again for a day
MAX_AHEAD = timedelta(minutes=5)  # of a clock that goes fast
MOMENT = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")


class HookError(ValueError):
    """What was sent is not taken; `status` says how that is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@csrf_exempt
@login_not_required
def prolific_hook(request: HttpRequest) -> HttpResponse:
    if not settings.PROLIFIC_HOOK_SECRET:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        body = body_read(request)
        at = moment_signed(request, body, database_now())
        said = submission_said(body)
    except HookError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    if said and (changed := submission_event(service="prolific", said=said, at=at)):
        log.info("recruiting event", changed=changed)
    return HttpResponse(status=204)


def body_read(request: HttpRequest) -> bytes:
    try:
        body: bytes = request.read(MAX_EVENT_BYTES + 1)
    except OSError as error:
        raise HookError(400, "the body cannot be read") from error
    if len(body) > MAX_EVENT_BYTES:
        raise HookError(413, f"the body has more than {MAX_EVENT_BYTES:,} bytes")
    return body


def moment_signed(request: HttpRequest, body: bytes, now: datetime) -> datetime:
    """When the event happened, as far as the request is signed: no later than it was sent, nor than now."""
    signed = request.headers.get("X-Prolific-Request-Timestamp", "")
    given = request.headers.get("X-Prolific-Request-Signature", "")
    expected = signature_of(settings.PROLIFIC_HOOK_SECRET, signed, body)
    if not hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass")):
        raise HookError(403, "the signature does not fit")
    sent = moment(signed)
    if sent is None or not now - MAX_AGE <= sent <= now + MAX_AHEAD:
        raise HookError(403, "X-Prolific-Request-Timestamp is no time of the last 25 hours")
    happened = moment(request.headers.get("X-Timestamp", ""))  # is not signed, so that it can only make it older
    return min(sent, happened or sent, now)


def signature_of(secret: str, timestamp: str, body: bytes) -> bytes:
    digest = hmac.new(secret.encode(), timestamp.encode("utf-8", "surrogatepass") + body, hashlib.sha256).digest()
    return base64.b64encode(digest)


def moment(header: str) -> datetime | None:
    return datetime.fromtimestamp(float(header), UTC) if MOMENT.fullmatch(header) else None


def submission_said(body: bytes) -> Submission | None:
    """None of another kind of event."""
    try:
        event = parse_json(body.decode("utf-8-sig"))
    except ValueError as error:
        raise HookError(400, "the body is no JSON that is taken") from error
    if not isinstance(event, dict) or not is_text(event.get("event_type")):
        raise HookError(400, "the body is no event: an object with event_type")
    if event["event_type"] != EVENT:
        return None
    said = [event.get(name) for name in ("resource_id", "participant_id", "status")]
    if not all(map(is_text, said)):
        raise HookError(400, "the event has no resource_id, participant_id or status")
    return Submission._make(said)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
