"""The hot door's short way in: whatever is sent, the answer is the one the framework would have given."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from revolution_hub.api.app import make_api, make_fastapi
from revolution_hub.api.frame import Frame
from revolution_hub.api.lean import LeanFirst
from revolution_hub.settings import Settings

SAY = {"id": "say", "respond": {"body": "{{ trigger.data.n }}"}}
TOO_LARGE = b'"' + b"a" * 2_000_000 + b'"'


def publish(bench: Any, **settings: Any) -> str:
    return str(bench.publish(SAY, on=[{"webhook": settings}]).hook)


def ask(app: Any, method: str, path: str, body: bytes = b'{"n": 1}', **headers: str) -> tuple[Any, ...]:
    """Return status, headers and body of the answer, without what differs from request to request."""
    # What the hub lets through to the server as an exception fails here.
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.request(method, path, content=body, headers=headers)
    told = {name: value for name, value in answer.headers.items() if name not in ("x-request-id",)}
    said = answer.json()
    for name in ("request_id", "execution_id"):
        said.pop(name, None) if isinstance(said, dict) else None
    told.pop("content-length", None)
    return answer.status_code, told, said


CASES: dict[str, tuple[int, str, str, bytes]] = {
    "taken in": (200, "POST", "", b'{"n": 1}'),
    "a query": (200, "POST", "?n=1", b'{"n": 1}'),
    "no such address": (404, "POST", "x", b"{}"),
    "no JSON": (422, "POST", "", b"{"),
    "too large": (413, "POST", "", TOO_LARGE),
    "another method": (405, "GET", "", b""),
    "further down": (404, "POST", "/more", b"{}"),
    "NUL in the address": (404, "POST", "%00", b"{}"),
}


@pytest.mark.parametrize("case", CASES)
def test_both_ways_give_the_same_answer(case: str, bench: Any) -> None:
    status, method, more, body = CASES[case]
    path = publish(bench, auth="none", answer="result") + more
    short = ask(make_api(bench.hub), method, path, body)
    long = ask(Frame(make_fastapi(bench.hub)), method, path, body)
    assert short == long
    assert short[0] == status


def test_an_unsigned_delivery_is_refused_the_same_way(bench: Any) -> None:
    path = publish(bench)
    short, long = (ask(app, "POST", path) for app in (make_api(bench.hub), Frame(make_fastapi(bench.hub))))
    assert short == long
    assert short[0] == 401


def test_a_database_that_is_away_is_told_with_when_to_come_back(bench: Any) -> None:
    path = publish(bench, auth="none")
    app = make_api(bench.hub)
    bench.hub.store.close()
    status, headers, said = ask(app, "POST", path)
    assert (status, headers["retry-after"], said["code"]) == (503, "1", "database_unavailable")


def test_what_nobody_foresaw_is_an_internal_error_without_its_reason(
    bench: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = publish(bench, auth="none")

    def broken() -> None:
        raise RuntimeError("the inner reason")

    status, _, said = ask(make_api(replace(bench.hub, now=broken)), "POST", path)
    assert (status, said["code"]) == (500, "internal_error")
    assert "the inner reason" not in json.dumps(said)
    assert "the inner reason" in caplog.text


def test_a_sender_who_hangs_up_leaves_nothing_and_no_alarm(
    bench: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = publish(bench, auth="none")
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    with caplog.at_level(logging.ERROR):
        asyncio.run(make_api(bench.hub)(scope, receive, send))
    assert caplog.records == []
    assert sent[0]["status"] == 400
    assert bench.counts() == [0, 0, 0, 0]


def test_only_the_hot_door_goes_the_short_way(bench: Any) -> None:
    asked: list[str] = []

    async def framework(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])

    app = make_fastapi(bench.hub)
    short = LeanFirst(app)
    short._app = framework
    for path in ("/hooks/key", "/hooks/apps/acme/key", "/api/workflows", "/hooks", "/hooks/"):
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        client = {"type": "http.request", "body": b"{}", "more_body": False}

        async def receive(message: Any = client) -> Any:
            return message

        async def send(message: Any) -> None:
            pass

        asyncio.run(short({**scope, "app": app}, receive, send))
    assert asked == ["/api/workflows", "/hooks", "/hooks/"]
    assert Settings().body_bytes < len(TOO_LARGE)
