"""What Salesforce refuses, sorted by the code in its body, and its bad days."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from revolution_salesforce.connector import create_lead, get_limits, query_records, salesforce, update_lead
from revolution_sdk import (
    ActionContext,
    ConnectorError,
    CredentialError,
    Json,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_sdk.testing import make_context

CASES = json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]
LEAD = {"last_name": "Doe", "company": "Acme"}
EXPECTED = {
    "session expired": (CredentialError, "credential_refused"),
    "session refused for REST": (CredentialError, "credential_refused"),
    "daily limit": (RetryableError, "daily_limit"),
    "required field missing": (RejectedError, "required_field_missing"),
    # The token endpoint's answer: the hub reads it, and no action ever sees it.
    "refresh token not valid": (RejectedError, "rejected"),
}


def refusal(status: int, body: Json, **headers: str) -> ConnectorError:
    """The error an action raises for this answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx2.MockTransport(lambda request: httpx2.Response(status, content=content, headers=headers))
    with pytest.raises(ConnectorError) as caught:
        create_lead(make_context(salesforce, transport=answer), LEAD)
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_every_recorded_refusal_is_sorted_by_its_body(case: Json) -> None:
    error = refusal(case["status"], case["body"], **case["headers"])
    assert (type(error), error.code) == EXPECTED[case["case"]]


def test_the_recorded_refusals_are_all_sorted() -> None:
    assert {case["case"] for case in CASES} == set(EXPECTED)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "wait"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "daily_limit", 3600.0),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", "rate_limited", 5.0),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", "row_locked", 5.0),
    ],
)
def test_what_passes_is_waited_for(status: int, code: str, message: str, kind: str, wait: float) -> None:
    error = refusal(status, [{"errorCode": code, "message": message}])
    assert isinstance(error, RetryableError)
    assert (error.code, error.retry_after_s) == (kind, wait)
    asked = refusal(status, [{"errorCode": code, "message": message}], **{"retry-after": "9"})
    assert isinstance(asked, RetryableError)
    assert asked.retry_after_s == 9.0


@pytest.mark.parametrize("code", ["API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"])
def test_an_org_without_api_needs_a_person(code: str) -> None:
    error = refusal(403, [{"errorCode": code, "message": "no"}])
    assert (type(error), error.code) == (CredentialError, "api_disabled")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "INSUFFICIENT_ACCESS_OR_READONLY"),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        (400, "DUPLICATES_DETECTED"),
        (404, "NOT_FOUND"),
    ],
)
def test_what_is_final_fails_with_salesforces_words(status: int, code: str) -> None:
    error = refusal(status, [{"errorCode": code, "message": "as it says", "fields": ["A", 7]}])
    assert (type(error), error.code, error.message) == (RejectedError, code.lower(), "as it says")
    assert error.details == {"status": status, "error_code": code, "fields": ["A"]}


def test_several_matches_are_told() -> None:
    assert refusal(300, ["/services/data/v68.0/sobjects/Lead/1"]).code == "several_match"


def test_a_message_is_short_printable_and_without_tokens() -> None:
    secret = "00DSB0000000001!AQ_" + "x" * 40
    error = refusal(400, [{"errorCode": "X", "message": f"bad\x00 \n{secret} " + "y" * 5000}])
    assert secret not in error.message
    assert error.message.startswith("bad *** yyy")
    assert len(error.message) == 300


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"no"', b"[" * 100_000, b"\xff", b'[{"errorCode": 7}]']
)
def test_a_refusal_without_a_body_is_still_one(body: bytes) -> None:
    error = refusal(400, body)
    assert error.message == "Salesforce refused the request with status 400"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 7, "success": true}', b'{"id": "x", "success": false}']
)
def test_an_answer_that_says_nothing_leaves_the_outcome_open(body: bytes) -> None:
    assert type(refusal(201, body)) is UnknownOutcomeError


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"records": [], "totalSize": 0},
        {"records": [7], "totalSize": 1, "done": True},
        {"records": [], "totalSize": 9, "done": False},
        {"records": [], "totalSize": 9, "done": False, "nextRecordsUrl": "https://evil.example/query/x"},
        {
            "records": [],
            "totalSize": 9,
            "done": False,
            "nextRecordsUrl": "/services/data/v68.0/query/../limits",
        },
    ],
)
def test_a_page_that_cannot_be_read_is_asked_for_again(body: Json) -> None:
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200, json=body))
    with pytest.raises(RetryableError) as caught:
        query_records(make_context(salesforce, transport=answer), {"soql": "SELECT Id FROM Lead"})
    assert caught.value.code == "unreadable_answer"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 429, "retry_after_s": 7}, RetryableError),
        ({"kind": "status", "status": 503}, UnknownOutcomeError),
        ({"kind": "withhold", "status": 502}, UnknownOutcomeError),
        ({"kind": "status", "status": 401}, CredentialError),
    ],
)
def test_a_bad_day_of_a_write(
    fault: Any, error: type[ConnectorError], ctx: ActionContext, running: RunningSandbox
) -> None:
    running.sandbox.faults.add(Fault(operation="create", **fault))
    with pytest.raises(error):
        create_lead(ctx, LEAD)


def test_a_failed_read_is_asked_again(ctx: ActionContext, running: RunningSandbox) -> None:
    running.sandbox.faults.add(Fault(operation="limits", kind="status", status=503))
    with pytest.raises(RetryableError):
        get_limits(ctx, {})


def test_an_answer_too_slow_leaves_a_write_open(
    contexts: Callable[..., ActionContext], running: RunningSandbox
) -> None:
    running.sandbox.faults.add(Fault(operation="create", kind="slow", seconds=0.5))
    with pytest.raises(UnknownOutcomeError):
        create_lead(contexts(timeout_s=0.2), LEAD)


def test_the_end_of_the_day_is_waited_for(ctx: ActionContext, control: Callable[..., Any]) -> None:
    control("limits", most=5, used=5)
    with pytest.raises(RetryableError) as caught:
        update_lead(ctx, {"id": "00QSB0000000001", "company": "B"})
    assert (caught.value.code, caught.value.retry_after_s) == ("daily_limit", 3600.0)
