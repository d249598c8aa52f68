"""The sandbox is strict where Salesforce is, and its controls say what they want."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from revolution_salesforce.sandbox import sandbox
from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import RunningSandbox

SOBJECTS = "/services/data/v68.0/sobjects"
LEAD: JsonObject = {"LastName": "Doe", "Company": "Acme"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"LastName": "Doe"}, "REQUIRED_FIELD_MISSING"),
        ({**LEAD, "Nothing__c": 1}, "INVALID_FIELD"),
        ({**LEAD, "CreatedDate": "2026-11-23T09:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({**LEAD, "LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({**LEAD, "Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({**LEAD, "OwnerId": "me"}, "MALFORMED_ID"),
        ({**LEAD, "Title": 7}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_wrong_record_is_refused_in_salesforces_shape(fields: Json, code: str, api: httpx2.Client) -> None:
    answer = api.post(f"{SOBJECTS}/Lead", json=fields)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Name": "A", "StageName": "B", "CloseDate": "soon"}, "JSON_PARSER_ERROR"),
        ({"Name": "A", "StageName": "B", "CloseDate": "2026-12-31", "Amount": "1"}, "JSON_PARSER_ERROR"),
    ],
)
def test_dates_and_numbers_are_such(fields: Json, code: str, api: httpx2.Client) -> None:
    assert api.post(f"{SOBJECTS}/Opportunity", json=fields).json()[0]["errorCode"] == code


def test_an_id_of_15_letters_is_the_same_as_that_of_18(
    api: httpx2.Client, control: Callable[..., Any]
) -> None:
    record_id = control("records", object="Lead", fields=LEAD)["id"]
    assert len(record_id) == 18
    for one in (record_id, record_id[:15]):
        assert api.get(f"{SOBJECTS}/Lead/{one}").json()["Id"] == record_id


@pytest.mark.parametrize(
    "path", [f"{SOBJECTS}/Nothing", f"{SOBJECTS}/Lead/00QSB0000000099", f"{SOBJECTS}/Lead/E__c/1"]
)
def test_what_is_not_there_is_not_found(path: str, api: httpx2.Client) -> None:
    method = "PATCH" if path.count("/") > 5 else "POST"
    answer = api.request(method, path, json=LEAD)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_each_answer_says_what_is_used(api: httpx2.Client) -> None:
    used = [api.get("/services/data/v68.0/limits").headers["sforce-limit-info"] for _ in range(2)]
    assert used == ["api-usage=1/5000", "api-usage=2/5000"]


@pytest.mark.parametrize(
    ("start", "end"), [("2026-11-23T09:00:00+00:00", "2026-11-23T09:00:30+00:00"), ("x" * 20, "y" * 20)]
)
def test_a_span_is_a_minute_at_least(start: str, end: str, api: httpx2.Client) -> None:
    answer = api.get(f"{SOBJECTS}/Lead/deleted", params={"start": start, "end": end})
    assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("records", {"object": "Lead"}),
        ("records", {"object": "Nothing", "fields": LEAD}),
        ("records/delete", {"object": "Lead", "id": "00QSB0000000099"}),
        ("tokens/rotation", {"on": 1}),
        ("tokens/key", {"modulus": "x", "exponent": "3"}),
        ("instance", {}),
        ("limits", {"most": -1}),
        ("pages", {}),
        ("refusals", {"status": 400}),
        ("apex", {}),
        ("limits", []),
    ],
)
def test_a_control_says_what_it_wants(path: str, body: Json, running: RunningSandbox) -> None:
    answer = httpx2.post(f"{running.url}/_sandbox/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_two_sandboxes_share_nothing(running: RunningSandbox, control: Callable[..., Any]) -> None:
    control("records", object="Lead", fields=LEAD)
    assert sandbox().calls() == []
    assert running.sandbox is not sandbox()
