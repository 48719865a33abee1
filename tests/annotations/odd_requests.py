"""Requests that a rater's browser or program sends, and what can be wrong with them: drawn at random, from one seed.

A request is first made as it should be, of everything that any route takes; then up to three things of it are changed.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from tests.annotations.hostile import TEXTS


class Raw(str):
    """JSON as it is written, right or wrong."""


DEEP, WIDE = 100_000, 20_000
RAW = [
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-0", "0.1e-99999", "9" * 300, "9" * 301, "1" * 5000, "0x1",
    "01", '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\x"', '"', '"\n"', "'a'", "tru", "", "[1,]", "/**/1",
    '{"a":1,"a":2}', "[" * 64 + "]" * 64, "[" * 70 + "]" * 70, "[" * DEEP, '{"a":' * 5000, "[" + "[]," * WIDE + "1]",
    "{" + ",".join(f'"{n}":{n}' for n in range(WIDE // 4)) + "}", '"' + "\\ud83d\\ude00" * 2000 + '"',
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 101, 2**31, 2**63, 2**64, 10**299, 0.1, -0.0, 1e308, [], {}, [[]], {"": ""}, [None],
    "", " ", "50", "tie", "nan", "inf", "1_0", "\u0661\u0662", "0" * 1001, "{}", "[]", "%s", "a:b", ":", "::", "../..",
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "urn:uuid:1", *TEXTS.values(),
]  # fmt: skip
ADDRESSES = [
    "http://[", "http://[::1", "//[", "http://a:b@c:99999999/", "http://\u2100/", "javascript:1", "http:///", "?", "#",
    "http://127.0.0.1/rate/x/?" + "a" * 9000, "http://xn--\u00fc/", "data:,",
]  # fmt: skip
CHARSETS = [
    "utf-16", "utf-7", "hex", "rot13", "zlib", "idna", "punycode", "undefined", "unicode_escape", "none-such", "", '"',
    "ü", "utf8", "latin-1", "../x", "a" * 3000, "mbcs", "raw_unicode_escape",
]  # fmt: skip
TYPES = [
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\u00fc", "multipart/form-data; boundary=" + "b" * 300, "text/plain", "", ";", "/",
    "*/*", "application/json; x*=none-such''y", "application/json; x*=undefined''y",
    "application/json; x*0*=a'b'c; x*1=d", "a;=;=", "multipart/mixed; boundary=x", "application/problem+json",
    "text/html; x*=utf-8'", "multipart/form-data; boundary*=hex''a",
]  # fmt: skip
JUNK = [b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"%00", b"%", b"&", b"\r\n", b"=" * 99]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "X-Y"]
HEADERS: dict[str, list[str]] = {
    "HX-Request": ["true", "false", "1"],
    "HX-Current-URL": ADDRESSES,
    "HX-Current-URL-URI-AutoEncoded": ["true"],
    "HX-Trigger": ["a", "\u00e9"],
    "Referer": ADDRESSES,
    "Origin": [*ADDRESSES, "null"],
    "Host": ["", "a b", "[", "[::1", "127.0.0.1:99999", "evil.example", "\u00fc", "127.0.0.1", "a" * 300],
    "Accept": [*TYPES, "application/json; indent=x", "application/json; indent=" + "9" * 5000, "text/html;q=x", ",,,"],
    "Accept-Language": [
        "*", "ko", "ko;q=x", "-", "x" * 600, "ko,en;q=0.5," * 200, "\u00fc", "en-\0", "../ko", "zh-" + "x-" * 300,
    ],
    "Accept-Encoding": ["gzip", "gzip;q=0", "\u00fc", "*"],
    "X-Forwarded-For": ["", "1.2.3.4", "[", "::1%eth0", "a, b, c", "1.2.3.4:x", "," * 500, "\u00fc"],
    "X-Forwarded-Proto": ["https", "\u00fc"],
    "X-HTTP-Method-Override": METHODS,
    "X-CSRFToken": ["", "x", "\u00fc" * 32, "a" * 64, "\x01"],
    "If-None-Match": ["*", '"', "W/"],
    "If-Modified-Since": ["x", "Mon, 99 Jan 99999 99:99:99 GMT"],
    "Range": ["bytes=0-", "bytes=9-1", "x"],
    "Expect": ["100-continue", "x"],
    "Authorization": [
        "", "Rater", "Rater ", "Rater \u00fc", "Rater a b", "Basic \u00fc", "Bearer x", "Rater " + "a" * 5000,
        "rater\tx",
    ],
    "Cookie": [
        "", "=", ";", "a", "sessionid=\u00fc", "sessionid=" + "a" * 5000, "sessionid=..%00", 'sessionid="\\000"',
        "csrftoken=", "csrftoken=\u00fc", "csrftoken=" + "a" * 64, "django_language=xx", "django_language=../ko",
        "messages=x:y:z", "__proto__=1", 'messages="\\355\\240\\200"', "\u00fc=1", "rater-=x", "a=1; " * 400,
    ],
    "Content-Length": ["x", "-1", "+1", "1_0", "9" * 5000, "\u00b2", "99999999999", "0"],
}  # fmt: skip
NAMED = ["rater", "whose", "signature", "PROLIFIC_PID", "workerId", "id", "key", "rating", "format", "q", "page"]
PARTS = [
    'Content-Disposition: form-data; name="{}"; filename="a"',
    "Content-Disposition: form-data; name=\"{}\"; filename*=none-such''%ff",
    "Content-Disposition: form-data; name*=hex''{}",
    'Content-Disposition: form-data; name="{}"\r\nContent-Type: text/plain; charset=hex',
    "Content-Disposition: form-data; name=\"{}\"\r\nContent-Type: text/plain; x*=undefined''y",
    'Content-Disposition: form-data; name="{}"\r\nContent-Transfer-Encoding: base64',
    'Content-Disposition: form-data; name="{}"; filename="a"\r\nContent-Transfer-Encoding: base64',
    'Content-Disposition: form-data; name="{}"\r\nContent-Length: x',
    'Content-Disposition: form-data; name="{}"; filename="../../\\"',
    "Content-Disposition: {}",
    "{}",
    "\u00fc: {}",
    "A: {}\r\n" * 200,
]
BOUNDARY = "----between"


@dataclass
class Draft:
    """A request before it is written down. `segments` are what the route's parameters are, `values` what is sent."""

    route: str
    method: str
    segments: dict[str, str]
    values: dict[str, Any]
    form: str  # json, urlencoded, multipart
    headers: dict[str, str]
    query: list[tuple[str, str]] = field(default_factory=list)
    part: str = ""  # how the parts of a multipart are headed, where otherwise than usual
    tail: list[Callable[[bytes], bytes]] = field(default_factory=list)  # what is done to the body's bytes


Change = Callable[[random.Random, Draft], None]


def odd_text(draw: random.Random) -> str:
    odd = draw.choice([*VALUES, *ADDRESSES])
    return odd if isinstance(odd, str) else str(odd)


def odd_value(draw: random.Random) -> Any:
    return Raw(draw.choice(RAW)) if draw.random() < 0.4 else draw.choice(VALUES)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container within a value with each of its keys."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [place for key, inner in pairs for place in [(value, key), *places(inner)]]


def a_value(draw: random.Random, draft: Draft) -> None:
    if found := places(draft.values):
        container, key = draw.choice(found)
        container[key] = odd_value(draw)


def a_key(draw: random.Random, draft: Draft) -> None:
    """One is left out, called otherwise, or there is one more."""
    found = [(container, key) for container, key in places(draft.values) if isinstance(container, dict)]
    if not found:
        return
    container, key = draw.choice(found)
    act = draw.randrange(3)
    value = container[key] if act == 2 else container.pop(key)
    if act:
        container[odd_text(draw)] = value


def a_parameter(draw: random.Random, draft: Draft) -> None:
    if draft.segments:
        name = draw.choice(list(draft.segments))
        known = draft.segments[name]
        draft.segments[name] = draw.choice([odd_text(draw), known[:-1], known.upper(), f"{known}/", f"{known}\0", ""])


def a_query(draw: random.Random, draft: Draft) -> None:
    draft.query += [(draw.choice([*NAMED, odd_text(draw)]), odd_text(draw)) for _ in range(draw.randint(1, 3))]


def a_header(draw: random.Random, draft: Draft) -> None:
    name = draw.choice(list(HEADERS))
    value = draw.choice(HEADERS[name])
    if name == "Cookie" and draw.random() < 0.5:
        value = f"{draft.headers.get('Cookie', '')}; {value}"
    draft.headers[name] = value


def a_type(draw: random.Random, draft: Draft) -> None:
    named = draw.choice(TYPES[:3])
    odd = f"{named}; charset={draw.choice(CHARSETS)}" + (f"; boundary={BOUNDARY}" if "multipart" in named else "")
    draft.headers["Content-Type"] = draw.choice([odd, odd, draw.choice(TYPES)])


def a_part(draw: random.Random, draft: Draft) -> None:
    draft.form, draft.part = "multipart", draw.choice(PARTS)


def a_method(draw: random.Random, draft: Draft) -> None:
    draft.method = draw.choice(METHODS)


def another_body(draw: random.Random, draft: Draft) -> None:
    """A value of another kind in place of the whole, or another way to write it."""
    if draw.random() < 0.5:
        whole = odd_value(draw)
        draft.tail.append(lambda _: written(whole).encode(errors="surrogatepass"))
    else:
        draft.form = draw.choice(["json", "urlencoded", "multipart"])


def other_bytes(draw: random.Random, draft: Draft) -> None:
    at, junk = draw.random(), draw.choice(JUNK)
    changes: list[Callable[[bytes], bytes]] = [
        lambda body: body[: int(at * len(body))],
        lambda body: body[: int(at * len(body))] + junk + body[int(at * len(body)) :],
        lambda body: junk + body,
        lambda body: body.decode(errors="replace").encode("utf-16"),
        lambda body: body * 2,
        lambda body: body + b"&a=1" * 1500,
        lambda body: body + b" " * (1 << 20),
        lambda body: b"",
    ]
    draft.tail.append(draw.choice(changes))


CHANGES: list[Change] = [
    a_value, a_value, a_value, a_key, a_key, a_parameter, a_query, a_header, a_header, a_header, a_type, a_part,
    a_method, another_body, other_bytes,
]  # fmt: skip


def written(value: Any) -> str:
    """As JSON, in which what is raw stays so."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def fields_of(values: dict[str, Any]) -> list[tuple[str, str]]:
    """As the rating page's form sends them: an answer's are called `criterion:candidate`."""
    sent: list[tuple[str, str]] = []
    for name, value in values.items():
        if name == "answers" and isinstance(value, dict):
            for criterion, inner in value.items():
                pairs = inner.items() if isinstance(inner, dict) else [("", inner)]
                sent += [(f"{criterion}:{candidate}", as_field(each)) for candidate, each in pairs]
        else:
            sent.append((name, as_field(value)))
    return sent


def as_field(value: Any) -> str:
    return value if isinstance(value, str) else written(value)


def percent(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def body_of(draft: Draft) -> tuple[str, bytes]:
    """The content type and the bytes."""
    if draft.form == "json":
        return "application/json", written(draft.values).encode("utf-8", "surrogatepass")
    fields = fields_of(draft.values)
    if draft.form == "urlencoded":
        body = "&".join(f"{percent(name)}={percent(value)}" for name, value in fields)
        return "application/x-www-form-urlencoded", body.encode()
    head = draft.part or 'Content-Disposition: form-data; name="{}"'
    parts = [f"--{BOUNDARY}\r\n{head.replace('{}', name)}\r\n\r\n{value}\r\n" for name, value in fields]
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"])
    return f"multipart/form-data; boundary={BOUNDARY}", body.encode("utf-8", "surrogatepass")


def request_bytes(draft: Draft) -> bytes:
    """The request as it goes over the wire."""
    path = draft.route
    for name, value in draft.segments.items():
        path = path.replace(f"<{name}>", percent(value))
    if draft.query:
        path += "?" + "&".join(f"{percent(name)}={percent(value)}" for name, value in draft.query)
    kind, body = body_of(draft)
    for change in draft.tail:
        body = change(body)
    headers = {"Host": "127.0.0.1", "Content-Type": kind, "Content-Length": str(len(body)), **draft.headers}
    lines = [f"{draft.method} /{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body
