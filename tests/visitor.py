"""Somebody on the chat page of a program that runs as its own process."""

from typing import Any
from uuid import uuid4

import httpx
from program import Served


class Visitor:
    """Somebody on the chat page: a token, and the newest message seen."""

    def __init__(self, server: Served, language: str = "en", zone: str = "Europe/London") -> None:
        opened = server.post("session", {"language": language, "timezone": zone})
        assert opened.status_code == 201
        self.token = str(opened.json()["token"])
        self.after = 0
        self.note(opened)

    def note(self, answer: httpx.Response) -> list[dict[str, Any]]:
        assert answer.status_code in (200, 201), answer.text
        messages: list[dict[str, Any]] = answer.json()["messages"]
        self.after = max([self.after, *(message["id"] for message in messages)])
        return messages

    def sends(self, server: Served, event: dict[str, str], event_id: str = "") -> list[dict[str, Any]]:
        """The messages that answer the event."""
        body = {"id": event_id or str(uuid4()), "after": self.after, **event}
        return self.note(server.post("events", body, self.token))

    def everything(self, server: Served) -> list[dict[str, Any]]:
        answer = server.get("messages?after=0", self.token)
        assert answer.status_code == 200
        shown: list[dict[str, Any]] = answer.json()["messages"]
        return shown


def press(button: str) -> dict[str, str]:
    return {"type": "press", "button": button}


def consent(messages: list[dict[str, Any]]) -> str:
    """The button that agrees."""
    return next(str(choice["id"]) for choice in messages[-1]["choices"] if choice["id"].startswith("consent:yes"))
