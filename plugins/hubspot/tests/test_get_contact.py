"""Reading a contact: through the sandbox for what happens, with recorded answers for what HubSpot refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from jsonschema import Draft202012Validator

from revolution_hubspot.actions.contacts import get_contact
from revolution_hubspot.connector import hubspot
from revolution_sdk import (
    ActionContext,
    ConnectorError,
    CredentialError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
)
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing import make_context

CASES = json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]
RECORD = {
    "id": "512",
    "properties": {"email": "jane@example.com"},
    "createdAt": "2026-11-20T10:00:00.000Z",
    "updatedAt": "2026-11-21T10:00:00.000Z",
    "archived": False,
}


def answering(status: int, body: Json = None, **headers: str) -> ActionContext:
    """A context in which HubSpot answers everything with this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx2.MockTransport(lambda request: httpx2.Response(status, content=content, headers=headers))
    return make_context(hubspot, transport=answer)


def refusal(status: int, body: Json = None, **headers: str) -> ConnectorError:
    """The error get_contact raises for this answer."""
    with pytest.raises(ConnectorError) as caught:
        get_contact(answering(status, body, **headers), {"id": "512"})
    return caught.value


def read(properties: JsonObject) -> JsonObject:
    """What get_contact makes of a contact with these properties."""
    return get_contact(answering(200, {**RECORD, "properties": properties}), {"id": "512"})


def test_a_contact_is_read_with_its_named_fields(ctx: ActionContext, new_lead: Callable[..., str]) -> None:
    lead = {
        "firstname": "Zoë",
        "lastname": "Müller",
        "company": "Acme",
        "jobtitle": "CTO",
        "phone": "+49 30 1",
    }
    more = {"website": "acme.example", "hs_language": "de-at", "message": "Hallo,\nbitte melden."}
    contact_id = new_lead(email="Zoe@Example.com", **lead, **more)
    found = get_contact(ctx, {"id": contact_id})
    named = {
        name: value for name, value in found.items() if name not in ("properties", "created_at", "updated_at")
    }
    assert named == {
        "id": contact_id,
        "email": "zoe@example.com",
        "first_name": "Zoë",
        "last_name": "Müller",
        "company": "Acme",
        "job_title": "CTO",
        "phone": "+49 30 1",
        "website": "acme.example",
        "language": "de",
        "message": "Hallo,\nbitte melden.",
    }


def test_the_answer_fits_the_declared_output(ctx: ActionContext, new_lead: Callable[..., str]) -> None:
    found = get_contact(ctx, {"id": new_lead(email="a@example.com")})
    assert list(Draft202012Validator(get_contact.output).iter_errors(found)) == []
    assert found["created_at"] == found["properties"]["createdate"]


def test_what_is_not_set_is_null(ctx: ActionContext, new_lead: Callable[..., str]) -> None:
    found = get_contact(ctx, {"id": new_lead(lastname="Nobody")})
    assert (found["email"], found["language"], found["message"]) == (None, None, None)
    assert found["properties"]["lifecyclestage"] is None


def test_further_properties_are_read_on_request(ctx: ActionContext, new_lead: Callable[..., str]) -> None:
    contact_id = new_lead(email="a@example.com", budget_2027="50000")
    assert "budget_2027" not in get_contact(ctx, {"id": contact_id})["properties"]
    found = get_contact(ctx, {"id": contact_id, "properties": ["budget_2027", "email"]})
    assert found["properties"]["budget_2027"] == "50000"


def test_one_request_is_made_with_the_properties_named_once(
    ctx: ActionContext, new_lead: Callable[..., str], running: RunningSandbox
) -> None:
    get_contact(ctx, {"id": new_lead(email="a@example.com"), "properties": ["email", "city", "fax"]})
    (call,) = running.sandbox.calls("get_contact")
    asked = call.query["properties"].split(",")
    assert len(asked) == len(set(asked)) == 14
    assert {"email", "hs_language", "hs_lead_status", "message", "fax"} <= set(asked)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-at", "de"),
        ("pt_BR", "pt"),
        ("zh-hant-tw", "zh"),
        (" en ", "en"),
        ("fil", None),
        ("deutsch", None),
        ("d", None),
        ("-de", None),
        ("dé", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_the_language_is_two_letters_or_null(tag: Json, language: str | None) -> None:
    assert read({"hs_language": tag})["language"] == language


@pytest.mark.parametrize(
    ("value", "text"), [("  ", None), ("", None), (None, None), (" a ", "a"), (7, "7"), ([], None)]
)
def test_a_field_is_a_text_or_null_whatever_hubspot_sends(value: Json, text: str | None) -> None:
    assert read({"company": value})["company"] == text


@pytest.mark.parametrize("contact_id", ["", "1/2", "../deals", "1?a=b", "x", "-1", "1" * 21, "１"])
def test_an_id_that_is_not_digits_is_refused_by_the_schema(contact_id: str) -> None:
    assert not Draft202012Validator(get_contact.input).is_valid({"id": contact_id})


@pytest.mark.parametrize("name", ["a,b", "a b", "Email", "", "x" * 101])
def test_a_property_name_that_could_be_two_is_refused_by_the_schema(name: str) -> None:
    assert not Draft202012Validator(get_contact.input).is_valid({"id": "1", "properties": [name]})


EXPECTED = {
    "ten-second limit": (RetryableError, "rate_limited"),
    "daily limit": (RetryableError, "daily_limit"),
    "no or unknown token": (CredentialError, "credential_refused"),
    "access token expired": (CredentialError, "credential_refused"),
    "scope missing": (CredentialError, "missing_scopes"),
    "contact exists": (RejectedError, "rejected"),
    "refresh token not valid": (RejectedError, "rejected"),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_every_recorded_refusal_is_sorted_by_its_body(case: Json) -> None:
    error = refusal(case["status"], case["body"], **case["headers"])
    assert (type(error), error.code) == EXPECTED[case["case"]]


def test_the_recorded_refusals_are_all_sorted() -> None:
    assert {case["case"] for case in CASES} == set(EXPECTED)


def wait_s(error: ConnectorError) -> float | None:
    """How long a retryable error wants to wait."""
    assert isinstance(error, RetryableError)
    return error.retry_after_s


@pytest.mark.parametrize(
    ("status", "policy", "headers", "code", "wait"),
    [
        (
            429,
            "TEN_SECONDLY_ROLLING",
            {"x-hubspot-ratelimit-interval-milliseconds": "10000"},
            "rate_limited",
            10.0,
        ),
        (429, "TEN_SECONDLY_ROLLING", {"retry-after": "3"}, "rate_limited", 3.0),
        (
            429,
            "TEN_SECONDLY_ROLLING",
            {"x-hubspot-ratelimit-interval-milliseconds": "soon"},
            "rate_limited",
            None,
        ),
        (
            429,
            "TEN_SECONDLY_ROLLING",
            {"x-hubspot-ratelimit-interval-milliseconds": "9" * 99},
            "rate_limited",
            None,
        ),
        (429, "TEN_SECONDLY_ROLLING", {}, "rate_limited", None),
        (429, None, {}, "rate_limited", None),
        (429, "DAILY", {}, "daily_limit", 3600.0),
        (429, "DAILY", {"retry-after": "7200"}, "daily_limit", 7200.0),
        (423, None, {}, "locked", 2.0),
        (423, None, {"retry-after": "5"}, "locked", 5.0),
        (477, None, {"retry-after": "80000"}, "account_moving", 80000.0),
        (477, None, {}, "account_moving", None),
    ],
)
def test_a_wait_is_as_long_as_hubspot_says(
    status: int, policy: str | None, headers: dict[str, str], code: str, wait: float | None
) -> None:
    error = refusal(status, {"policyName": policy}, **headers)
    assert (error.code, wait_s(error)) == (code, wait)


def test_missing_scopes_are_named() -> None:
    case = next(case for case in CASES if case["case"] == "scope missing")
    error = refusal(403, case["body"])
    assert error.details["required_scopes"] == ["crm.objects.contacts.write"]
    assert "crm.objects.contacts.write" in error.message


@pytest.mark.parametrize(
    "errors", [None, [], [None], [{}], [{"context": None}], [{"context": {"requiredScopes": 1}}]]
)
def test_missing_scopes_without_names_still_need_a_person(errors: Json) -> None:
    error = refusal(403, {"category": "MISSING_SCOPES", "errors": errors})
    assert isinstance(error, CredentialError)
    assert error.details["required_scopes"] == []


def test_another_403_is_a_refusal() -> None:
    error = refusal(403, {"category": "BANNED", "message": "no"})
    assert (type(error), error.message, error.details["category"]) == (RejectedError, "no", "BANNED")


def test_a_contact_that_does_not_exist_is_final(ctx: ActionContext) -> None:
    with pytest.raises(RejectedError) as caught:
        get_contact(ctx, {"id": "999"})
    assert caught.value.code == "contact_not_found"
    assert caught.value.details["category"] == "OBJECT_NOT_FOUND"


def test_hubspots_own_words_are_kept_but_bounded_and_printable() -> None:
    error = refusal(400, {"message": "bad\x00 \n" + "x" * 5000, "category": "VALIDATION_ERROR"})
    assert error.message.startswith("bad xxx")
    assert len(error.message) == 300
    assert error.details == {"status": 400, "category": "VALIDATION_ERROR"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"no"', b"[" * 100_000, b"\xff", b'{"message": 7}'])
def test_a_refusal_without_hubspots_body_is_still_a_refusal(body: bytes) -> None:
    error = refusal(400, body)
    assert (type(error), error.message) == (RejectedError, "HubSpot refused the request with status 400")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"[" * 100_000,
        json.dumps({**RECORD, "id": 512}).encode(),
        json.dumps({**RECORD, "properties": []}).encode(),
        json.dumps({**RECORD, "updatedAt": None}).encode(),
    ],
)
def test_an_answer_that_is_no_contact_may_be_asked_for_again(body: bytes) -> None:
    error = refusal(200, body)
    assert (type(error), error.code) == (RetryableError, "unreadable_answer")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
def test_a_failure_of_hubspots_may_be_asked_for_again(status: int) -> None:
    error = refusal(status, {"message": "oops"}, **{"retry-after": "4"})
    assert (type(error), wait_s(error)) == (RetryableError, 4.0)
