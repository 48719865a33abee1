"""Somebody with an account, without a browser: pages fetched and forms sent by plain HTTP."""

import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any

from tests.site import Site

PASSWORD = "one long password"


class Visitor:
    def __init__(self, site: Site, name: str, role: str) -> None:
        """A new account, whose password is set by its link, logged in."""
        self.root = f"http://127.0.0.1:{site.port}"
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        link = site.manage("account_link", name, "--role", role)["link"]
        address, page = self.get(urllib.parse.urlsplit(link).path)
        self.post(address, page, new_password1=PASSWORD, new_password2=PASSWORD)
        address, page = self.get("/login/")
        self.post(address, page, username=name, password=PASSWORD, next="/")

    def get(self, path: str) -> tuple[str, str]:
        """The path at which a page was found, and the page."""
        with self.opener.open(self.root + path, timeout=60) as answer:
            return urllib.parse.urlsplit(answer.geturl()).path, answer.read().decode()

    def post(self, path: str, page: str, **fields: Any) -> tuple[str, str]:
        """Send a form that stands on the page; what it leads to, as `get` gives it."""
        (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True).encode()
        request = urllib.request.Request(self.root + path, data, {"Referer": self.root + path})
        with self.opener.open(request, timeout=60) as answer:
            return urllib.parse.urlsplit(answer.geturl()).path, answer.read().decode()

    def send(self, path: str, fields: Mapping[str, Any]) -> tuple[str, str]:
        """Fill in the form of a page and send it."""
        address, page = self.get(path)
        return self.post(address, page, **fields)
