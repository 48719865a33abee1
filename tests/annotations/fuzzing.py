"""A site under requests that nobody should send: every route that needs no account, in this process, from the bytes
that come over the wire to those that go back. After each of them its tables are counted, and its rows gone through."""

import gzip
import json
import logging
import math
import random
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.core.signals import got_request_exception
from django.db import connection
from django.db.models import Count, F, Q
from django.urls import URLPattern, get_resolver
from waitress.adjustments import Adjustments

from annotations.campaigns.outside_ids import rater_signature
from annotations.campaigns.services.raters import rater_join, session_hash
from annotations.campaigns.services.screens import Screen, assignment_next
from annotations.models import Assignment, Campaign, Item, Rater, Rating
from annotations.protocols import PROTOCOLS, protocol_named
from storyblender_site.web_server import MAX_UPLOAD_BYTES, Channel, Parser
from storyblender_site.wsgi import application
from tests.annotations.odd_requests import CHANGES, Draft, request_bytes
from tests.factories import make_campaign

NOT_OF_RATERS = ("admin/", "readyz")  # what asks for an account; and what says 503 where no worker is
CSRF = "c" * 32
ADJUSTMENTS = Adjustments(ident=None, max_request_body_size=MAX_UPLOAD_BYTES + 1)
CHECK_EVERY = 25  # requests: then all that is stored is gone through
State, Kind = Assignment.State, Rating.Kind


def routes() -> list[str]:
    """Of the URL configuration, as `rate/<token>/join/`: all that anybody reaches without an account."""
    return [
        re.sub(r"<\w+:", "<", route)
        for route, view in patterns(get_resolver().url_patterns)
        if not getattr(view, "login_required", True) and not route.startswith(NOT_OF_RATERS)
    ]


def patterns(listed: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in listed:
        if isinstance(each, URLPattern):
            yield f"{prefix}{each.pattern}", each.callback
        else:
            yield from patterns(each.url_patterns, f"{prefix}{each.pattern}")


@dataclass
class Person:
    """A rater, by their session, as the page and the API know them."""

    rater: Rater
    session: str


@dataclass
class Answer:
    status: int  # 0 where the server still waits for the rest
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    wrong: list[str] = field(default_factory=list)  # what nothing caught


@dataclass
class Outcome:
    """Of a number of requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    stored: int = 0  # answers, skips and withdrawals
    failed: list[str] = field(default_factory=list)  # why, and the request itself
    seconds: list[float] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)


def send(raw: bytes) -> Answer:
    """As the site's web server answers it."""
    parser = Parser(ADJUSTMENTS)
    written: list[bytes] = []

    def write_soon(part: Any) -> int:
        data = part if isinstance(part, bytes) else b"".join(iter(lambda: part.get(1 << 16, True), b""))
        written.append(data)
        return len(data)

    with what_is_wrong() as wrong:
        try:
            at = 0
            while at < len(raw) and not parser.completed:
                at += parser.received(raw[at:])
            if not parser.completed:
                return Answer(0)
            server = SimpleNamespace(adj=ADJUSTMENTS, application=application, effective_host="", effective_port=80)
            server.server_name = "127.0.0.1"
            channel = SimpleNamespace(server=server, addr=("127.0.0.1", 1), write_soon=write_soon, creation_time=0)
            channel.check_client_disconnected = lambda: False
            task = (Channel.error_task_class if parser.error else Channel.task_class)(channel, parser)
            task.execute()
        except Exception as error:  # noqa: BLE001  which the web server would answer by a bare 500
            return Answer(500, wrong=[*wrong, repr(error)])
    body = b"".join(written).partition(b"\r\n\r\n")[2]
    return Answer(int(task.status[:3]), dict(task.response_headers), body, wrong)


@contextmanager
def what_is_wrong() -> Iterator[list[str]]:
    """What no view caught, and what was logged as an error, while the block runs."""
    found: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith("django.security"):  # refused, which Django logs as an error
                found.append(f"{record.name}: {self.format(record)}")

    def uncaught(**_: Any) -> None:
        found.append(repr(sys.exc_info()[1]))

    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    got_request_exception.connect(uncaught)
    try:
        yield found
    finally:
        got_request_exception.disconnect(uncaught)
        logging.getLogger().removeHandler(listener)


class Fuzz:
    """Campaigns of every protocol and state, and raters at work in them."""

    def __init__(self, seed: int, *, captions: int = 8) -> None:
        self.seed, self.routes = seed, routes()
        draw = random.Random(seed)
        made = [campaign_of(number, captions) for number in range(len(PROTOCOLS) + 3)]
        for campaign, protocol in zip(made, PROTOCOLS, strict=False):
            Campaign.objects.filter(pk=campaign.pk).update(protocol=protocol)
        self.open = list(Campaign.objects.filter(pk__in=[campaign.pk for campaign in made[:-3]]))
        self.people = [self.joined(draw, campaign) for campaign in [*made, *self.open, *self.open]]
        states = (Campaign.State.DRAFT, Campaign.State.PAUSED, Campaign.State.CLOSED)
        for campaign, state in zip(made[-3:], states, strict=True):
            Campaign.objects.filter(pk=campaign.pk).update(state=state)
        self.methods = {route: self.allowed(draw, route) for route in self.routes}

    def allowed(self, draw: random.Random, route: str) -> list[str]:
        """The methods that a route takes, as it says itself when it is asked with another."""
        draft = self.whole(draw, route, self.people[0], "X-Y")
        said = send(request_bytes(draft)).headers.get("Allow", "GET, POST")
        return [method for method in said.split(", ") if method != "OPTIONS"]

    def joined(self, draw: random.Random, campaign: Campaign) -> Person:
        named = f"person-{draw.randrange(10**9)}" if draw.random() < 0.5 else None
        rater, session = rater_join(token=campaign.token, outside_id=named)
        assignment_next(rater=rater)
        return Person(rater, session)

    def run(self, times: int, *, first: int = 0) -> Outcome:
        outcome, lately = Outcome(), list[bytes]()
        ratings = Rating.objects.count()
        for number in range(first, first + times):
            raw = request_bytes(self.drawn(random.Random(f"{self.seed}/{number}")))
            before, began = stored(), time.perf_counter()
            answer = send(raw)
            outcome.seconds.append(time.perf_counter() - began)
            outcome.statuses[answer.status] += 1
            after = stored()
            why = [*dict.fromkeys(answer.wrong), *refused_wrongly(answer, raw)]
            if answer.status >= 400 and before != after:
                why.append(f"refused, and written: {before} {after}")
            if why:
                said = f"{answer.status}, {'; '.join(why)}"
                outcome.failed.append(f"request {number} of seed {self.seed}: {said}\n{raw!r}")
            if before != after:
                lately.append(raw)
            if number % CHECK_EVERY == CHECK_EVERY - 1 or number == first + times - 1:
                if found := torn():
                    outcome.failed.append(f"by request {number} of seed {self.seed}: {found}\n{lately!r}")
                lately.clear()
        outcome.stored = Rating.objects.count() - ratings
        return outcome

    def drawn(self, draw: random.Random) -> Draft:
        route = draw.choice(self.routes)
        draft = self.whole(draw, route, self.somebody(draw), draw.choice(self.methods[route]))
        if draw.random() < 0.15:
            self.as_another(draw, draft)
        for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
            draw.choice(CHANGES)(draw, draft)
        return draft

    def somebody(self, draw: random.Random) -> Person:
        """With a screen to answer, mostly; who has joined again or has nothing left makes room for another."""
        place = draw.randrange(len(self.people))
        person = self.people[place]
        person.rater.refresh_from_db()
        gone = person.rater.session_hash != session_hash(person.session)
        if gone or not (Assignment.objects.open_of(person.rater).exists() or self.goes_on(person.rater)):
            self.people[place] = self.joined(draw, draw.choice(self.open))
        return self.people[place]

    def goes_on(self, rater: Rater) -> bool:
        """Not who has withdrawn."""
        if rater.campaign in self.open and rater.replaced:
            return False
        return rater.campaign not in self.open or isinstance(assignment_next(rater=rater), Screen)

    def as_another(self, draw: random.Random, draft: Draft) -> None:
        """Something of the request is somebody else's."""
        other = self.whole(draw, draft.route, self.somebody(draw), draft.method)
        what = draw.choice(["segments", "headers", "values", "query"])
        setattr(draft, what, getattr(other, what))

    def whole(self, draw: random.Random, route: str, person: Person, method: str) -> Draft:
        """A request as it should be, with all that any route takes."""
        rater, campaign = person.rater, person.rater.campaign
        assignments = Assignment.objects.filter(rater=rater).order_by("-pk")
        shown = assignments.filter(state=State.OPEN).first() or assignments.first()
        last = Rating.objects.filter(assignment__rater=rater).order_by("-pk").first()
        key = uuid.UUID(int=draw.getrandbits(128), version=4)
        if last and draw.random() < 0.1:
            key = last.key
        named = draw.choice([rater.outside_id or "", f"new-{draw.randrange(10**6)}", ""])
        values: dict[str, Any] = {
            "key": str(key),
            "answers": answers_of(draw, shown, campaign) if shown else {},
            "seconds": draw.choice([3.5, 0, 60]),
            "rating": str(last.key if last else key),
            "whose": str(rater.public_id),
            "reason": draw.choice(["", "wrong", "cannot_judge"]),
            "comment": "a comment",
        }
        if named:
            values["rater"] = named
            if draw.random() < 0.5:
                values["signature"] = rater_signature(campaign, named)
        segments = {
            "token": campaign.token,
            "assignment_id": str(shown.public_id if shown else key),
            "rating_key": values["rating"],
        }
        headers = {
            "Authorization": f"Rater {person.session}",
            "Cookie": f"csrftoken={CSRF}; rater-{campaign.token[:8]}={person.session}",
            "X-CSRFToken": CSRF,
        }
        if draw.random() < 0.5:
            headers |= {"HX-Request": "true", "HX-Current-URL": f"http://127.0.0.1/rate/{campaign.token}/?whose=x"}
        query = [("whose", values["whose"])] if method == "GET" and draw.random() < 0.5 else []
        form = "json" if route.startswith("api/") else draw.choice(["urlencoded", "multipart"])
        used = {name: segments.get(name, "x") for name in re.findall(r"<(\w+)>", route)}
        return Draft(route, method, used, values, form, headers, query)


def campaign_of(number: int, captions: int) -> Campaign:
    """Of two systems of its own."""
    texts: dict[str, Callable[[int], str]] = {
        f"{name}-{number}": f"the {name} saw {{}}".format for name in ("lstm", "gru")
    }
    return make_campaign(captions=captions, texts=texts, overlap=1000, criteria=["human_likeness", "fluency"]).campaign


def answers_of(draw: random.Random, shown: Assignment, campaign: Campaign) -> dict[str, Any]:
    protocol, names = protocol_named(campaign.protocol), [name for _, name in shown.candidate_order]
    if protocol.noun == "choices":
        return {criterion: draw.choice([*names, "tie"]) for criterion in campaign.criteria}
    low, high = map(int, protocol.ends(campaign.scale))
    return {criterion: {name: draw.randint(low, high) for name in names} for criterion in campaign.criteria}


def stored() -> list[Any]:
    """How much there is in every table, and what of a rater's rows may change; half answers may at any time."""
    quoted = connection.ops.quote_name
    models = apps.get_app_config("annotations").get_models()
    counts = [f"COUNT(*) FROM {quoted(model._meta.db_table)}" for model in models]
    sums = [f"SUM(revision) FROM {Assignment._meta.db_table}", f"SUM(taken) FROM {Item._meta.db_table}"]
    states = [f"COUNT(*) FROM {Assignment._meta.db_table} WHERE state = '{state}'" for state in State.values]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'(SELECT {each})' for each in [*counts, *sums, *states])}")
        row = list(cursor.fetchone())
    raters = Rater.objects.order_by("pk").values_list("session_hash", "completion_code", "enough_answers")
    return [*row, hash(tuple(raters))]


def refused_wrongly(answer: Answer, raw: bytes) -> list[str]:
    """A server's error, or an error of the API in another shape than its own."""
    if answer.status >= 500:
        return ["a server's error"]
    if answer.status < 400 or not re.match(rb"[A-Z-]+ /+api/", raw) or raw.startswith(b"HEAD "):
        return []
    if answer.headers.get("Content-Type") != "application/problem+json":
        return [f"no problem, but {answer.headers} {answer.body!r}"]
    zipped = answer.headers.get("Content-Encoding") == "gzip"
    problem = json.loads(gzip.decompress(answer.body) if zipped else answer.body)
    whole = problem["status"] == answer.status and problem["title"] and problem["detail"]
    return [] if whole else [f"half a problem: {problem}"]


def torn() -> list[str]:
    """What is stored and not whole: an answer, the revisions of a screen, the places of an item."""
    found = []
    screens = Assignment.objects.select_related("rater__campaign").prefetch_related("ratings")
    for shown in screens:
        ratings = sorted(shown.ratings.all(), key=lambda rating: rating.revision)
        if [rating.revision for rating in ratings] != list(range(1, shown.revision + 1)):
            found.append(f"{shown.pk}: revision {shown.revision} of {ratings}")
        newest = ratings[-1].kind if ratings else Kind.WITHDRAWN
        fitting = {Kind.ANSWER: [State.DONE], Kind.SKIP: [State.SKIPPED], Kind.WITHDRAWN: [State.OPEN, State.RELEASED]}
        if shown.state not in fitting[Kind(newest)]:
            found.append(f"{shown.pk}: {shown.state} after {newest}")
        found += [f"{rating}: {rating.answers}" for rating in ratings if not is_whole(rating, shown)]
    holding = Q(assignments__state__in=[State.OPEN, State.DONE], assignments__place_given_back=False)
    held = Item.objects.annotate(held=Count("assignments", filter=holding)).exclude(held=F("taken"))
    return [*found, *(f"item {item.pk}: {item.taken} places of {item.held} held" for item in held)]


def is_whole(rating: Rating, shown: Assignment) -> bool:
    if rating.kind != Kind.ANSWER:
        return rating.answers == {}
    campaign, ids = shown.rater.campaign, {str(pk) for pk, _ in shown.candidate_order}
    protocol = protocol_named(campaign.protocol)
    if set(rating.answers) != set(campaign.criteria) or not (rating.seconds is None or math.isfinite(rating.seconds)):
        return False
    if protocol.noun == "choices":
        return all(chosen in {*ids, "tie"} for chosen in rating.answers.values())
    low, high = protocol.ends(campaign.scale)
    return all(
        set(scores) == ids and all(low <= score <= high for score in scores.values())
        for scores in protocol.scores(rating.answers).values()
    )
