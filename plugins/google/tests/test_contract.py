"""The contract is alive: it refuses a wrong request of every operation, and takes the right one."""

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from openapi_core import OpenAPI

from revolution_google.sandbox.state import SCOPE_OF
from revolution_sdk import JsonObject
from revolution_sdk.testing.contract import ContractValidator, contracts_folder

pytestmark = pytest.mark.contract

MESSAGES = "/gmail/v1/users/me/messages"
EVENTS = "/calendar/v3/calendars/primary/events"
TIMES = {
    "start": {"dateTime": "2026-11-23T10:00:00+01:00"},
    "end": {"dateTime": "2026-11-23T10:30:00+01:00"},
}
ASKED = {"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z", "items": [{"id": "primary"}]}


@pytest.fixture
def validator(contract: OpenAPI | None) -> ContractValidator:
    if contract is None:
        pytest.skip("Google's contract is not here; name its folder in REVOLUTION_CONTRACTS")
    return ContractValidator(_nobody, contract, "https://www.googleapis.com")


async def _nobody(*args: object) -> None:
    raise AssertionError("nothing is sent")


@pytest.mark.parametrize(
    ("method", "path", "right", "wrong"),
    [
        ("GET", "/gmail/v1/users/me/profile", "", "alt=xml"),
        ("GET", MESSAGES, "q=rfc822msgid%3Ax&includeSpamTrash=true&maxResults=1", "includeSpamTrash=maybe"),
        ("GET", MESSAGES, "labelIds=SENT&maxResults=50", "maxResults=many"),
        ("GET", f"{MESSAGES}/1", "format=metadata&metadataHeaders=X", "format=pdf"),
        ("GET", f"{EVENTS}/abcde", "", "maxAttendees=0"),
    ],
)
def test_reading_operations(
    validator: ContractValidator, method: str, path: str, right: str, wrong: str
) -> None:
    assert validator.refuses(method, path, query=right) is False
    assert validator.refuses(method, path, query=wrong) is True


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        (f"{MESSAGES}/send", {"raw": "SGVsbG8="}, {"raw": "SGVs+/8="}),
        (f"{MESSAGES}/send", {"raw": "SGVsbG8="}, {"message": "SGVsbG8="}),
        ("/calendar/v3/freeBusy", ASKED, {**ASKED, "timeMin": "today"}),
        ("/calendar/v3/freeBusy", ASKED, {"timeMin": ASKED["timeMin"], "items": ASKED["items"]}),
        (EVENTS, TIMES, {"start": TIMES["start"]}),
        (EVENTS, TIMES, {**TIMES, "attendees": [{"email": 7}]}),
    ],
)
def test_writing_operations(
    validator: ContractValidator, path: str, right: JsonObject, wrong: JsonObject
) -> None:
    assert validator.refuses("POST", path, body=right) is False
    assert validator.refuses("POST", path, body=wrong) is True


def test_invitations_are_asked_for_with_a_word_the_contract_knows(validator: ContractValidator) -> None:
    assert validator.refuses("POST", EVENTS, body=TIMES, query="sendUpdates=all") is False
    assert validator.refuses("POST", EVENTS, body=TIMES, query="sendUpdates=everyone") is True


def test_each_operation_accepts_the_scope_asked_of_the_user(contract: OpenAPI | None) -> None:
    path = contracts_folder() / "google" / "google.trimmed.openapi.json"
    if contract is None:
        pytest.skip("Google's contract is not here; name its folder in REVOLUTION_CONTRACTS")
    accepted: dict[str, set[str]] = {}
    for item in json.loads(path.read_text())["paths"].values():
        for operation in item.values():
            scopes = {scope for way in operation["security"] for scope in way["oauth2"]}
            accepted[operation["operationId"].split(".", 1)[1].removeprefix("users.")] = scopes
    assert all(scope in accepted[name.removeprefix("users.")] for name, scope in SCOPE_OF.items())


def test_an_answer_that_breaks_the_contract_is_noticed(validator: ContractValidator) -> None:
    scope = {
        "method": "GET",
        "path": f"{EVENTS}/abcde",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer x")],
    }
    sent: list[MutableMapping[str, Any]] = [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]},
        {"type": "http.response.body", "body": b'{"id": 7, "start": {}, "end": {}}'},
    ]
    assert "answer" in validator.check(scope, b"", sent)


@pytest.mark.parametrize("path", ["/gmail/v1/users/me/profile", f"{EVENTS}/abcde"])
def test_a_call_without_a_token_breaks_the_contract(validator: ContractValidator, path: str) -> None:
    scope = {"method": "GET", "path": path, "query_string": b"", "headers": []}
    sent: list[MutableMapping[str, Any]] = [{"type": "http.response.start", "status": 200, "headers": []}]
    assert "not authorized" in validator.check(scope, b"", sent)
