"""The contract validator finds what breaks a document, in requests and in answers alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_sdk.sandbox import Answer, Call, RunningSandbox, Sandbox, run_sandbox
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

ORIGIN = "https://api.acme.com"
CONTACT = {
    "type": "object",
    "required": ["email"],
    "properties": {"email": {"type": "string"}, "id": {"type": "string"}},
    "additionalProperties": False,
}
ERROR = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Acme", "version": "1"},
    "servers": [{"url": ORIGIN}],
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/contacts": {
            "post": {
                "security": [{"token": []}],
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": CONTACT}},
                },
                "responses": {
                    "201": {
                        "description": "made",
                        "content": {"application/json": {"schema": {**CONTACT, "required": ["id"]}}},
                    },
                    "400": {
                        "description": "refused",
                        "content": {"application/json": {"schema": ERROR}},
                    },
                },
            }
        }
    },
}


@pytest.fixture(scope="module")
def contract() -> OpenAPI:
    return OpenAPI.from_dict(DOCUMENT)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Answer nothing; for a validator that is only asked."""


class Exchange:
    """A sandbox that gives the answer it is told to, behind a validator."""

    def __init__(self, contract: OpenAPI) -> None:
        self.answer = Answer(status=201, body={"id": "1"})
        self.contract = contract
        self.validator: Any = None
        self.box = Sandbox("acme", port=1, error_shape=lambda status: {}, connection={})
        self.box.operation("POST", "/contacts", "create")(self.reply)
        self.box.operation("POST", "/deals", "undeclared")(self.reply)
        self.running: RunningSandbox | None = None

    def reply(self, call: Call) -> Answer:
        return self.answer

    def wrap(self, app: Any) -> Any:
        self.validator = ContractValidator(app, self.contract, ORIGIN + "/")
        return self.validator

    def post(self, path: str = "/contacts", body: object = None, token: str = "x") -> httpx2.Response:
        assert self.running is not None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        given = {"email": "a@example.com"} if body is None else body
        return httpx2.post(self.running.url + path, json=given, headers=headers, trust_env=False)


@pytest.fixture
def exchange(contract: OpenAPI) -> Iterator[Exchange]:
    one = Exchange(contract)
    with run_sandbox(one.box, around=one.wrap) as one.running:
        yield one


def test_an_exchange_within_the_contract_passes_untouched(exchange: Exchange) -> None:
    answer = exchange.post("/contacts?limit=5")
    assert (answer.status_code, answer.json()) == (201, {"id": "1"})
    assert exchange.validator.violations == []
    assert exchange.validator.operations == {"POST /contacts"}


@pytest.mark.parametrize(
    ("path", "body", "token", "told"),
    [
        ("/contacts", {"email": 7}, "x", "request: "),
        ("/contacts", {"emial": "a@example.com"}, "x", "'email' is a required property"),
        ("/contacts?limit=many", {"email": "a"}, "x", "request: "),
        ("/contacts", {"email": "a"}, "", "not authorized"),
        ("/deals", {"email": "a"}, "x", "request: "),
    ],
)
def test_a_request_outside_it_is_remembered_and_not_answered(
    exchange: Exchange, path: str, body: object, token: str, told: str
) -> None:
    answer = exchange.post(path, body, token)
    assert answer.status_code == 500
    assert "contract_violation" in answer.json()
    assert len(exchange.validator.violations) == 1
    assert told in exchange.validator.violations[0]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=201, body={"id": 1}),
        Answer(status=201, body={}),
        Answer(status=201),
        Answer(status=202, body={"id": "1"}),
        Answer(status=400, body={"error": "no message"}),
        Answer(status=201, body={"id": "1"}, headers={"content-type": "text/plain"}),
    ],
)
def test_an_answer_outside_it_is_remembered_and_not_sent(exchange: Exchange, answer: Answer) -> None:
    exchange.answer = answer
    assert exchange.post().status_code == 500
    assert len(exchange.validator.violations) == 1
    assert "answer: " in exchange.validator.violations[0]


def test_a_wrong_request_may_be_refused_as_the_contract_says(exchange: Exchange) -> None:
    exchange.answer = Answer(status=400, body={"message": "email is missing"})
    assert exchange.post(body={"emial": "a"}).status_code == 400
    assert exchange.validator.violations == []


def test_the_sandboxs_own_controls_are_outside_the_contract(exchange: Exchange) -> None:
    assert exchange.running is not None
    assert httpx2.get(exchange.running.url + "/_sandbox/calls", trust_env=False).status_code == 200
    assert exchange.validator.violations == []


def test_one_wrong_request_is_refused_and_the_right_one_is_not(contract: OpenAPI) -> None:
    validator = ContractValidator(nothing, contract, ORIGIN)
    assert not validator.refuses("POST", "/contacts", body={"email": "a"}, query="limit=3")
    assert validator.refuses("POST", "/contacts", body={"email": 7})
    assert validator.refuses("POST", "/contacts", body={"email": "a"}, query="limit=many")
    assert validator.refuses("POST", "/contacts", body=b"not json")
    assert validator.refuses("POST", "/contacts")
    assert validator.refuses("POST", "/contacts", body={"email": "a"}, content_type="text/plain")
    assert validator.refuses("GET", "/contacts")


def test_the_specifications_are_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOLUTION_CONTRACTS", "/srv/contracts")
    assert contracts_folder() == Path("/srv/contracts")
    monkeypatch.delenv("REVOLUTION_CONTRACTS")
    assert contracts_folder() == Path("../shared/contracts")


@pytest.mark.contract
def test_a_providers_own_specification_tells_right_from_wrong() -> None:
    path = contracts_folder() / "hubspot" / "hubspot.2026-03.derived.openapi.json"
    if not path.is_file():
        pytest.skip(f"the providers' specifications are not at {contracts_folder()}")
    validator = ContractValidator(nothing, load_contract(path), "https://api.hubapi.com")
    place = "/crm/objects/2026-03/contacts"
    right = {"associations": [], "properties": {"email": "a@example.com"}}
    assert not validator.refuses("POST", place, body=right)
    assert validator.refuses("POST", place, body={**right, "properties": {"email": 7}})
