"""The load is what it says: each request signed, each id used once, no refusal taken for an answer."""

import asyncio
import http.server
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from rig.missing import missing

from bench.ending import Wrong
from bench.load import BODY, Load, plain_load, signed_lines, signed_load
from bench.sender import Line, burst, trickle
from bench.workflows import Hook
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import verify_standard

SECRET = Secret("whsec_c2VjcmV0IG9mIGEgYmVuY2htYXJr")


def _verified(headers: Any, body: bytes) -> str:
    given = {name.lower(): value for name, value in headers.items()}
    at = datetime.now(UTC)
    return verify_standard(Delivery(method="POST", url="", headers=given, body=body, received_at=at), SECRET)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.seen: list[str] = []
        self.bodies: set[bytes] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/one"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.add(body)
        try:
            self.server.seen.append(_verified(self.headers, body))
            status = self.server.statuses.pop(0) if self.server.statuses else 202
        except DeliveryError:
            status = 401
        # In one piece: two would wait for each other's acknowledgement.
        self.wfile.write(f"HTTP/1.1 {status} X\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{{}}".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def _serving(*statuses: int) -> Iterator[_Server]:
    server = _Server(list(statuses))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _hook(server: _Server) -> Hook:
    return Hook(workflow_id="wf_1", url=server.url, secret=SECRET)


def test_the_body_is_that_of_the_yardstick() -> None:
    assert BODY == b'{"contact":{"firstname":"Ada","company":"Acme","score":80}}'


def test_every_line_is_a_signature_of_its_own_that_a_hub_accepts() -> None:
    lines = list(signed_lines(SECRET, "run", 50))
    assert all(line.endswith("\n") and len(line.split(" ")) == 3 for line in lines)
    ids = []
    for line in lines:
        message_id, sent_s, signature = line.split()
        named = {"webhook-id": message_id, "webhook-timestamp": sent_s, "webhook-signature": signature}
        assert abs(int(sent_s) - time.time()) < 60
        ids.append(_verified(named, BODY))
    assert len(set(ids)) == 50


def test_wrk_sends_each_signature_once_and_is_given_more_when_they_are_used_up() -> None:
    if shutil.which("wrk") is None:
        missing("wrk is not installed")
    with _serving() as server:
        runs = signed_load(server.url, SECRET, 2, 1, expected=400)
    # A run that used its signatures up is told apart from one that lasted.
    assert len(runs) > 1
    assert len(server.seen) == len(set(server.seen))
    assert sum(run.good for run in runs) <= len(server.seen) <= sum(run.good + 2 for run in runs)
    assert server.bodies == {BODY}
    assert runs[-1].problems() == []


def test_an_answer_that_is_no_2xx_is_not_counted_as_one() -> None:
    if shutil.which("wrk") is None:
        missing("wrk is not installed")
    with _serving() as server:
        # Unsigned, so every request is refused.
        load = plain_load(server.url, 1, 1)
    assert load.answers > 0
    assert (load.good, load.rate) == (0, 0.0)
    assert load.problems() == [f"{load.answers} requests were no 2xx"]


def test_rate_and_problems_come_from_what_was_good() -> None:
    load = Load(
        connections=50, answers=100, refused=10, broken=1, timeouts=0, seconds=3.0, p50_ms=1, p99_ms=2
    )
    assert (load.good, load.rate) == (90, 30.0)
    assert load.problems() == ["10 requests were no 2xx", "1 requests broke"]


def test_a_burst_delivers_each_message_until_it_is_accepted() -> None:
    with _serving(503, 503, 202) as server:
        sent = asyncio.run(burst(_hook(server), 20, name="burst", connections=4))
    assert (sent.accepted, sent.put_off) == (20, 2)
    assert len(server.seen) == 22
    assert len(set(server.seen)) == 20


def test_a_refusal_without_a_promise_ends_the_burst() -> None:
    with _serving(500) as server, pytest.raises(Wrong, match="500"):
        asyncio.run(burst(_hook(server), 5, name="burst", connections=1))


def test_a_trickle_goes_on_until_it_is_told_to_stop() -> None:
    async def run(hook: Hook, server: _Server) -> int:
        until = asyncio.Event()
        trickling = asyncio.create_task(
            trickle(hook, until, name="drip", body=json.dumps({"a": 1}).encode(), every_s=0.01)
        )
        while len(server.seen) < 5:
            await asyncio.sleep(0.005)
        until.set()
        return (await trickling).accepted

    with _serving() as server:
        accepted = asyncio.run(asyncio.wait_for(run(_hook(server), server), 30))
    assert accepted == len(server.seen) == len(set(server.seen)) >= 5


def test_a_connection_that_lay_idle_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(hook: Hook) -> tuple[bool, bool]:
        line = await Line.open(hook)
        await line.post(hook, "msg_1", BODY)
        at_once = line.fresh
        monkeypatch.setattr("bench.sender.FRESH_S", 0.0)
        later = line.fresh
        line.close()
        return at_once, later

    with _serving() as server:
        assert asyncio.run(run(_hook(server))) == (True, False)
