"""The sandbox behaves like Google where a connector or a hub would notice."""

import base64
import json
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from revolution_google.actions.send_email import send_email
from revolution_google.sandbox import sandbox
from revolution_sdk import ActionContext, CredentialError, Json, JsonObject, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox

Mails = Callable[[], list[JsonObject]]

CASES = {
    case["case"]: case
    for case in json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]
}
GRANT = {
    "grant_type": "refresh_token",
    "refresh_token": "sandbox-google",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-client-secret",
}
SEND = "/gmail/v1/users/me/messages/send"
MESSAGES = "/gmail/v1/users/me/messages"
EVENTS = "/calendar/v3/calendars/primary/events"
MAIL = {"to": "anna@example.com", "subject": "Hi", "body": "Hello"}
TIMES = {
    "start": {"dateTime": "2026-11-23T10:00:00+01:00"},
    "end": {"dateTime": "2026-11-23T10:30:00+01:00"},
}


def raw(content: bytes) -> JsonObject:
    return {"raw": base64.urlsafe_b64encode(content).decode()}


def reason(answer: httpx2.Response) -> tuple[int, str]:
    """Status and reason of an error answer."""
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def test_a_new_sandbox_says_where_and_how_to_connect() -> None:
    box = sandbox()
    assert (box.name, box.port, box.base_path) == ("google", 9102, "")
    assert box.connection == {"refresh_token": "sandbox-google"}
    assert box.app == {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}


class TestTokens:
    def test_a_refresh_answers_without_a_refresh_token(self, api: httpx2.Client) -> None:
        body = api.post("/token", data=GRANT).json()
        assert body.pop("access_token")
        prefix = "https://www.googleapis.com/auth/"
        scopes = ["calendar.events", "calendar.freebusy", "gmail.readonly", "gmail.send"]
        assert body == {
            "expires_in": 3599,
            "scope": " ".join(prefix + scope for scope in scopes),
            "token_type": "Bearer",
        }

    def test_a_dead_refresh_token_is_answered_as_recorded(self, api: httpx2.Client) -> None:
        case = CASES["refresh token dead"]
        answer = api.post("/token", data={**GRANT, "refresh_token": "1//revoked"})
        assert (answer.status_code, answer.json()) == (case["status"], case["body"])

    @pytest.mark.parametrize(
        ("wrong", "status", "error"),
        [
            ({"client_id": "someone"}, 401, "invalid_client"),
            ({"client_secret": "wrong"}, 401, "invalid_client"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"refresh_token": ""}, 400, "invalid_request"),
        ],
    )
    def test_other_refusals_have_their_own_names(
        self, api: httpx2.Client, wrong: dict[str, str], status: int, error: str
    ) -> None:
        answer = api.post("/token", data={**GRANT, **wrong})
        assert (answer.status_code, answer.json()["error"]) == (status, error)

    def test_a_token_request_in_json_is_refused(self, api: httpx2.Client) -> None:
        assert api.post("/token", json=GRANT).json()["error"] == "invalid_client"

    @pytest.mark.parametrize("path", ["/gmail/v1/users/me/profile", f"{EVENTS}/abcde"])
    def test_an_unknown_access_token_is_answered_401(self, api: httpx2.Client, path: str) -> None:
        answer = api.get(path, headers={"authorization": "Bearer nobody"})
        recorded = CASES["access token not valid (Calendar)"]["body"]["error"]
        assert answer.status_code == 401
        assert answer.json()["error"]["errors"] == recorded["errors"]
        assert answer.headers["www-authenticate"]

    def test_an_expired_token_needs_a_refresh(self, ctx: ActionContext, controls: httpx2.Client) -> None:
        assert controls.post("tokens/expire").status_code == 204
        with pytest.raises(CredentialError):
            send_email(ctx, MAIL)


class TestFaults:
    @pytest.mark.parametrize("case", ["user rate limit", "access token not valid (Calendar)"])
    def test_an_injected_refusal_looks_as_recorded(
        self, api: httpx2.Client, running: RunningSandbox, case: str
    ) -> None:
        recorded = CASES[case]
        running.sandbox.faults.add(Fault(operation="*", kind="status", status=recorded["status"]))
        answer = api.get("/gmail/v1/users/me/profile")
        expected = recorded["body"]["error"]["errors"][0]
        assert reason(answer) == (recorded["status"], expected["reason"])
        assert answer.json()["error"]["message"] == recorded["body"]["error"]["message"]

    def test_a_limit_says_how_long_to_wait(self, api: httpx2.Client, running: RunningSandbox) -> None:
        running.sandbox.faults.add(Fault(operation="*", kind="status", status=429, retry_after_s=2))
        answer = api.get("/gmail/v1/users/me/profile")
        assert reason(answer) == (429, "rateLimitExceeded")
        assert answer.headers["retry-after"] == "2"

    def test_a_failure_before_the_work_does_nothing(
        self, api: httpx2.Client, running: RunningSandbox, mails: Mails
    ) -> None:
        running.sandbox.faults.add(Fault(operation="messages.send", kind="status", status=500))
        assert reason(api.post(SEND, json=raw(b"To: a@example.com\r\n\r\nHi"))) == (500, "backendError")
        assert mails() == []

    def test_a_slow_answer_is_a_whole_answer(self, ctx: ActionContext, running: RunningSandbox) -> None:
        running.sandbox.faults.add(Fault(operation="messages.send", kind="slow", seconds=0.05))
        assert send_email(ctx, MAIL)["id"]

    def test_a_read_that_fails_once_may_be_repeated(
        self, ctx: ActionContext, running: RunningSandbox
    ) -> None:
        running.sandbox.faults.add(Fault(operation="users.getProfile", kind="status", status=502))
        with pytest.raises(RetryableError):
            send_email(ctx, {**MAIL, "from_name": "Anna"})
        assert send_email(ctx, {**MAIL, "from_name": "Anna"})["id"]


class TestSending:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ({"raw": "++//"}, "badRequest"),
            ({"raw": "SGVsbG8\n"}, "badRequest"),
            ({"raw": "SGVsb"}, "badRequest"),
            ({"raw": ""}, "invalidArgument"),
            ({"raw": 7}, "invalidArgument"),
            ({}, "invalidArgument"),
            ([], "invalidArgument"),
            (raw(b"Subject: nobody\r\n\r\nHi"), "invalidArgument"),
            (raw(b"To: \r\n\r\nHi"), "invalidArgument"),
            (raw(b"To: not an address\r\n\r\nHi"), "invalidArgument"),
            (raw(b"To: a@example.com\r\nContent-Type: multipart/mixed\r\n\r\nHi"), "invalidArgument"),
            (raw(b"\x00\xff\xfe"), "invalidArgument"),
        ],
    )
    def test_what_is_no_mail_is_refused(self, api: httpx2.Client, mails: Mails, body: Json, why: str) -> None:
        assert reason(api.post(SEND, json=body)) == (400, why)
        assert mails() == []

    def test_a_body_that_is_no_json_is_refused(self, api: httpx2.Client) -> None:
        assert api.post(SEND, content=b"{", headers={"content-type": "application/json"}).status_code == 400

    def test_missing_parts_are_filled_in_as_gmail_does(self, api: httpx2.Client, mails: Mails) -> None:
        sent = api.post(SEND, json=raw(b"To: a@example.com\r\nMessage-ID: <x@y>\r\n\r\nHi")).json()
        [mail] = mails()
        assert sent == {"id": mail["id"], "threadId": mail["id"], "labelIds": ["SENT"]}
        assert mail["from"] == "sandbox-google@sandbox.example"
        assert mail["message_id"] == "<x@y>"
        assert mail["assigned_message_id"].endswith("@mail.gmail.com>")

    def test_a_reply_joins_a_conversation_that_exists(self, api: httpx2.Client) -> None:
        first = api.post(SEND, json=raw(b"To: a@example.com\r\n\r\nHi")).json()
        reply = {**raw(b"To: a@example.com\r\n\r\nAgain"), "threadId": first["id"]}
        assert api.post(SEND, json=reply).json()["threadId"] == first["id"]
        assert reason(api.post(SEND, json={**reply, "threadId": "0123456789abcdef"})) == (404, "notFound")

    def test_another_mailbox_may_not_be_used(self, api: httpx2.Client) -> None:
        answer = api.get("/gmail/v1/users/somebody@example.com/profile")
        assert reason(answer) == (403, "forbidden")


class TestReading:
    @pytest.fixture
    def sent(self, api: httpx2.Client) -> JsonObject:
        """A mail with text and HTML."""
        message = EmailMessage()
        message["To"], message["Subject"], message["X-Mark"] = "a@example.com", "Grüße", "7"
        message.set_content("Text")
        message.add_alternative("<p>HTML</p>", subtype="html")
        return dict(api.post(SEND, json=raw(message.as_bytes())).json())

    def get(self, api: httpx2.Client, sent: JsonObject, **params: str) -> JsonObject:
        return dict(api.get(f"{MESSAGES}/{sent['id']}", params=params).json())

    def test_metadata_has_the_headers_and_no_content(self, api: httpx2.Client, sent: JsonObject) -> None:
        found = self.get(api, sent, format="metadata", metadataHeaders="x-mark")
        assert found["payload"]["headers"] == [{"name": "X-Mark", "value": "7"}]
        assert "body" not in found["payload"]
        everything = self.get(api, sent, format="metadata")
        assert {"To", "Subject", "Message-ID"} <= {one["name"] for one in everything["payload"]["headers"]}

    def test_full_has_every_part_with_its_content(self, api: httpx2.Client, sent: JsonObject) -> None:
        payload = self.get(api, sent)["payload"]
        contents = [base64.urlsafe_b64decode(part["body"]["data"]).strip() for part in payload["parts"]]
        assert payload["mimeType"] == "multipart/alternative"
        assert contents == [b"Text", b"<p>HTML</p>"]

    def test_raw_is_the_mail_with_the_message_id_it_has_now(
        self, api: httpx2.Client, sent: JsonObject, mails: Mails
    ) -> None:
        content = base64.urlsafe_b64decode(self.get(api, sent, format="raw")["raw"])
        assert mails()[0]["assigned_message_id"].encode() in content

    def test_minimal_has_neither(self, api: httpx2.Client, sent: JsonObject) -> None:
        assert {"payload", "raw"}.isdisjoint(self.get(api, sent, format="minimal"))

    def test_an_unknown_mail_or_format_is_refused(self, api: httpx2.Client, sent: JsonObject) -> None:
        assert reason(api.get(f"{MESSAGES}/0123456789abcdef")) == (404, "notFound")
        assert reason(api.get(f"{MESSAGES}/{sent['id']}?format=pdf")) == (400, "invalidArgument")

    def test_the_list_is_newest_first_and_paged(self, api: httpx2.Client) -> None:
        body = raw(b"To: a@example.com\r\n\r\nHi")
        ids = [api.post(SEND, json=body).json()["id"] for _ in range(3)]
        first = api.get(MESSAGES, params={"maxResults": 2}).json()
        rest = api.get(MESSAGES, params={"maxResults": 2, "pageToken": first["nextPageToken"]}).json()
        assert [one["id"] for one in [*first["messages"], *rest["messages"]]] == ids[::-1]
        assert "nextPageToken" not in rest

    def test_an_empty_list_has_no_messages_at_all(self, api: httpx2.Client) -> None:
        assert api.get(MESSAGES).json() == {"resultSizeEstimate": 0}

    @pytest.mark.parametrize("key", ["assigned_message_id", "message_id"])
    def test_the_search_knows_the_message_id_a_mail_has_now(
        self, api: httpx2.Client, mails: Mails, key: str
    ) -> None:
        api.post(SEND, json=raw(b"To: a@example.com\r\nMessage-ID: <x@y.example>\r\n\r\nHi"))
        identity = mails()[0][key].strip("<>")
        found = api.get(MESSAGES, params={"q": f"in:anywhere rfc822msgid:{identity}"}).json()
        assert found["resultSizeEstimate"] == (1 if key == "assigned_message_id" else 0)

    @pytest.mark.parametrize("params", [{"q": "hello"}, {"maxResults": 0}, {"maxResults": 501}])
    def test_what_it_cannot_list_is_refused(self, api: httpx2.Client, params: dict[str, Any]) -> None:
        assert reason(api.get(MESSAGES, params=params)) == (400, "invalidArgument")

    def test_the_profile_counts(self, api: httpx2.Client, sent: JsonObject) -> None:
        profile = api.get("/gmail/v1/users/me/profile").json()
        assert profile["emailAddress"] == "sandbox-google@sandbox.example"
        assert (profile["messagesTotal"], profile["threadsTotal"]) == (1, 1)


class TestControls:
    def test_mails_and_meetings_can_be_asked_of_one_account(
        self, api: httpx2.Client, controls: httpx2.Client
    ) -> None:
        api.post(SEND, json=raw(b"To: a@example.com\r\n\r\nHi"))
        api.post(EVENTS, json=TIMES)
        for kind in ("mails", "meetings"):
            assert len(controls.get(kind, params={"account": "sandbox-google"}).json()) == 1
            assert controls.get(kind, params={"account": "sandbox-other"}).json() == []

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("busy", {"busy": [{"start": "today", "end": "tomorrow"}]}),
            ("busy", {"busy": [{"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T09:00:00Z"}]}),
            ("busy", {"busy": 7}),
            ("busy", {}),
            ("scopes", {"missing": ["gmail.everything"]}),
            ("scopes", {}),
            ("scopes", None),
            ("message_ids", {}),
        ],
    )
    def test_a_wrong_control_says_so(self, controls: httpx2.Client, path: str, body: Json) -> None:
        answer = controls.post(path, json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]

    def test_scopes_that_were_taken_away_come_back(self, api: httpx2.Client, controls: httpx2.Client) -> None:
        controls.post("scopes", json={"missing": ["messages.list"]})
        assert reason(api.get(MESSAGES)) == (403, "insufficientPermissions")
        assert api.get("/gmail/v1/users/me/profile").status_code == 200
        controls.post("scopes", json={"missing": []})
        assert api.get(MESSAGES).status_code == 200

    def test_a_missing_scope_is_missing_from_the_token_answer(
        self, api: httpx2.Client, controls: httpx2.Client
    ) -> None:
        controls.post("scopes", json={"missing": ["gmail.readonly"]})
        assert "gmail.readonly" not in api.post("/token", data=GRANT).json()["scope"]
