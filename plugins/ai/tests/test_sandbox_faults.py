"""The sandbox on bad days: refusals, errors and failures, as asked for."""

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from revolution_ai.connector import qualify_lead
from revolution_sdk import ActionContext, CredentialError, JsonObject, RejectedError, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox

HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"refusal": "I cannot help with that."}, "model_refused"),
        ({"finish_reason": "length"}, "answer_cut_off"),
        ({"finish_reason": "content_filter"}, "answer_filtered"),
    ],
)
def test_a_refusal_can_be_asked_for_and_holds_for_one_answer(
    running: RunningSandbox,
    ctx: ActionContext,
    control: Callable[..., None],
    wanted: JsonObject,
    code: str,
) -> None:
    control(running, "next", **wanted)

    with pytest.raises(RejectedError) as caught:
        qualify_lead(ctx, {"lead": {}})

    assert caught.value.code == code
    assert qualify_lead(ctx, {"lead": {}})["score"] >= 0


def test_an_unreadable_answer_can_be_asked_for(
    running: RunningSandbox, ctx: ActionContext, control: Callable[..., None]
) -> None:
    control(running, "next", content='{"score": 170}')

    with pytest.raises(RetryableError) as caught:
        qualify_lead(ctx, {"lead": {}})

    assert caught.value.code == "answer_unreadable"


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (403, "", CredentialError, "credential_refused"),
        (404, "", RejectedError, "model_not_found"),
        (429, "", RetryableError, "rate_limited"),
        (429, "insufficient_quota", RejectedError, "insufficient_quota"),
    ],
)
def test_an_error_can_be_asked_for_with_all_its_headers(
    unchecked: RunningSandbox,
    context: Callable[..., ActionContext],
    control: Callable[..., None],
    status: int,
    code: str,
    kind: type[Exception],
    ours: str,
) -> None:
    control(unchecked, "next", status=status, code=code)

    with pytest.raises(kind) as caught:
        qualify_lead(context(unchecked), {"lead": {}})

    assert caught.value.code == ours  # type: ignore[attr-defined]
    assert getattr(caught.value, "retry_after_s", None) == (0.3 if ours == "rate_limited" else None)


def test_a_rate_limit_carries_the_headers_of_openai(
    running: RunningSandbox, client: openai.OpenAI, control: Callable[..., None]
) -> None:
    control(running, "next", status=429)

    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)

    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("1", "300")
    assert headers["x-ratelimit-limit-requests"] == "500"
    assert headers["x-ratelimit-reset-tokens"] == "300ms"


@pytest.mark.parametrize(("status", "code"), [(500, None), (503, "server_is_overloaded")])
def test_failures_have_openais_shape(
    running: RunningSandbox, client: openai.OpenAI, status: int, code: str | None
) -> None:
    running.sandbox.faults.add(Fault(operation="create_chat_completion", kind="status", status=status))

    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)

    assert (caught.value.status_code, caught.value.type, caught.value.code) == (status, "server_error", code)


def test_a_withheld_answer_was_given_all_the_same(running: RunningSandbox, client: openai.OpenAI) -> None:
    running.sandbox.faults.add(Fault(operation="create_chat_completion", kind="withhold", status=503))

    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="gpt-5", messages=HELLO)

    (given,) = httpx2.get(f"{running.url}/_sandbox/answers").json()
    assert given["asked_model"] == "gpt-5"
    assert given["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        [],
        {"wish": 1},
        {"finish_reason": "stop"},
        {"finish_reason": []},
        {"status": 200},
        {"status": "500"},
        {"refusal": 1},
    ],
)
def test_a_control_that_is_not_understood_says_so(running: RunningSandbox, wanted: Any) -> None:
    answer = httpx2.post(f"{running.url}/_sandbox/next", json=wanted)

    assert answer.status_code == 422
    assert answer.json()["error"]
