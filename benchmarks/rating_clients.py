"""Raters of a site under load, by the API or by the page, each on one kept-alive connection; all without pause.

    python -m benchmarks.rating_clients PORT TOKEN api|page|twice RATERS ROUNDS SECONDS

prints the seconds that each round took, a list per rater. `twice` sends every answer twice at once.
"""

import http.client
import json
import re
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

Screen = dict[str, Any]
Answer = tuple[http.client.HTTPResponse, bytes]


# By the API, what is answered by one criterion, of texts by their ids in the order of the screen.
ANSWERS: dict[str, Callable[[dict[str, str]], object]] = {
    "slider": lambda texts: {name: min(20 + len(text), 100) for name, text in texts.items()},  # a cut one has less
    "likert": lambda texts: dict.fromkeys(texts, 3),
    "pairwise": lambda texts: next(iter(texts)),
    "best_worst": lambda texts: {"best": next(iter(texts)), "worst": list(texts)[-1]},
    "ranking": list,
    "human_or_machine": lambda texts: {"human": True, "confidence": 2},
    "which_is_human": lambda texts: {"human": next(iter(texts)), "confidence": 2},
    "edit": lambda texts: {name: f"{text} indeed" for name, text in texts.items()},
    "error_spans": lambda texts: {
        name: [{"start": 0, "end": 2, "category": "grammar", "severity": "minor"}] for name in texts
    },
}
SLIDER, SPANS, REWRITE = "50", '[[0,2,"grammar","minor"]]', "It was a dog indeed"


class Refused(RuntimeError):
    def __init__(self, path: str, status: int, content: bytes) -> None:
        super().__init__(f"{path}: {status} {content[:300]!r}")
        self.status = status


class Connection:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Answer:
        try:
            answer, content = self.exchange(method, path, body, headers or {})
        except (ConnectionError, http.client.RemoteDisconnected):  # kept alive too long: the same again, as clients may
            self.connection.close()
            answer, content = self.exchange(method, path, body, headers or {})
        if answer.status >= 400:
            raise Refused(path, answer.status, content)
        return answer, content

    def exchange(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer:
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer, answer.read()


class ApiRater(Connection):
    def __init__(self, port: int, session: str = "") -> None:
        super().__init__(port)
        self.session = session

    def join(self, token: str) -> None:
        self.session = self.post(f"/api/v1/rate/{token}/join", {})["session"]

    def next(self) -> Screen | None:
        return self.shown(self.post("/api/v1/rate/next", {}))

    def post(self, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Rater {self.session}"}
        _, content = self.ask("POST", path, json.dumps(body), headers)
        return json.loads(content) if content else None

    def submit(self, screen: Screen, key: str) -> Any:
        texts = {each["id"]: each["text"] for each in screen["item"]["candidates"]}
        answers = {criterion: ANSWERS[screen["protocol"]](texts) for criterion in screen["criteria"]}
        body = {"key": key, "answers": answers, "seconds": 1.0}
        return self.post(f"/api/v1/rate/assignments/{screen['assignment']}", body)

    def round(self, screen: Screen) -> Screen | None:
        """Answer it; the next screen."""
        return self.shown(self.submit(screen, str(uuid.uuid4()))["next"])

    def shown(self, found: Any) -> Screen | None:
        return found if found and "assignment" in found else None


class TwiceRater(ApiRater):
    """Sends every answer twice at once."""

    def join(self, token: str) -> None:
        super().join(token)
        self.again, self.pool = ApiRater(self.connection.port, self.session), ThreadPoolExecutor(2)

    def round(self, screen: Screen) -> Screen | None:
        key = str(uuid.uuid4())
        sent = [self.pool.submit(each.submit, screen, key) for each in (self, self.again)]
        answers = [each.result() for each in sent]
        if answers[0]["rating"] != answers[1]["rating"]:
            raise RuntimeError(f"sent twice, stored twice: {answers}")
        return self.shown(answers[0]["next"])


class PageRater(Connection):
    """A browser's htmx: the answer's form in, the next screen's part of the page out."""

    def join(self, token: str) -> None:
        self.address, self.cookies = f"/rate/{token}/", dict[str, str]()
        welcome = self.page("GET", self.address)
        self.page("POST", f"{self.address}join/", {"csrfmiddlewaretoken": self.csrf(welcome), "rater": ""})

    def next(self) -> Screen | None:
        return self.shown(self.page("GET", self.address))

    def page(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> str:
        headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer, content = self.ask(method, path, urlencode(form or {}), headers)
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return content.decode()

    def csrf(self, page: str) -> str:
        return re.findall('csrfmiddlewaretoken" value="([^"]+)"', page)[0]

    def shown(self, page: str) -> Screen | None:
        form = page.partition('<form id="answer"')[2].partition("</form>")[0]
        if not form:
            return None
        hidden = dict(re.findall('type="hidden" name="([^"]+)" value="([^"]*)"', form))
        radios: dict[str, list[str]] = {}
        for name, value in re.findall(r'type="radio" name="([^"]+)"\s+value="([^"]*)"', form):
            radios.setdefault(name, []).append(value)
        chosen = {name: values[number % len(values)] for number, (name, values) in enumerate(radios.items())}
        typed = REWRITE if "data-text=" in form else SPANS if 'class="spans' in form or "data-spans" in form else SLIDER
        fields = {name: value or typed for name, value in hidden.items() if ":" in name and "." not in name}
        return {"path": re.findall('action="([^"]+)"', form)[0], "form": hidden | fields | chosen}

    def round(self, screen: Screen) -> Screen | None:
        form = screen["form"] | {"seconds": "1.0"}
        return self.shown(self.page("POST", screen["path"], form, **{"HX-Request": "true"}))


RATERS: dict[str, Callable[[int], ApiRater | PageRater]] = {"api": ApiRater, "page": PageRater, "twice": TwiceRater}


def rounds(kind: str, port: int, token: str, most: int, seconds: float) -> list[float]:
    """Rate until nothing is left, or so many rounds or seconds; returns the seconds of each round."""
    rater, took = RATERS[kind](port), list[float]()
    rater.join(token)
    screen = rater.next()
    begun = time.perf_counter()
    while screen and len(took) < most and time.perf_counter() - begun < seconds:
        asked = time.perf_counter()
        screen = rater.round(screen)
        took.append(time.perf_counter() - asked)
    return took


def main() -> None:
    port, token, kind, raters, most, seconds = sys.argv[1:]
    with ThreadPoolExecutor(int(raters)) as pool:
        jobs = [pool.submit(rounds, kind, int(port), token, int(most), float(seconds)) for _ in range(int(raters))]
        print(json.dumps([job.result() for job in jobs]))


if __name__ == "__main__":
    main()
