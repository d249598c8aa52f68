"""A sandbox whose every exchange is held against HubSpot's contract, and a receiver for deliveries."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_hubspot.connector import hubspot
from revolution_hubspot.sandbox import sandbox
from revolution_sdk import ActionContext
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing import connect, make_context
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

ORIGIN = "https://api.hubapi.com"


@pytest.fixture(scope="session")
def contract() -> OpenAPI | None:
    """HubSpot's contract, or None where the specifications are not at hand."""
    path = contracts_folder() / "hubspot" / "hubspot.2026-03.derived.openapi.json"
    if not path.is_file():
        return None
    return load_contract(path)


@dataclass(slots=True)
class Door:
    """What the one server of the session serves: the sandbox of the test that runs."""

    app: Any = None
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """One server for all tests: starting one takes longer than most of them."""
    door = Door()
    with run_sandbox(sandbox(), around=lambda app: door) as served:
        door.url = served.url
        yield door


@pytest.fixture
def running(door: Door, contract: OpenAPI | None) -> Iterator[RunningSandbox]:
    """A fresh sandbox; a request or an answer that breaks the contract fails the test."""
    box = sandbox()
    validator = None if contract is None else ContractValidator(box.asgi(), contract, ORIGIN)
    door.app = box.asgi() if validator is None else validator
    yield RunningSandbox(url=door.url, sandbox=box)
    assert validator is None or validator.violations == []


@pytest.fixture
def control(running: RunningSandbox) -> Iterator[Callable[..., httpx2.Response]]:
    """Posts to a control of the sandbox."""
    with httpx2.Client(base_url=f"{running.url}/_sandbox/") as http:

        def post(path: str, **value: Any) -> httpx2.Response:
            return http.post(path, json=value)

        yield post


@pytest.fixture
def new_lead(control: Callable[..., httpx2.Response]) -> Callable[..., str]:
    """Creates a contact of the portal 62515 (or `portal_id`) and returns its id."""

    def create(portal_id: str = "62515", **properties: str) -> str:
        answer = control("leads", portal_id=portal_id, properties=properties)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    return create


@pytest.fixture
def ctx(running: RunningSandbox) -> Iterator[ActionContext]:
    """What an action is handed for a connection to the portal 62515."""
    token = connect(hubspot, running.base_url, refresh_token="sandbox-62515")
    context = make_context(hubspot, running.base_url, authorization=token)
    with context.http:
        yield context


@pytest.fixture
def api(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A plain client with a token of the portal 62515, to see the sandbox's own answers."""
    token = connect(hubspot, running.base_url, refresh_token="sandbox-62515")
    with httpx2.Client(base_url=running.url, headers={"authorization": token}) as http:
        yield http


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request exactly as it came over the wire."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Receiver:
    """A hub's front door that keeps what it gets. `status` is what it answers."""

    url: str = ""
    status: int = 202
    requests: list[Received] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on loopback in a hub's place."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.requests.append(Received(target=self.path, headers=headers, body=body))
            self.send_response(kept.status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"taken": true}')

        def log_message(self, format: str, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # the default of 5 lets a burst wait a second for its connection

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_port}"
        yield kept
        server.shutdown()
        thread.join()
