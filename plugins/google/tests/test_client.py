"""Google's answers become the right errors, and requests go to the right places. Nothing is sent."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from revolution_google import client
from revolution_google.connector import google
from revolution_sdk import (
    ConnectorError,
    CredentialError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.testing import make_context

Responder = Callable[[httpx2.Request], httpx2.Response]
CASES = json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]

EXPECTED: dict[str, tuple[type[ConnectorError], str]] = {
    "access token not valid (Calendar)": (CredentialError, "credential_refused"),
    "user rate limit": (RetryableError, "rate_limited"),
    "sync token too old": (RejectedError, "gone"),
    "historyId too old": (RejectedError, "not_found"),
    "refresh token dead": (RejectedError, "rejected"),
}


def http(respond: Responder) -> httpx2.Client:
    """A client as a hub hands it in, with this in Google's place."""
    return make_context(google, transport=httpx2.MockTransport(respond)).http


def answering(status: int, body: Json, headers: dict[str, str] | None = None) -> httpx2.Client:
    return http(lambda request: httpx2.Response(status, json=body, headers=headers or {}))


def error(status: int, reason: str, message: str = "No.") -> JsonObject:
    return {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_every_recorded_error_answer_is_sorted_by_what_to_do(case: JsonObject) -> None:
    kind, code = EXPECTED[case["case"]]
    with pytest.raises(kind) as raised:
        client.send_message(answering(case["status"], case["body"], case["headers"]), b"x")
    assert raised.value.code == code


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "reason", ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"]
)
def test_every_limit_is_worth_another_try(status: int, reason: str) -> None:
    with pytest.raises(RetryableError) as raised:
        client.send_message(answering(status, error(status, reason), {"retry-after": "7"}), b"x")
    assert raised.value.retry_after_s == 7.0


def test_a_429_without_a_readable_body_is_a_limit_too() -> None:
    with pytest.raises(RetryableError) as raised:
        client.send_message(http(lambda request: httpx2.Response(429, text="<html>slow down")), b"x")
    assert raised.value.retry_after_s is None


@pytest.mark.parametrize(
    "body",
    [
        error(403, "insufficientPermissions"),
        {
            "error": {
                "code": 403,
                "message": "No.",
                "details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}],
            }
        },
    ],
)
def test_a_missing_scope_needs_a_person(body: JsonObject) -> None:
    with pytest.raises(CredentialError) as raised:
        client.send_message(answering(403, body), b"x")
    assert raised.value.code == "missing_scopes"


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (400, "invalidArgument", "rejected"),
        (403, "forbidden", "rejected"),
        (403, "accessNotConfigured", "rejected"),
        (404, "notFound", "not_found"),
        (409, "duplicate", "already_exists"),
        (410, "deleted", "gone"),
        (412, "conditionNotMet", "rejected"),
    ],
)
def test_other_refusals_are_final_and_say_what_google_said(status: int, reason: str, code: str) -> None:
    with pytest.raises(RejectedError) as raised:
        client.send_message(answering(status, error(status, reason, "Because\n of this.")), b"x")
    assert raised.value.code == code
    assert str(raised.value) == "Google refused the request: Because of this."
    assert raised.value.details == {"status": status, "reasons": [reason]}


def test_a_long_message_of_googles_is_cut() -> None:
    with pytest.raises(RejectedError) as raised:
        client.send_message(answering(400, error(400, "invalid", "x" * 9000)), b"x")
    assert len(str(raised.value)) < 400


ODD_ERRORS: list[Json] = [None, "x", [], {"errors": "x"}, {"errors": [7]}, {"message": None}]
ODD_BODIES: list[Json] = [None, [], "no", 7, {}, *({"error": odd} for odd in ODD_ERRORS)]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_an_error_of_any_other_shape_is_a_plain_refusal(body: Json) -> None:
    with pytest.raises(RejectedError, match="status 400"):
        client.send_message(answering(400, body), b"x")


@pytest.mark.parametrize("body", [None, [], {}, {"id": "1"}, {"id": "", "threadId": "2"}])
def test_a_send_whose_answer_cannot_be_read_has_an_unknown_outcome(body: Json) -> None:
    with pytest.raises(UnknownOutcomeError):
        client.send_message(answering(200, body), b"x")


def test_a_read_whose_answer_cannot_be_read_may_be_repeated() -> None:
    with pytest.raises(RetryableError):
        client.own_address(http(lambda request: httpx2.Response(200, text="<html>")))


def test_gmail_and_calendar_have_hosts_of_their_own() -> None:
    asked: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        asked.append(f"{request.method} {request.url}")
        return httpx2.Response(404, json=error(404, "notFound"))

    with pytest.raises(RejectedError):
        client.send_message(http(respond), b"x")
    assert client.find_event(http(respond), "team@group.calendar.google.com", "abcde") is None
    assert asked == [
        "POST https://gmail.googleapis.com/gmail/v1/users/me/messages/send",
        "GET https://www.googleapis.com/calendar/v3/calendars/team@group.calendar.google.com/events/abcde",
    ]


@pytest.mark.parametrize(
    ("calendar", "segment"),
    [
        ("de.german#holiday@group.v.calendar.google.com", b"de.german%23holiday@"),
        ("../../x", b"..%2F..%2Fx"),
        ("a b?c", b"a%20b%3Fc"),
    ],
)
def test_an_id_stays_one_segment_of_the_path(calendar: str, segment: bytes) -> None:
    asked: list[bytes] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.raw_path)
        return httpx2.Response(404, json=error(404, "notFound"))

    client.find_event(http(respond), calendar, "abcde")
    assert asked[0].startswith(b"/calendar/v3/calendars/" + segment)
    assert asked[0].endswith(b"/events/abcde")


@pytest.mark.parametrize("calendar", [".", "..", ""])
def test_an_id_of_dots_alone_is_refused(calendar: str) -> None:
    with pytest.raises(RejectedError, match="dots"):
        client.find_event(answering(200, {}), calendar, "abcde")


def test_raw_is_base64url_without_line_breaks() -> None:
    sent: list[JsonObject] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return httpx2.Response(200, json={"id": "1", "threadId": "2"})

    client.send_message(http(respond), b"\xfb\xff\xfe" * 1000)
    assert sent == [{"raw": "-__-" * 1000}]
