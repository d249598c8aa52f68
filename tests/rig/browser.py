"""Browsers of people, each with cookies of its own, that talk over https to a hub in this process."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

ORIGIN = "https://hub.test"
PASSWORD = "correct horse battery staple"


@dataclass(slots=True, kw_only=True)
class Browser:
    """One browser with a page of the hub open: it sends cookies, its origin, and what the page knows."""

    client: TestClient
    csrf: str = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer. A header given as an empty text is left out; an error must be a problem+json."""
        given = {"origin": ORIGIN, "x-csrf-token": self.csrf, "content-type": "application/json"}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = self.client.request(
            method, path, content=content, headers={name: text for name, text in given.items() if text}
        )
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert answer.status_code < 500, answer.text
        elif answer.content and isinstance(answer.json(), dict):
            self.csrf = answer.json().get("csrf_token", self.csrf)
        return answer

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return what came back of something that must work."""
        answer = self.call(method, path, body, **headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Return status and code of something that must not work."""
        answer = self.call(method, path, body, **headers)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        """Sign in and return what the answer says."""
        return self.ask("POST", "/api/session", {"email": email, "password": password})

    @property
    def cookie(self) -> str:
        """The session's cookie as the browser has it, empty without one."""
        return self.client.cookies.get("__Host-revolution") or ""
