"""A rater at Django's test client."""

import uuid
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from annotations.models import Assignment, Campaign


class Rater:
    def __init__(self, campaign: Campaign, outside_id: str | None = None, *, session: str = "") -> None:
        """Who has a session joined already."""
        self.client, self.session = Client(), session
        if session:
            return
        joined = self.post(f"{campaign.token}/join", {"rater": outside_id})
        assert joined.status_code == 201, joined.content
        self.session = joined.json()["session"]

    def post(self, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Rater {self.session}"} if self.session else {}
        return self.client.post(f"/api/v1/rate/{path}", body or {}, content_type="application/json", headers=headers)

    def next(self) -> Any:
        answer = self.post("next")
        assert answer.status_code in (200, 204), answer.content
        return answer.json() if answer.status_code == 200 else None

    def answers(self, screen: dict[str, Any], score: float = 50) -> dict[str, Any]:
        ids = [candidate["id"] for candidate in screen["item"]["candidates"]]
        return {criterion: {each: score + place for place, each in enumerate(ids)} for criterion in screen["criteria"]}

    def submit(self, screen: dict[str, Any], key: str | None = None, answers: Any = None) -> Any:
        handed_out_earlier(screen["assignment"])
        body = {"key": key or new_key(), "answers": answers or self.answers(screen), "seconds": 3.5}
        return self.post(f"assignments/{screen['assignment']}", body)

    def skip(self, screen: dict[str, Any], key: str | None = None) -> Any:
        return self.post(f"assignments/{screen['assignment']}/skip", {"key": key or new_key()})

    def undo(self, rating: str, key: str | None = None) -> Any:
        return self.post(f"ratings/{rating}/undo", {"key": key or new_key()})


def handed_out_earlier(assignment: str, seconds: float = 60) -> None:
    """Let the screen have been handed out before, so that its rater can have looked at it for a while."""
    handed_out = Assignment.objects.filter(public_id=assignment)
    handed_out.update(created_at=timezone.now() - timedelta(seconds=seconds))


def new_key() -> str:
    return str(uuid.uuid4())
