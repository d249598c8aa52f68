"""A provider that counts its calls, and its effects by the key it was asked with. It misbehaves on demand."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rig.rate_limit import RateLimit

PLUGIN = "ledger_plugin"
LONGEST_S = 120.0
DRIP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: which kind of effect, under which key, with whose credential, about what, and when."""

    effect: str
    key: str
    credential: str
    note: str
    at_s: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How one call goes wrong.

    `slow` works after a while, `withhold` works and then keeps its answer back, `drop` works and hangs up
    without an answer, `status` refuses without having worked. `drip` works and answers a byte at a time,
    `endless` works and answers with a body that it never ends.
    """

    kind: str
    seconds: float = 0.0
    status: int = 503
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and the manner it is given in."""

    status: int
    headers: dict[str, str]
    body: bytes
    manner: str = ""


class Provider:
    """Runs in threads of the test. `read` and `repeatable` may be asked again; `once` counts each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._effects: Counter[tuple[str, str]] = Counter()
        self._entries: dict[str, int] = {}
        self._troubles: dict[str, deque[Trouble]] = {}
        self._pace_s: dict[str, float] = {}
        self._limits: dict[str, RateLimit] = {}
        self._closing = threading.Event()
        self._arrived = threading.Condition(self._lock)
        self._server = _Server(self)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def trouble(self, effect: str, kind: str, *, times: int = 1, **how: Any) -> None:
        """Let the next calls of this effect go wrong."""
        with self._lock:
            line = self._troubles.setdefault(effect, deque())
            line.extend(Trouble(kind=kind, **how) for _ in range(times))

    def pace(self, effect: str, seconds: float) -> None:
        """Let every call of this effect take so long from now on."""
        with self._lock:
            self._pace_s[effect] = seconds

    def limit(self, effect: str, limit: RateLimit) -> None:
        """Let no more calls of this effect through than the limit does."""
        with self._lock:
            self._limits[effect] = limit

    def calls(self, effect: str | None = None) -> list[Call]:
        """Return the calls so far, of one effect or of all."""
        with self._lock:
            return [one for one in self._calls if effect in (None, one.effect)]

    def effects(self, effect: str) -> dict[str, int]:
        """Return how often something was done, by the key it was asked with."""
        with self._lock:
            return {key: count for (kind, key), count in self._effects.items() if kind == effect}

    def wait_for_calls(self, effect: str, count: int = 1, *, limit_s: float = 60.0) -> None:
        """Wait until so many calls of this effect arrived."""

        def arrived() -> bool:
            return sum(one.effect == effect for one in self._calls) >= count

        with self._arrived:
            assert self._arrived.wait_for(arrived, limit_s), f"{count} calls of {effect} did not arrive"

    def serve(self, call: Call) -> Reply | None:
        """Answer one call; None hangs up."""
        with self._lock:
            self._calls.append(call)
            self._arrived.notify_all()
            limit = self._limits.get(call.effect)
            refused = limit.refuse(call.key, call.at_s) if limit else None
            line = self._troubles.get(call.effect)
            trouble = (
                line.popleft() if line else Trouble(kind="slow", seconds=self._pace_s.get(call.effect, 0))
            )
        if refused is not None:
            return Reply(status=refused[0], headers=refused[1], body=b"{}")
        if trouble.kind == "status":
            wait = {} if trouble.retry_after_s is None else {"retry-after": str(trouble.retry_after_s)}
            return Reply(status=trouble.status, headers=wait, body=b"{}")
        if trouble.kind == "slow":
            self._closing.wait(trouble.seconds)
        entry = self._do(call)
        if trouble.kind == "withhold":
            self._closing.wait(trouble.seconds or LONGEST_S)
        if trouble.kind == "drop":
            return None
        body = json.dumps({"note": call.note, "entry": entry}).encode()
        return Reply(status=200, headers={}, body=body, manner=trouble.kind)

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until the provider ends; tells whether it goes on."""
        return not self._closing.wait(seconds)

    def _do(self, call: Call) -> int:
        with self._lock:
            if call.effect == "read":
                return len(self._entries)
            if call.effect == "once" or call.key not in self._entries:
                self._effects[call.effect, call.key] += 1
                self._entries[call.key] = len(self._entries)
            return self._entries[call.key]

    @contextmanager
    def running(self) -> Iterator["Provider"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed leaves a broken connection, which is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_S
    server: _Server

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._answer({name: values[0] for name, values in query.items()})

    def do_PUT(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def do_POST(self) -> None:
        self.do_PUT()

    def _answer(self, value: dict[str, Any]) -> None:
        call = Call(
            effect=urlsplit(self.path).path.strip("/"),
            key=str(self.headers["x-key"]),
            credential=str(self.headers["authorization"]).removeprefix("Bearer "),
            note=str(value["note"]),
        )
        answer = self.server.provider.serve(call)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        headers = {**answer.headers, "content-type": "application/json"}
        if answer.manner != "endless":
            headers["content-length"] = str(len(answer.body))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        if answer.manner == "drip":
            self._drip(answer.body)
        else:
            self.wfile.write(answer.body)
        if answer.manner == "endless":
            self.wfile.flush()
            self.server.provider.pause(LONGEST_S)
            self.close_connection = True

    def _drip(self, body: bytes) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if not self.server.provider.pause(DRIP_S):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
