"""A sandbox whose exchanges are held against WhatsApp's contract, and a receiver for deliveries."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_sdk import ActionContext
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing import make_context
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract
from revolution_whatsapp.connector import whatsapp
from revolution_whatsapp.sandbox import sandbox

ORIGIN = "https://graph.facebook.com"
NUMBER, SECOND, BUSINESS = "106540352242922", "106540352242923", "102290129340398"
PERSON = "16505551234"
OUTSIDE = re.compile(r"/v[0-9.]+/[0-9]+/media\Z|/whatsapp_business/attachments/\Z")
"""Paths the published contract does not have: putting a file up, and reading one."""


@pytest.fixture(scope="session")
def contract() -> OpenAPI | None:
    """WhatsApp's contract, or None where the specifications are not at hand."""
    path = contracts_folder() / "whatsapp" / "cloud-api.v23.patched.openapi.json"
    return load_contract(path) if path.is_file() else None


@dataclass(slots=True)
class Door:
    """What the one server of the session serves: the sandbox of the test that runs."""

    app: Any = None
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Checked:
    """A sandbox behind its contract, but for the paths the contract does not know."""

    def __init__(self, app: Any, contract: OpenAPI) -> None:
        self.plain = app
        self.validator = ContractValidator(app, contract, ORIGIN)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        outside = scope["type"] == "http" and OUTSIDE.match(scope["path"])
        await (self.plain if outside else self.validator)(scope, receive, send)


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
    checked = None if contract is None else Checked(box.asgi(), contract)
    door.app = checked or box.asgi()
    yield RunningSandbox(url=door.url, sandbox=box)
    assert checked is None or checked.validator.violations == []


@pytest.fixture
def control(running: RunningSandbox) -> Iterator[Callable[..., Any]]:
    """Posts to a control of the sandbox and returns what it answers; without a body it asks."""
    with httpx2.Client(base_url=f"{running.url}/_sandbox/", timeout=30) as http:

        def post(path: str, **value: Any) -> Any:
            answer = http.post(path, json=value) if value or path.startswith("tokens") else http.get(path)
            assert answer.status_code < 300, answer.text
            return answer.json() if answer.content else None

        yield post


@pytest.fixture
def new_context(running: RunningSandbox) -> Iterator[Callable[..., ActionContext]]:
    """Makes what actions are handed for a connection to a number of the sandbox."""
    made: list[ActionContext] = []

    def make(number: str = NUMBER, *, token: str = "sandbox-token", **options: Any) -> ActionContext:
        account = {"phone_number_id": number, "business_account_id": BUSINESS}
        made.append(
            make_context(
                whatsapp,
                running.base_url,
                authorization=f"Bearer {token}",
                **{"account": account, **options},
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture
def ctx(new_context: Callable[..., ActionContext]) -> ActionContext:
    """What an action is handed for a connection to the first number."""
    return new_context()


@pytest.fixture
def wrote(control: Callable[..., Any]) -> str:
    """Somebody who has just written to the first number: the window of 24 hours is open."""
    control("incoming", **{"from": PERSON, "text": "Hello"})
    return PERSON


@pytest.fixture
def api(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A plain client, to see the sandbox's own answers."""
    with httpx2.Client(base_url=running.url, headers={"authorization": "Bearer sandbox-token"}) as http:
        yield http


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request exactly as it came over the wire."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Receiver:
    """A hub's front door that keeps what it gets."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on loopback in a hub's place."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.requests.append(Received(headers=headers, body=body))
            self.send_response(202)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"taken": true}')

        def log_message(self, format: str, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hooks"
        yield kept
        server.shutdown()
        thread.join()
