"""The sandbox behaves like HubSpot where a connector or a hub would notice."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from revolution_hubspot.actions.contacts import get_contact
from revolution_hubspot.client import CONTACTS_PATH, TOKEN_PATH
from revolution_hubspot.connector import hubspot
from revolution_hubspot.sandbox import sandbox
from revolution_sdk import ActionContext, CredentialError, Json, JsonObject, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_sdk.testing import connect, make_context

Control = Callable[..., httpx2.Response]

CASES = {
    case["case"]: case
    for case in json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]
}
GRANT = {
    "grant_type": "refresh_token",
    "refresh_token": "sandbox-62515",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-client-secret",
}
LEAD = {"properties": {"email": "jane@example.com"}, "associations": []}


@pytest.fixture
def plain(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """A client without a token."""
    with httpx2.Client(base_url=running.url) as http:
        yield http


def without_id(body: JsonObject) -> JsonObject:
    """An error body without what differs from answer to answer."""
    return {name: value for name, value in body.items() if name != "correlationId"}


class TestTokens:
    def test_a_refresh_answers_with_every_field_hubspot_sends(self, plain: httpx2.Client) -> None:
        answer = plain.post(TOKEN_PATH, data=GRANT)
        body = answer.json()
        assert answer.status_code == 200
        assert body.pop("access_token")
        assert body == {
            "token_type": "bearer",
            "token_use": "access_token",
            "refresh_token": "sandbox-62515",
            "expires_in": 1800,
            "hub_id": 62515,
            "user_id": 123,
            "scopes": ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"],
        }

    @pytest.mark.parametrize(
        ("field", "value", "status"),
        [
            ("refresh_token", "sandbox-", "BAD_REFRESH_TOKEN"),
            ("refresh_token", "sandbox-x", "BAD_REFRESH_TOKEN"),
            ("refresh_token", "sandbox-1.1", "BAD_REFRESH_TOKEN"),
            ("refresh_token", "", "BAD_REFRESH_TOKEN"),
            ("client_id", "another", "BAD_CLIENT_ID"),
            ("client_secret", "guessed", "BAD_CLIENT_SECRET"),
            ("client_secret", "erraten-ü", "BAD_CLIENT_SECRET"),
            ("grant_type", "password", "BAD_GRANT_TYPE"),
        ],
    )
    def test_a_wrong_form_is_refused(self, plain: httpx2.Client, field: str, value: str, status: str) -> None:
        answer = plain.post(TOKEN_PATH, data={**GRANT, field: value})
        assert (answer.status_code, answer.json()["status"]) == (400, status)

    def test_a_wrong_refresh_token_is_refused_in_hubspots_words(self, plain: httpx2.Client) -> None:
        answer = plain.post(TOKEN_PATH, data={**GRANT, "refresh_token": "stolen"})
        assert answer.json() == CASES["refresh token not valid"]["body"]

    def test_the_grant_must_be_a_form(self, plain: httpx2.Client) -> None:
        assert plain.post(TOKEN_PATH, json=GRANT).status_code == 400

    def test_the_hub_id_is_the_account_the_connector_names(self, plain: httpx2.Client) -> None:
        field = getattr(hubspot.auth, "account_field")  # noqa: B009 — the union's other members lack it
        answer = plain.post(TOKEN_PATH, data={**GRANT, "refresh_token": "sandbox-33"})
        assert answer.json()[field] == 33

    def test_the_refresh_token_stays_valid_unless_rotation_is_on(
        self, plain: httpx2.Client, control: Control
    ) -> None:
        assert plain.post(TOKEN_PATH, data=GRANT).json()["refresh_token"] == "sandbox-62515"
        control("tokens/rotation", on=True)
        renewed = plain.post(TOKEN_PATH, data=GRANT).json()["refresh_token"]
        assert renewed != "sandbox-62515"
        assert plain.post(TOKEN_PATH, data=GRANT).status_code == 400
        assert plain.post(TOKEN_PATH, data={**GRANT, "refresh_token": renewed}).status_code == 200
        assert plain.post(TOKEN_PATH, data={**GRANT, "refresh_token": "sandbox-33"}).status_code == 200


class TestAuthorization:
    @pytest.mark.parametrize(
        "headers", [{}, {"authorization": "Bearer guessed"}, {"authorization": "Basic x"}]
    )
    def test_no_or_an_unknown_token_is_refused_in_hubspots_words(
        self, plain: httpx2.Client, headers: dict[str, str]
    ) -> None:
        answer = plain.get(f"{CONTACTS_PATH}/512", headers=headers)
        assert answer.status_code == 401
        assert without_id(answer.json()) == without_id(CASES["no or unknown token"]["body"])

    def test_an_expired_token_says_since_when(self, api: httpx2.Client, control: Control) -> None:
        assert api.get(f"{CONTACTS_PATH}/512").status_code == 404
        assert control("tokens/expire").status_code == 204
        answer = api.get(f"{CONTACTS_PATH}/512")
        assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
        assert "expired 1 second(s) ago" in answer.json()["message"]

    def test_an_expired_token_needs_a_refresh_and_then_all_is_well(
        self, running: RunningSandbox, ctx: ActionContext, control: Control, new_lead: Callable[..., str]
    ) -> None:
        contact_id = new_lead(email="a@example.com")
        control("tokens/expire")
        with pytest.raises(CredentialError):
            get_contact(ctx, {"id": contact_id})
        token = connect(hubspot, running.base_url, refresh_token="sandbox-62515")
        again = make_context(hubspot, running.base_url, authorization=token)
        with again.http:
            assert get_contact(again, {"id": contact_id})["email"] == "a@example.com"

    def test_one_account_does_not_see_anothers_contacts(
        self, api: httpx2.Client, new_lead: Callable[..., str]
    ) -> None:
        mine, foreign = new_lead(email="a@example.com"), new_lead(portal_id="33", email="a@example.com")
        assert api.get(f"{CONTACTS_PATH}/{mine}").status_code == 200
        assert api.get(f"{CONTACTS_PATH}/{foreign}").status_code == 404

    def test_a_missing_scope_is_refused_in_hubspots_words(self, api: httpx2.Client, control: Control) -> None:
        control("scopes", scopes=["oauth", "crm.objects.contacts.read"])
        answer = api.post(CONTACTS_PATH, json=LEAD)
        assert answer.status_code == 403
        assert without_id(answer.json()) == without_id(CASES["scope missing"]["body"])

    def test_a_missing_scope_reaches_the_action_as_a_matter_for_a_person(
        self, ctx: ActionContext, control: Control, new_lead: Callable[..., str]
    ) -> None:
        control("scopes", scopes=["oauth"])
        with pytest.raises(CredentialError) as caught:
            get_contact(ctx, {"id": new_lead(email="a@example.com")})
        assert caught.value.details["required_scopes"] == ["crm.objects.contacts.read"]


class TestContacts:
    def test_a_created_contact_can_be_read_and_is_counted(
        self, api: httpx2.Client, running: RunningSandbox
    ) -> None:
        made = api.post(CONTACTS_PATH, json=LEAD)
        assert made.status_code == 201
        found = api.get(f"{CONTACTS_PATH}/{made.json()['id']}", params={"properties": "email,phone"})
        assert found.json()["properties"]["email"] == "jane@example.com"
        assert found.json()["properties"]["phone"] is None
        assert [call.operation for call in running.sandbox.calls()] == [
            "token",
            "create_contact",
            "get_contact",
        ]

    def test_without_properties_the_few_default_ones_are_answered(
        self, api: httpx2.Client, new_lead: Callable[..., str]
    ) -> None:
        found = api.get(f"{CONTACTS_PATH}/{new_lead(email='a@example.com', phone='1')}").json()
        names = ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
        assert sorted(found["properties"]) == names

    def test_an_email_address_is_taken_once_per_account(self, api: httpx2.Client, control: Control) -> None:
        first = api.post(CONTACTS_PATH, json=LEAD).json()["id"]
        again = api.post(CONTACTS_PATH, json={**LEAD, "properties": {"email": "JANE@example.com"}})
        assert again.status_code == 409
        assert again.json()["message"] == f"Contact already exists. Existing ID: {first}"
        assert again.json()["category"] == "CONFLICT"
        assert len(control_get(api, "contacts")) == 1

    def test_contacts_without_an_email_address_are_all_kept(self, api: httpx2.Client) -> None:
        nameless = {"properties": {"lastname": "Doe"}, "associations": []}
        ids = {api.post(CONTACTS_PATH, json=nameless).json()["id"] for _ in range(3)}
        assert len(ids) == 3

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            {},
            {"properties": {}},
            {"properties": [], "associations": []},
            {"properties": {"email": 7}, "associations": []},
            {"properties": {"email": "nobody"}, "associations": []},
            {"properties": {}, "associations": {}},
            {"properties": {}, "associations": [], "more": 1},
        ],
    )
    def test_a_wrong_body_is_refused_in_hubspots_envelope(self, api: httpx2.Client, body: Json) -> None:
        answer = api.post(CONTACTS_PATH, json=body)
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
        assert control_get(api, "contacts") == []

    def test_an_unknown_contact_is_refused_in_hubspots_envelope(self, api: httpx2.Client) -> None:
        body = api.get(f"{CONTACTS_PATH}/999").json()
        assert (body["category"], body["context"]) == ("OBJECT_NOT_FOUND", {"id": ["999"]})


def control_get(api: httpx2.Client, path: str) -> Json:
    """What a control shows."""
    return api.get(f"/_sandbox/{path}").json()


class TestRateLimit:
    def test_every_answer_says_how_many_calls_are_left(self, api: httpx2.Client) -> None:
        first, second = api.get(f"{CONTACTS_PATH}/1"), api.get(f"{CONTACTS_PATH}/1")
        assert first.headers["X-HubSpot-RateLimit-Max"] == "110"
        assert first.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
        assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in (first, second)] == ["109", "108"]

    def test_one_call_too_many_is_refused_in_hubspots_words(
        self, api: httpx2.Client, control: Control
    ) -> None:
        control("limits", most=2)
        answers = [api.get(f"{CONTACTS_PATH}/1") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 429, 429]
        expected = CASES["ten-second limit"]
        assert without_id(answers[3].json()) == without_id(expected["body"])
        assert answers[3].headers["X-HubSpot-RateLimit-Remaining"] == "0"

    def test_the_limit_is_each_accounts_own(
        self, running: RunningSandbox, api: httpx2.Client, control: Control
    ) -> None:
        control("limits", most=1)
        other = {"authorization": connect(hubspot, running.base_url, refresh_token="sandbox-33")}
        assert api.get(f"{CONTACTS_PATH}/1").status_code == 404
        assert api.get(f"{CONTACTS_PATH}/1", headers=other).status_code == 404
        assert api.get(f"{CONTACTS_PATH}/1").status_code == 429

    @pytest.mark.parametrize(
        ("policy", "wait", "code"),
        [("TEN_SECONDLY_ROLLING", 10.0, "rate_limited"), ("DAILY", 3600.0, "daily_limit")],
    )
    def test_the_action_waits_as_long_as_the_limit_lasts(
        self, ctx: ActionContext, control: Control, policy: str, wait: float, code: str
    ) -> None:
        control("limits", most=0, policy=policy)
        with pytest.raises(RetryableError) as caught:
            get_contact(ctx, {"id": "1"})
        assert (caught.value.retry_after_s, caught.value.code) == (wait, code)

    def test_the_daily_limit_is_refused_in_hubspots_words(self, api: httpx2.Client, control: Control) -> None:
        control("limits", most=0, policy="DAILY")
        answer = api.get(f"{CONTACTS_PATH}/1")
        assert without_id(answer.json()) == without_id(CASES["daily limit"]["body"])
        assert "X-HubSpot-RateLimit-Max" not in answer.headers


class TestBadDays:
    def test_429_with_retry_after(self, ctx: ActionContext, control: Control) -> None:
        control("faults", operation="get_contact", kind="status", status=429, retry_after_s=7)
        with pytest.raises(RetryableError) as caught:
            get_contact(ctx, {"id": "1"})
        assert (caught.value.code, caught.value.retry_after_s) == ("rate_limited", 7.0)

    def test_a_failure_passes(
        self, ctx: ActionContext, control: Control, new_lead: Callable[..., str]
    ) -> None:
        contact_id = new_lead(email="a@example.com")
        control("faults", operation="get_contact", kind="status", status=503, times=2)
        for _ in range(2):
            with pytest.raises(RetryableError):
                get_contact(ctx, {"id": contact_id})
        assert get_contact(ctx, {"id": contact_id})["id"] == contact_id

    def test_slow(self, ctx: ActionContext, running: RunningSandbox, new_lead: Callable[..., str]) -> None:
        running.sandbox.faults.add(Fault(operation="get_contact", kind="slow", seconds=0.2))
        contact_id, began_s = new_lead(email="a@example.com"), time.monotonic()
        assert get_contact(ctx, {"id": contact_id})["id"] == contact_id
        assert time.monotonic() - began_s >= 0.2

    def test_too_slow(self, running: RunningSandbox, new_lead: Callable[..., str]) -> None:
        token = connect(hubspot, running.base_url, refresh_token="sandbox-62515")
        running.sandbox.faults.add(Fault(operation="get_contact", kind="slow", seconds=0.5))
        impatient = make_context(hubspot, running.base_url, authorization=token, timeout_s=0.1)
        with impatient.http, pytest.raises(RetryableError) as caught:
            get_contact(impatient, {"id": new_lead(email="a@example.com")})
        assert caught.value.code == "no_answer"

    def test_work_done_and_answer_withheld(self, api: httpx2.Client, running: RunningSandbox) -> None:
        running.sandbox.faults.add(Fault(operation="create_contact", kind="withhold", status=504))
        assert api.post(CONTACTS_PATH, json=LEAD).status_code == 504
        assert len(control_get(api, "contacts")) == 1
        assert api.post(CONTACTS_PATH, json=LEAD).status_code == 409

    @pytest.mark.parametrize("status", [400, 401, 403, 423, 429, 477, 500, 503])
    def test_an_injected_error_has_hubspots_shape(
        self, api: httpx2.Client, running: RunningSandbox, status: int
    ) -> None:
        running.sandbox.faults.add(Fault(operation="get_contact", kind="status", status=status))
        answer = api.get(f"{CONTACTS_PATH}/1")
        assert (answer.status_code, answer.json()["status"]) == (status, "error")


def test_what_a_demo_needs_is_offered() -> None:
    box = sandbox()
    assert (box.name, box.port, box.base_path) == ("hubspot", 9101, "")
    assert box.connection == {"refresh_token": "sandbox-62515"}
    assert box.app == {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}


def test_every_sandbox_has_a_state_of_its_own(running: RunningSandbox, new_lead: Callable[..., str]) -> None:
    new_lead(email="a@example.com")
    assert sandbox().calls() == []
    assert httpx2.get(f"{running.url}/_sandbox/contacts").json()[0]["portal_id"] == "62515"
