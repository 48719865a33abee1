"""A browser at Django's test client that follows links and sends forms, with or without htmx."""

import re
from typing import Any

from django.test import Client

from annotations import models
from tests.annotations.raters import handed_out_earlier

UUID = "[0-9a-f-]{36}"


class Visitor:
    """With `browser`, another window of that visitor's browser; `query` is what the link carries."""

    def __init__(
        self,
        campaign: models.Campaign,
        htmx: bool = True,
        *,
        browser: "Visitor | None" = None,
        query: str = "",
    ) -> None:
        self.client = browser.client if browser else Client()
        self.address = f"/rate/{campaign.token}/"
        self.headers = {"HX-Request": "true"} if htmx else {}
        self.shown = f"{self.address}{query}"
        self.reload()

    def reload(self) -> Any:
        answer = self.client.get(self.shown)
        self.page = answer.content.decode()
        return answer

    def send(self, path: str, data: dict[str, Any] | None = None) -> Any:
        sent = self.whose() | (data or {})
        answer = self.client.post(self.address + path, sent, headers=self.headers, follow=True)
        self.page = answer.content.decode()
        return answer

    def join(self, **data: str) -> Any:
        """Send the page's form, or what is given instead of what it holds."""
        form = self.page.partition("/join/")[2].partition("</form>")[0]
        hidden = dict(re.findall(r'name="(rater|signature|whose)" value="([^"]*)"', form))
        answer = self.client.post(f"{self.address}join/", data or hidden, follow=True)
        self.page = answer.content.decode()
        if answer.redirect_chain:
            self.shown = answer.redirect_chain[-1][0]
        return answer

    def whose(self) -> dict[str, str]:
        found = re.search(rf'name="whose" value="({UUID})"', self.page)
        return {"whose": found[1]} if found else {}

    @property
    def assignment(self) -> str:
        found = re.search(rf"answer/({UUID})/", self.page)
        assert found, self.page
        return found[1]

    def fields(self) -> list[str]:
        return re.findall(rf'type="hidden" name="(\w+:{UUID})"', self.page)

    def key(self, form: str) -> str:
        part = self.page.split(f"/{form}/")[-1]
        found = re.search(rf'name="key" value="({UUID})"', part)
        assert found
        return found[1]

    def answer(self, value: int = 60, **more: str) -> Any:
        handed_out_earlier(self.assignment)
        data = dict.fromkeys(self.fields(), str(value)) | {"key": self.key("answer"), "seconds": "4.2"} | more
        return self.send(f"answer/{self.assignment}/", data)

    def draft(self, value: int = 33, **more: str) -> Any:
        data = self.whose() | {self.fields()[0]: str(value)} | more
        return self.client.post(f"{self.address}draft/{self.assignment}/", data)

    def skip(self, **more: str) -> Any:
        return self.send(f"skip/{self.assignment}/", {"key": self.key("skip")} | more)

    def undo(self) -> Any:
        found = re.search(rf'name="rating" value="({UUID})"', self.page)
        assert found
        return self.send("undo/", {"rating": found[1], "key": self.key("undo")})
