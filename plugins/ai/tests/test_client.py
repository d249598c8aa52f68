"""What goes over the wire, apart from the texts."""

import os
from collections.abc import Callable, Iterator

import httpx2
import pytest

from revolution_ai.client import MOST_TOKENS
from revolution_ai.connector import ai, generate_follow_up, qualify_lead
from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing import make_context


@pytest.fixture
def foreign_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An operator's own OpenAI settings, which are none of the tenants' business."""
    for name, value in {
        "OPENAI_API_KEY": "sk-operator",
        "OPENAI_ADMIN_KEY": "sk-operator",
        "OPENAI_BASE_URL": "https://elsewhere.example/v1",
        "OPENAI_ORG_ID": "org-operator",
        "OPENAI_PROJECT_ID": "proj-operator",
        "OPENAI_CUSTOM_HEADERS": "X-Operator: yes\nAuthorization: Bearer sk-operator",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    assert os.environ["OPENAI_ORG_ID"] == "org-operator"


@pytest.mark.usefixtures("foreign_environment")
def test_nothing_of_the_process_environment_travels_with_a_request(
    completion: Callable[..., JsonObject],
) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=completion({"subject": "a", "body": "b"}))

    with make_context(ai, transport=httpx2.MockTransport(answer), authorization="Bearer tenant").http as http:
        generate_follow_up(make_context_around(http), {"lead": {}})

    assert str(seen[0].url) == "https://api.openai.com/v1/chat/completions"
    assert "operator" not in str(seen[0].headers).lower()
    assert seen[0].headers["authorization"] == "Bearer tenant"


def make_context_around(http: httpx2.Client) -> ActionContext:
    """Make a context that uses this client."""
    plain = make_context(ai)
    plain.http.close()
    return ActionContext(
        http=http, idempotency_key=plain.idempotency_key, deadline=plain.deadline, now=plain.now
    )


def test_the_schema_is_sent_strict_and_without_bounds(
    running: RunningSandbox, ctx: ActionContext, asked: Callable[[RunningSandbox], JsonObject]
) -> None:
    qualify_lead(ctx, {"lead": {}})

    described = asked(running)["response_format"]["json_schema"]
    assert described["strict"] is True
    assert described["schema"]["required"] == ["score", "bant", "reasoning", "next_actions"]
    assert described["schema"]["additionalProperties"] is False
    assert described["schema"]["properties"]["score"]["type"] == "integer"
    assert not {"minimum", "maximum"} & set(described["schema"]["properties"]["score"])


def test_the_length_and_so_the_cost_of_an_answer_is_bounded(
    running: RunningSandbox, ctx: ActionContext, asked: Callable[[RunningSandbox], JsonObject]
) -> None:
    generate_follow_up(ctx, {"lead": {}})

    assert asked(running)["max_completion_tokens"] == MOST_TOKENS
    assert asked(running).get("store") in (None, False)


def test_the_contexts_client_stays_open_for_the_next_call(ctx: ActionContext) -> None:
    qualify_lead(ctx, {"lead": {}})

    assert not ctx.http.is_closed
    assert qualify_lead(ctx, {"lead": {}})["score"] >= 0
