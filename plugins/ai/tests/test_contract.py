"""The contract itself: it refuses what is wrong, so that its silence elsewhere means something."""

import copy
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_ai.connector import generate_follow_up, qualify_lead
from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing.contract import ContractValidator

pytestmark = pytest.mark.contract
CHAT = "/v1/chat/completions"


@pytest.fixture
def validator(contract: OpenAPI | None, running: RunningSandbox) -> ContractValidator:
    if contract is None:
        pytest.skip("OpenAI's specification is not at hand; set REVOLUTION_CONTRACTS")
    return ContractValidator(running.sandbox.asgi(), contract, "https://api.openai.com")


def without(request: JsonObject, *path: Any) -> JsonObject:
    """Return a copy of the request without the member at the path."""
    changed = copy.deepcopy(request)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    del parent[path[-1]]
    return changed


@pytest.mark.parametrize("action", [qualify_lead, generate_follow_up])
def test_our_requests_pass_and_the_same_without_a_required_member_do_not(
    validator: ContractValidator,
    running: RunningSandbox,
    ctx: ActionContext,
    asked: Callable[[RunningSandbox], JsonObject],
    action: Callable[[ActionContext, JsonObject], JsonObject],
) -> None:
    action(ctx, {"lead": {"name": "Ada"}})
    request = asked(running)

    assert not validator.refuses("POST", CHAT, body=request)
    assert validator.refuses("POST", CHAT, body=without(request, "messages"))
    assert validator.refuses("POST", CHAT, body=without(request, "model"))
    assert validator.refuses("POST", CHAT, body=without(request, "messages", 1, "role"))
    assert validator.refuses("POST", CHAT, body=without(request, "response_format", "json_schema", "name"))


def test_listing_models_passes_and_another_method_does_not(validator: ContractValidator) -> None:
    assert not validator.refuses("GET", "/v1/models")
    assert validator.refuses("POST", "/v1/models", body={})


def test_a_wrong_answer_would_be_noticed(
    validator: ContractValidator, running: RunningSandbox, ctx: ActionContext
) -> None:
    qualify_lead(ctx, {"lead": {}})
    scope = {
        "method": "GET",
        "path": "/v1/models",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer x")],
    }
    head: Any = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json")],
    }

    good = [head, {"type": "http.response.body", "body": b'{"object": "list", "data": []}'}]
    wrong = [head, {"type": "http.response.body", "body": b'{"object": "list", "data": [{}]}'}]

    assert validator.check(scope, b"", good) == ""
    assert "answer" in validator.check(scope, b"", wrong)


def test_the_sandbox_and_the_contract_agree_on_what_is_wrong(
    validator: ContractValidator, running: RunningSandbox
) -> None:
    http = httpx2.Client(headers={"authorization": "Bearer sandbox-key"})
    for wrong in (
        {},
        {"model": "m"},
        {"model": "m", "messages": []},
        {"model": "m", "messages": [{"role": "king"}]},
    ):
        assert validator.refuses("POST", CHAT, body=wrong)
        assert http.post(running.url + CHAT, json=wrong).status_code == 400
    http.close()
