"""A sandbox whose every exchange is held against the contract."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_salesforce.connector import salesforce
from revolution_salesforce.sandbox import sandbox
from revolution_sdk import ActionContext, Json, JsonObject
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing import connect, make_context
from revolution_sdk.testing.contract import ContractValidator, load_contract

ORIGIN = "https://MyDomainName.my.salesforce.com"
SAMPLES = Path(__file__).parent / "samples"
_TROUBLE = {"description": "trouble"}


@pytest.fixture(scope="session")
def contract(tmp_path_factory: pytest.TempPathFactory) -> OpenAPI:
    """The contract, with what it lacks: the consent page, the JWT bearer grant and our own Apex class."""
    document = json.loads((SAMPLES / "salesforce-rest.v68.openapi.json").read_text())
    more = json.loads((SAMPLES / "more.openapi.json").read_text())
    document["paths"] |= more["paths"]
    for operations in document["paths"].values():
        for method in operations.keys() & {"get", "post", "patch", "delete"}:
            # On a bad day any answer may come.
            operations[method]["responses"] |= {"429": _TROUBLE, "5XX": _TROUBLE}
    content = document["paths"]["/services/oauth2/token"]["post"]["requestBody"]["content"]
    form = content["application/x-www-form-urlencoded"]
    form["schema"] = {"anyOf": [form["schema"], more["token"]]}
    path = tmp_path_factory.mktemp("contract") / "salesforce.json"
    path.write_text(json.dumps(document))
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
def running(door: Door, contract: OpenAPI) -> Iterator[RunningSandbox]:
    """A fresh sandbox; a request or an answer that breaks the contract fails the test."""
    box = sandbox()
    validator = ContractValidator(box.asgi(), contract, ORIGIN)
    door.app = validator
    yield RunningSandbox(url=door.url, sandbox=box)
    assert validator.violations == []


@pytest.fixture
def validator(contract: OpenAPI) -> ContractValidator:
    """The contract alone, to be asked what it refuses."""

    async def nobody(*args: object) -> None:
        raise AssertionError("nothing is sent")

    return ContractValidator(nobody, contract, ORIGIN)


@pytest.fixture
def control(running: RunningSandbox) -> Iterator[Callable[..., Json]]:
    """Posts to a control of the sandbox and returns what it answers."""
    with httpx2.Client(base_url=f"{running.url}/_sandbox/") as http:

        def post(path: str, **value: Any) -> Json:
            answer = http.post(path, json=value)
            assert answer.status_code < 300, answer.text
            return answer.json() if answer.content else None

        yield post


@pytest.fixture
def records(running: RunningSandbox) -> Callable[[str], list[JsonObject]]:
    """The records of an object, as the sandbox has them."""

    def read(name: str) -> list[JsonObject]:
        answer = httpx2.get(f"{running.url}/_sandbox/records", params={"object": name})
        found: list[JsonObject] = answer.json()[name]
        return found

    return read


@dataclass(slots=True)
class Contexts:
    """Makes contexts of connections to the sandbox, and closes them."""

    running: RunningSandbox
    made: list[ActionContext] = field(default_factory=list)

    def __call__(self, **options: Any) -> ActionContext:
        token = connect(salesforce, self.running.base_url, refresh_token="sandbox-refresh")
        self.made.append(make_context(salesforce, self.running.base_url, authorization=token, **options))
        return self.made[-1]


@pytest.fixture
def contexts(running: RunningSandbox) -> Iterator[Contexts]:
    """Makes what an action is handed."""
    made = Contexts(running)
    yield made
    for one in made.made:
        one.http.close()


@pytest.fixture
def ctx(contexts: Contexts) -> ActionContext:
    """What an action is handed."""
    return contexts()


@pytest.fixture
def api(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A plain client with a token, to see the sandbox's own answers."""
    token = connect(salesforce, running.base_url, refresh_token="sandbox-refresh")
    with httpx2.Client(base_url=running.url, headers={"authorization": token}) as http:
        yield http
