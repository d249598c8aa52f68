"""What each refusal of the server means for the step."""

import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from revolution_ai.client import error_for
from revolution_ai.connector import qualify_lead
from revolution_ai.waiting import duration_s, wait_s
from revolution_sdk import (
    ActionContext,
    ConnectorError,
    CredentialError,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.sandbox import Fault, RunningSandbox

PUBLISHED = json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())
ACTIONS = {"reconnect": CredentialError, "stop": RejectedError, "retry_after": RetryableError}


def error(code: Any = None, message: str = "no", kind: str = "invalid_request_error") -> JsonObject:
    """Write an error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    status: int
    body: Any
    kind: type[ConnectorError]
    code: str
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float | None = None


CASES = [
    Case(name="bad request", status=400, body=error(), kind=RejectedError, code="rejected"),
    Case(
        name="too long",
        status=400,
        body=error("context_length_exceeded"),
        kind=RejectedError,
        code="input_too_large",
    ),
    Case(
        name="hard limit",
        status=400,
        body=error("billing_hard_limit_reached"),
        kind=RejectedError,
        code="insufficient_quota",
    ),
    Case(
        name="wrong key",
        status=401,
        body=error("invalid_api_key"),
        kind=CredentialError,
        code="credential_refused",
    ),
    Case(name="no right", status=403, body=error(), kind=CredentialError, code="credential_refused"),
    Case(
        name="model not for this key",
        status=403,
        body=error("model_not_found"),
        kind=RejectedError,
        code="model_not_found",
    ),
    Case(
        name="no such model",
        status=404,
        body=error("model_not_found"),
        kind=RejectedError,
        code="model_not_found",
    ),
    Case(name="no such path", status=404, body=b"not found", kind=RejectedError, code="rejected"),
    Case(name="conflict", status=409, body=error(), kind=RetryableError, code="provider_busy"),
    Case(name="time-out", status=408, body=error(), kind=RetryableError, code="provider_busy"),
    Case(name="unprocessable", status=422, body={"detail": "no"}, kind=RejectedError, code="rejected"),
    Case(
        name="no money, by type",
        status=429,
        body=error(None, kind="insufficient_quota"),
        kind=RejectedError,
        code="insufficient_quota",
        headers={"retry-after": "1"},
    ),
    Case(
        name="rate limit in seconds",
        status=429,
        body=error("rate_limit_exceeded"),
        kind=RetryableError,
        code="rate_limited",
        headers={"retry-after": "7"},
        wait_s=7.0,
    ),
    Case(
        name="rate limit by resets",
        status=429,
        body=error("rate_limit_exceeded"),
        kind=RetryableError,
        code="rate_limited",
        headers={"x-ratelimit-reset-requests": "120ms", "x-ratelimit-reset-tokens": "6m0s"},
        wait_s=360.0,
    ),
    Case(name="rate limit without a word", status=429, body=b"", kind=RetryableError, code="rate_limited"),
    Case(name="number as code", status=429, body=error(429), kind=RetryableError, code="rate_limited"),
    Case(
        name="text as error", status=400, body={"error": "model is busy"}, kind=RejectedError, code="rejected"
    ),
    Case(name="list as body", status=400, body=["no"], kind=RejectedError, code="rejected"),
    Case(name="redirect", status=307, body=b"", kind=RejectedError, code="rejected"),
    Case(name="failure", status=500, body=error(), kind=UnknownOutcomeError, code="provider_failed"),
    Case(
        name="overload", status=503, body=error("slow_down"), kind=UnknownOutcomeError, code="provider_failed"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_refusal_is_sorted_by_its_body(case: Case, scripted: Callable[..., ActionContext]) -> None:
    with pytest.raises(ConnectorError) as caught:
        qualify_lead(scripted(case.body, status=case.status, headers=case.headers), {"lead": {}})

    assert type(caught.value) is case.kind
    assert caught.value.code == case.code
    assert getattr(caught.value, "retry_after_s", None) == case.wait_s


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_refusal_is_sorted_the_same_without_the_hubs_transport(case: Case) -> None:
    content = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    request = httpx2.Request("POST", "https://api.openai.com/v1/chat/completions")
    response = httpx2.Response(case.status, content=content, headers=case.headers, request=request)

    found = error_for(response)

    assert (type(found), found.code) == (case.kind, case.code)


@pytest.mark.parametrize("sample", PUBLISHED, ids=lambda sample: sample["case"])
def test_published_errors_get_the_action_they_need(
    sample: JsonObject, scripted: Callable[..., ActionContext]
) -> None:
    ctx = scripted(sample["body"], status=sample["status"], headers=sample["headers"])

    with pytest.raises(ACTIONS[sample["action"]]) as caught:
        qualify_lead(ctx, {"lead": {}})

    assert "sk-xxxxx" not in str(caught.value) + json.dumps(caught.value.details)
    if sample["action"] == "retry_after":
        assert getattr(caught.value, "retry_after_s", None) == 0.3
    if sample["action"] == "stop":
        assert caught.value.code == "insufficient_quota"


def test_a_refusal_names_what_helps_to_find_it(scripted: Callable[..., ActionContext]) -> None:
    body = error("unsupported_value", "Unsupported\nvalue")
    body["error"]["param"] = "messages[0].role"

    with pytest.raises(RejectedError) as caught:
        qualify_lead(scripted(body, status=400, headers={"x-request-id": "req_1"}), {"lead": {}})

    assert caught.value.message == "Unsupported value"
    assert caught.value.details == {
        "status": 400,
        "provider_code": "unsupported_value",
        "param": "messages[0].role",
        "request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("finish", "refusal", "code"),
    [
        ("stop", "I cannot help.", "model_refused"),
        ("length", None, "answer_cut_off"),
        ("content_filter", None, "answer_filtered"),
    ],
)
def test_an_answer_the_model_did_not_finish_fails_the_step(
    scripted: Callable[..., ActionContext],
    completion: Callable[..., JsonObject],
    finish: str,
    refusal: str | None,
    code: str,
) -> None:
    content = None if refusal else '{"score": 7'

    with pytest.raises(RejectedError) as caught:
        qualify_lead(scripted(completion(content, finish=finish, refusal=refusal)), {"lead": {}})

    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"<html>welcome</html>",
        b"\xff\xfe",
        b"[" * 200_000,
        [],
        {},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"message": "text"}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": "score: 70"}}]},
        {"choices": [{"message": {"content": "```json\n{}\n```"}}]},
        {"choices": [{"message": {"content": '{"score": NaN}'}}]},
        {"choices": [{"message": {"content": "[" * 100_000}}]},
        {"choices": [{"message": {"content": "[1, 2]"}}]},
    ],
)
def test_an_unreadable_answer_is_asked_for_again(scripted: Callable[..., ActionContext], body: Any) -> None:
    with pytest.raises(RetryableError) as caught:
        qualify_lead(scripted(body, headers={"content-type": "application/json"}), {"lead": {}})

    assert caught.value.code == "answer_unreadable"


def test_a_page_instead_of_json_is_unreadable(scripted: Callable[..., ActionContext]) -> None:
    with pytest.raises(RetryableError) as caught:
        qualify_lead(scripted(b"<html>", headers={"content-type": "text/html"}), {"lead": {}})

    assert caught.value.code == "answer_unreadable"


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (httpx2.ConnectError("refused"), RetryableError),
        (httpx2.ConnectTimeout("slow"), RetryableError),
        (httpx2.ReadTimeout("slow"), UnknownOutcomeError),
        (httpx2.RemoteProtocolError("broken"), UnknownOutcomeError),
        (CredentialError("refused"), CredentialError),
        (UnknownOutcomeError("gone"), UnknownOutcomeError),
        (ssl.SSLError("broken"), UnknownOutcomeError),
    ],
)
@pytest.mark.parametrize("hub_transport", [True, False])
def test_trouble_on_the_way_keeps_its_meaning(
    scripted: Callable[..., ActionContext],
    trouble: Exception,
    kind: type[ConnectorError],
    hub_transport: bool,
) -> None:
    ctx = scripted(fails=trouble) if hub_transport else bare_context(trouble)

    with pytest.raises(ConnectorError) as caught:
        qualify_lead(ctx, {"lead": {}})

    assert type(caught.value) is kind


def test_our_own_error_is_found_under_other_layers() -> None:
    inner = RetryableError("wait", retry_after_s=5.0)
    outer = httpx2.ReadError("wrapped")
    outer.__cause__ = inner

    with pytest.raises(RetryableError) as caught:
        qualify_lead(bare_context(outer), {"lead": {}})

    assert caught.value is inner


def bare_context(trouble: Exception) -> ActionContext:
    """Make a context whose client fails by itself, without a transport that sorts errors."""

    def fail(request: httpx2.Request) -> httpx2.Response:
        raise trouble

    now = datetime(2026, 11, 22, tzinfo=UTC)
    return ActionContext(
        http=httpx2.Client(transport=httpx2.MockTransport(fail)),
        idempotency_key="exe_1.step",
        deadline=now + timedelta(seconds=10),
        now=lambda: now,
    )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_library_never_repeats_a_request_by_itself(
    running: RunningSandbox, ctx: ActionContext, status: int
) -> None:
    running.sandbox.faults.add(
        Fault(operation="create_chat_completion", kind="status", status=status, retry_after_s=2)
    )

    with pytest.raises(ConnectorError) as caught:
        qualify_lead(ctx, {"lead": {}})

    assert len(running.sandbox.calls()) == 1
    assert getattr(caught.value, "retry_after_s", None) == 2.0


def test_a_slow_server_is_given_up_at_the_deadline(
    running: RunningSandbox, context: Callable[..., ActionContext]
) -> None:
    running.sandbox.faults.add(Fault(operation="create_chat_completion", kind="slow", seconds=1.6))

    with pytest.raises(UnknownOutcomeError):
        qualify_lead(context(running, timeout_s=0.2), {"lead": {}})


def test_a_wrong_key_asks_for_a_person(
    running: RunningSandbox, context: Callable[..., ActionContext]
) -> None:
    with pytest.raises(CredentialError):
        qualify_lead(context(running, key="sk-wrong"), {"lead": {}})


def test_the_log_names_the_request_and_nothing_of_the_lead(
    ctx: ActionContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="revolution"):
        qualify_lead(ctx, {"lead": {"name": "canary-name"}})

    assert "request req_sandbox" in caplog.text
    assert "canary-name" not in caplog.text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("120ms", 0.12),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("2d", 86_400.0),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("5", None),
        ("-1s", None),
        ("9" * 30 + "s", None),
    ],
)
def test_durations_are_read_as_openai_writes_them(text: str, seconds: float | None) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "300", "retry-after": "1"}, 0.3),
        ({"retry-after-ms": "inf", "retry-after": "1"}, 1.0),
        ({"retry-after-ms": "999999999999"}, 86_400.0),
        ({"retry-after": "soon", "x-ratelimit-reset-requests": "2s"}, 2.0),
        ({"x-ratelimit-reset-requests": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_finest_readable_wait_counts(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers) == seconds
