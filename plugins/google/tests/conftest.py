"""A Google sandbox whose every exchange is held against the contract, and contexts for calling actions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from openapi_core import OpenAPI

from revolution_google.connector import google
from revolution_google.sandbox import sandbox
from revolution_sdk import Action, ActionContext, JsonObject
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing import connect, make_context
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

ORIGIN = "https://www.googleapis.com"
MONDAY_MORNING = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def contract() -> OpenAPI | None:
    """Google's contract, or None where the specifications are not at hand."""
    path = contracts_folder() / "google" / "google.trimmed.openapi.json"
    if not path.is_file():
        return None
    return load_contract(path)


@dataclass(slots=True)
class Door:
    """The one server of the session: it serves the sandbox of the test that runs."""

    app: Any = None
    validator: ContractValidator | None = None
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # The token endpoint is in neither discovery document, so the contract does not know it.
        serves = self.app if self.validator is None or scope["path"] == "/token" else self.validator
        await serves(scope, receive, send)


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """Started once, because starting a server takes longer than most tests."""
    door = Door()
    with run_sandbox(sandbox(), around=lambda app: door) as served:
        door.url = served.url
        yield door


@pytest.fixture
def running(door: Door, contract: OpenAPI | None) -> Iterator[RunningSandbox]:
    """A fresh sandbox; a request or an answer that breaks the contract fails the test."""
    box = sandbox()
    door.app = box.asgi()
    door.validator = None if contract is None else ContractValidator(door.app, contract, ORIGIN)
    yield RunningSandbox(url=door.url, sandbox=box)
    assert door.validator is None or door.validator.violations == []


def plain_http() -> httpx2.HTTPTransport:
    """A transport for loopback: loading certificates would take longer than most tests."""
    return httpx2.HTTPTransport(verify=False)


@pytest.fixture
def controls(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A client for `/_sandbox/`."""
    with httpx2.Client(base_url=f"{running.url}/_sandbox/", transport=plain_http()) as http:
        yield http


@pytest.fixture
def mails(controls: httpx2.Client) -> Callable[[], list[JsonObject]]:
    """Returns the mails of all mailboxes, oldest first."""
    return lambda: list(controls.get("mails").json())


@pytest.fixture
def meetings(controls: httpx2.Client) -> Callable[[], list[JsonObject]]:
    """Returns the meetings of all calendars."""
    return lambda: list(controls.get("meetings").json())


@pytest.fixture
def context(running: RunningSandbox) -> Iterator[Callable[..., ActionContext]]:
    """Makes contexts: `context("key", account="sandbox-google", now=..., transport=...)`."""
    tokens: dict[str, str] = {}
    with ExitStack() as stack:

        def make(
            key: str = "exe_1.send",
            *,
            account: str = "sandbox-google",
            now: datetime = MONDAY_MORNING,
            transport: httpx2.BaseTransport | None = None,
        ) -> ActionContext:
            if account not in tokens:
                tokens[account] = connect(google, running.base_url, refresh_token=account)
            ctx = make_context(
                google,
                running.base_url,
                authorization=tokens[account],
                idempotency_key=key,
                now=lambda: now,
                transport=transport or plain_http(),
            )
            stack.enter_context(ctx.http)
            return ctx

        yield make


@pytest.fixture
def ctx(context: Callable[..., ActionContext]) -> ActionContext:
    """The context of one step on the account `sandbox-google`."""
    return context()


@pytest.fixture
def api(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A plain client with a token of `sandbox-google`, to see the sandbox's own answers."""
    token = connect(google, running.base_url, refresh_token="sandbox-google")
    bearer = {"authorization": token}
    with httpx2.Client(base_url=running.url, headers=bearer, transport=plain_http()) as http:
        yield http


@pytest.fixture
def run() -> Callable[[Action, ActionContext, JsonObject], JsonObject]:
    """Calls an action as a hub does: input and output are held against the declared schemas."""

    def call(action: Action, ctx: ActionContext, value: JsonObject) -> JsonObject:
        Draft202012Validator(action.input).validate(value)
        result = action(ctx, value)
        Draft202012Validator(action.output).validate(result)
        return result

    return call
