"""A sandbox whose every exchange is held against OpenAI's contract, and contexts with scripted answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openapi_core import OpenAPI

from revolution_ai.connector import ai
from revolution_ai.sandbox import sandbox
from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.sandbox import RunningSandbox, Sandbox, run_sandbox
from revolution_sdk.testing import connect, make_context
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

ORIGIN = "https://api.openai.com"
SAMPLES = Path(__file__).parent / "samples"


@dataclass(slots=True)
class Door:
    """What the one server of the session serves: the sandbox of the test that runs."""

    app: Any = None
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def contract() -> OpenAPI | None:
    """OpenAI's contract, or None where the specifications are not at hand."""
    path = contracts_folder() / "openai" / "openai.trimmed.openapi.json"
    return load_contract(path) if path.is_file() else None


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
def unchecked(door: Door) -> RunningSandbox:
    """A fresh sandbox without the contract, for answers OpenAI gives but does not declare: 403, 404."""
    box = sandbox()
    door.app = box.asgi()
    return RunningSandbox(url=door.url, sandbox=box)


@pytest.fixture
def context() -> Iterator[Callable[..., ActionContext]]:
    """Makes contexts of a connection to a running sandbox; closes them at the end."""
    made: list[ActionContext] = []

    def make(running: RunningSandbox, key: str = "sandbox-key", **options: Any) -> ActionContext:
        authorization = connect(ai, running.base_url, api_key=key)
        made.append(make_context(ai, running.base_url, authorization=authorization, **options))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture
def ctx(running: RunningSandbox, context: Callable[..., ActionContext]) -> ActionContext:
    """A context of a good connection to the sandbox."""
    return context(running)


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[openai.OpenAI]:
    """The official library as a stranger uses it, strict about what it reads."""
    with openai.OpenAI(
        base_url=running.base_url, api_key="sandbox-key", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def control() -> Callable[..., None]:
    """Posts to a control of a running sandbox and insists that it was understood."""

    def post(running: RunningSandbox, path: str, **value: Any) -> None:
        answer = httpx2.post(f"{running.url}/_sandbox/{path}", json=value)
        assert answer.status_code == 204, answer.text

    return post


@pytest.fixture
def asked() -> Callable[[RunningSandbox], JsonObject]:
    """Returns the body of the only completion request a sandbox has had."""

    def read(running: RunningSandbox) -> JsonObject:
        (call,) = running.sandbox.calls("create_chat_completion")
        assert isinstance(call.body, dict)
        return call.body

    return read


@pytest.fixture
def scripted() -> Iterator[Callable[..., ActionContext]]:
    """Makes contexts whose every request gets one and the same answer, or fails with one exception."""
    made: list[ActionContext] = []

    def make(body: Any = None, *, status: int = 200, headers: Any = None, fails: Any = None) -> ActionContext:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if fails is not None:
                raise fails
            if isinstance(body, bytes):
                return httpx2.Response(status, content=body, headers=headers)
            return httpx2.Response(status, json=body, headers=headers)

        made.append(make_context(ai, transport=httpx2.MockTransport(answer)))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture
def completion() -> Callable[..., JsonObject]:
    """Makes the body of a completion that says `content`."""

    def make(content: Any = "", *, finish: str = "stop", refusal: Any = None) -> JsonObject:
        text = content if content is None or isinstance(content, str) else json.dumps(content)
        message = {"role": "assistant", "content": text, "refusal": refusal}
        return {"choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]}

    return make


@pytest.fixture(scope="session")
def leads() -> list[JsonObject]:
    """Five leads, German and English, with what may be expected of them."""
    found: list[JsonObject] = json.loads((SAMPLES / "leads.json").read_text())
    return found


@pytest.fixture
def box() -> Sandbox:
    """A sandbox that is not served."""
    return sandbox()
