"""The command line as a client of a running hub: the same API as everybody's."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from revolution_hub.cli.first_key import read_api_key
from revolution_hub.cli.show import settings
from revolution_hub.errors import DefinitionError, HubError, Problem
from revolution_sdk.types import Json

TIMEOUT_S = 60.0
MOST_TRIES = 5
LONGEST_WAIT_S = 30


class Client:
    """Calls a hub's API with a key; an answer above 399 is raised as a HubError with its problems."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx2.Client(
            base_url=url,
            headers={"authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

        self.url = url

    def as_key(self, api_key: str) -> "Client":
        """Return a client of the same hub for another key."""
        return Client(self.url, api_key)

    def get(self, path: str, /, **query: str) -> Any:
        """Read something."""
        return self._answer("GET", path, params=query)

    def text(self, path: str, /, **query: str) -> str:
        """Read something that is text."""
        return self._response("GET", path, params=query).text

    def content(self, path: str) -> bytes:
        """Read something as it is."""
        return self._response("GET", path).content

    def stream(self, path: str, /, **query: str) -> Iterator[bytes]:
        """Read something large as it comes."""
        try:
            with self._http.stream("GET", path, params=query) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _problem(answer)
                yield from answer.iter_bytes()
        except httpx2.HTTPError as error:
            raise HubError(f"the hub at {self._http.base_url} did not answer to the end: {error}") from error

    def everything(self, path: str, /, **query: str) -> Iterator[Any]:
        """Read a list page by page."""
        query |= {"limit": "200", "sort": "created_at"}
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def post(self, path: str, body: Json = None, **headers: str) -> Any:
        """Ask for something to be done."""
        return self._answer("POST", path, json={} if body is None else body, headers=_named(headers))

    def put(self, path: str, body: Json, **headers: str) -> Any:
        """Put something in the place of what is there."""
        return self._answer("PUT", path, json=body, headers=_named(headers))

    def patch(self, path: str, body: Json, **headers: str) -> Any:
        """Change some of what is there."""
        return self._answer("PATCH", path, json=body, headers=_named(headers))

    def delete(self, path: str, **headers: str) -> None:
        """Remove something."""
        self._answer("DELETE", path, headers=_named(headers))

    def _answer(self, method: str, path: str, **options: Any) -> Any:
        answer = self._response(method, path, **options)
        return answer.json() if answer.content else None

    def _response(self, method: str, path: str, **options: Any) -> httpx2.Response:
        for _ in range(MOST_TRIES):
            try:
                answer = self._http.request(method, path, **options)
            except httpx2.HTTPError as error:
                raise HubError(f"no hub answers at {self._http.base_url}: {error}") from error
            wait_s = answer.headers.get("retry-after", "")
            # Whoever is asked to come back later was given nothing, so asking again repeats nothing.
            if answer.status_code not in (429, 503) or not wait_s.isdigit() or int(wait_s) > LONGEST_WAIT_S:
                break
            time.sleep(int(wait_s))
        if answer.status_code >= 400:
            raise _problem(answer)
        return answer


def connect(url: str | None = None, api_key: str | None = None) -> Client:
    """Return a client for REVOLUTION_URL with REVOLUTION_API_KEY; by default the hub on this machine."""
    read = settings()
    key = api_key or os.environ.get("REVOLUTION_API_KEY") or read_api_key(read)
    if not key:
        where = Path(read.data_dir) / "api-key"
        raise HubError(f"no API key: set REVOLUTION_API_KEY (there is no {where})")
    return Client(url or os.environ.get("REVOLUTION_URL") or read.public(), key)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): text for name, text in headers.items()}


def _problem(answer: httpx2.Response) -> HubError:
    try:
        body = answer.json()
        problems = [
            Problem(path=one["path"], message=one["message"], code=one["code"]) for one in body["problems"]
        ]
        return DefinitionError(f"{body['title']}: {body['detail']}", problems, code=body["code"])
    except (ValueError, KeyError, TypeError):
        return HubError(f"the hub answered {answer.status_code}")
