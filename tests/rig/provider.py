"""A provider that counts its calls, and its effects by the key it was asked with. It misbehaves on demand."""

import json
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PLUGIN = "ledger_plugin"
LONGEST_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: which kind of effect, under which key, with whose credential, about what."""

    effect: str
    key: str
    credential: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How one call goes wrong.

    `slow` works after a while, `withhold` works and then keeps its answer back, `drop` works and hangs up
    without an answer, `status` refuses without having worked.
    """

    kind: str
    seconds: float = 0.0
    status: int = 503
    retry_after_s: int | None = None


class Provider:
    """Runs in threads of the test. `read` and `repeatable` may be asked again; `once` counts each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._effects: Counter[tuple[str, str]] = Counter()
        self._entries: dict[str, int] = {}
        self._troubles: dict[str, deque[Trouble]] = {}
        self._pace_s: dict[str, float] = {}
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

    def serve(self, call: Call) -> tuple[int, dict[str, str], bytes] | None:
        """Answer one call; None hangs up."""
        with self._lock:
            self._calls.append(call)
            self._arrived.notify_all()
            line = self._troubles.get(call.effect)
            trouble = (
                line.popleft() if line else Trouble(kind="slow", seconds=self._pace_s.get(call.effect, 0))
            )
        if trouble.kind == "status":
            wait = {} if trouble.retry_after_s is None else {"retry-after": str(trouble.retry_after_s)}
            return trouble.status, wait, b"{}"
        if trouble.kind == "slow":
            self._closing.wait(trouble.seconds)
        entry = self._do(call)
        if trouble.kind == "withhold":
            self._closing.wait(trouble.seconds or LONGEST_S)
        if trouble.kind == "drop":
            return None
        return 200, {}, json.dumps({"note": call.note, "entry": entry}).encode()

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
        status, headers, body = answer
        self.send_response(status)
        for name, text in {
            **headers,
            "content-type": "application/json",
            "content-length": str(len(body)),
        }.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
