"""The test context follows the hub's rules: its account is reached, no other host is, trouble is sorted."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest

from revolution_sdk import (
    ApiKey,
    Connector,
    CredentialError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_sdk.testing import connect, make_context

LEAD = {"email": "ada@example.com"}


def answering(status: int, **headers: str) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status, headers=headers, json={}))


def failing(error: httpx2.HTTPError) -> httpx2.MockTransport:
    def handle(request: httpx2.Request) -> httpx2.Response:
        raise error

    return httpx2.MockTransport(handle)


def test_an_action_runs_against_the_sandbox(acme: Connector, running: RunningSandbox) -> None:
    authorization = connect(acme, running.base_url, refresh_token="grant")
    context = make_context(acme, running.base_url, authorization=authorization)
    with context.http as http:
        made = acme.actions["create_contact"](context, LEAD)
        assert http.base_url == "https://api.acme.com/v1/"
    assert made["email"] == "ada@example.com"
    assert authorization.startswith("Bearer sandbox-access-")


def test_a_refused_grant_is_an_error(acme: Connector, running: RunningSandbox) -> None:
    with pytest.raises(httpx2.HTTPStatusError):
        connect(acme, running.base_url, refresh_token="wrong")


def test_an_api_key_goes_behind_its_prefix(declare: Callable[..., Connector]) -> None:
    assert connect(declare(auth=ApiKey(prefix="Token ")), "", api_key="k1") == "Token k1"
    assert connect(declare(auth=None), "") == ""


def test_the_connector_never_sees_the_authorization(acme: Connector) -> None:
    sent = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={})

    context = make_context(acme, authorization="Bearer t", transport=httpx2.MockTransport(handle))
    with context.http as http:
        answer = http.post("/contacts", json={})
    assert sent[0].headers["authorization"] == "Bearer t"
    assert "authorization" not in answer.request.headers
    assert str(answer.request.url) == "https://api.acme.com/v1/contacts"


def test_another_host_is_refused(acme: Connector) -> None:
    with make_context(acme, transport=answering(200)).http as http, pytest.raises(RejectedError) as refused:
        http.get("https://evil.example/v1")
    assert refused.value.code == "host_not_allowed"


def test_a_refused_token_is_a_credential_error(acme: Connector, running: RunningSandbox) -> None:
    with make_context(acme, running.base_url).http as http, pytest.raises(CredentialError):
        http.post("/contacts", json=LEAD)


def test_a_withheld_answer_leaves_the_outcome_unknown(acme: Connector, running: RunningSandbox) -> None:
    authorization = connect(acme, running.base_url, refresh_token="grant")
    running.sandbox.faults.add(Fault(operation="create_contact", kind="withhold"))
    context = make_context(acme, running.base_url, authorization=authorization)
    with context.http as http, pytest.raises(UnknownOutcomeError):
        http.post("/contacts", json=LEAD)
    assert running.sandbox.calls("create_contact")[0].body == LEAD


def test_a_slow_provider_is_not_waited_for(acme: Connector, running: RunningSandbox) -> None:
    authorization = connect(acme, running.base_url, refresh_token="grant")
    running.sandbox.faults.add(Fault(operation="create_contact", kind="slow", seconds=0.5))
    context = make_context(acme, running.base_url, authorization=authorization, timeout_s=0.1)
    with context.http as http, pytest.raises(UnknownOutcomeError):
        http.post("/contacts", json=LEAD)


def test_what_was_never_sent_may_be_sent_again(acme: Connector) -> None:
    refused = failing(httpx2.ConnectError("refused"))
    with make_context(acme, transport=refused).http as http, pytest.raises(RetryableError):
        http.post("/contacts", json=LEAD)


def test_a_refusal_is_handed_through_for_the_connector_to_read(acme: Connector) -> None:
    for status in (400, 403, 404, 409, 429):
        with make_context(acme, transport=answering(status)).http as http:
            assert http.post("/contacts", json=LEAD).status_code == status


def test_the_deadline_is_counted_from_now(acme: Connector) -> None:
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    context = make_context(acme, now=lambda: now, timeout_s=30, config={"region": "eu"})
    context.http.close()
    assert (context.deadline - now).total_seconds() == 30
    assert (context.config, context.idempotency_key) == ({"region": "eu"}, "exe_test.step")
