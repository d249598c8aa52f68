"""Sending a mail, and finding out whether it left."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from revolution_google.actions.send_email import find_sent
from revolution_google.connector import send_email
from revolution_google.keys import mail_key
from revolution_sdk import (
    ActionContext,
    CredentialError,
    Effect,
    Found,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.sandbox import Fault, RunningSandbox

Run = Callable[..., JsonObject]
Mails = Callable[[], list[JsonObject]]
Contexts = Callable[..., ActionContext]

MAIL = {"to": "anna@example.com", "subject": "Ihr Angebot für Köln", "body": "Guten Tag,\n\nhier ist es."}


def confirm(ctx: ActionContext, value: JsonObject = MAIL) -> JsonObject | Found:
    """What the hub asks when it does not know whether the mail left."""
    assert send_email.confirm is not None
    return send_email.confirm(ctx, value)


class TestSending:
    def test_the_mail_arrives_as_it_was_written(self, run: Run, ctx: ActionContext, mails: Mails) -> None:
        sent = run(send_email, ctx, MAIL)
        [mail] = mails()
        assert (mail["to"], mail["subject"], mail["text"]) == (MAIL["to"], MAIL["subject"], MAIL["body"])
        assert sent == {key: mail[key] for key in ("id", "thread_id", "message_id")}

    def test_everything_optional_arrives_too(self, run: Run, ctx: ActionContext, mails: Mails) -> None:
        more = {
            "html": "<p>Grüße</p>",
            "cc": ["b@example.com"],
            "bcc": ["c@example.com"],
            "reply_to": "sales@example.com",
            "from_name": "Müller, Jörg",
        }
        run(send_email, ctx, {**MAIL, **more})
        [mail] = mails()
        assert mail["from"] == '"Müller, Jörg" <sandbox-google@sandbox.example>'
        assert mail["recipients"] == ["anna@example.com", "b@example.com", "c@example.com"]
        assert (mail["html"], mail["reply_to"]) == ("<p>Grüße</p>", "sales@example.com")

    def test_only_a_sender_name_asks_for_the_own_address(
        self, ctx: ActionContext, running: RunningSandbox
    ) -> None:
        send_email(ctx, MAIL)
        assert running.sandbox.calls("users.getProfile") == []

    def test_each_account_has_its_own_mailbox(self, context: Contexts, mails: Mails) -> None:
        send_email(context(account="sandbox-a"), MAIL)
        send_email(context(account="sandbox-b"), MAIL)
        assert [mail["mailbox"] for mail in mails()] == [
            "sandbox-a@sandbox.example",
            "sandbox-b@sandbox.example",
        ]

    def test_calling_twice_sends_twice_under_one_message_id(self, ctx: ActionContext, mails: Mails) -> None:
        assert send_email(ctx, MAIL)["message_id"] == send_email(ctx, MAIL)["message_id"]
        assert len(mails()) == 2

    @pytest.mark.parametrize(
        "wrong",
        [
            {"subject": "Hi\r\nBcc: evil@example.com"},
            {"to": "a@example.com, b@example.com"},
            {"cc": ["x\n@example.com"]},
            {"body": "\0"},
            {"from_name": "x\ny"},
        ],
    )
    def test_a_refused_value_never_reaches_the_send_call(
        self, ctx: ActionContext, running: RunningSandbox, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(RejectedError):
            send_email(ctx, {**MAIL, **wrong})
        assert running.sandbox.calls("messages.send") == []


class TestBadDays:
    @pytest.mark.parametrize("seconds", [0.0, 0.05])
    def test_a_withheld_answer_leaves_the_outcome_unknown_and_one_mail(
        self, ctx: ActionContext, running: RunningSandbox, mails: Mails, seconds: float
    ) -> None:
        running.sandbox.faults.add(Fault(operation="messages.send", kind="withhold", seconds=seconds))
        with pytest.raises(UnknownOutcomeError):
            send_email(ctx, MAIL)
        assert len(mails()) == 1

    def test_a_limit_is_worth_another_try_and_nothing_was_sent(
        self, ctx: ActionContext, running: RunningSandbox, mails: Mails
    ) -> None:
        running.sandbox.faults.add(
            Fault(operation="messages.send", kind="status", status=429, retry_after_s=3)
        )
        with pytest.raises(RetryableError) as raised:
            send_email(ctx, MAIL)
        assert raised.value.retry_after_s == 3.0
        assert mails() == []

    def test_trouble_before_the_mail_leaves_may_be_repeated(
        self, ctx: ActionContext, running: RunningSandbox, mails: Mails
    ) -> None:
        running.sandbox.faults.add(Fault(operation="users.getProfile", kind="status", status=503))
        with pytest.raises(RetryableError):
            send_email(ctx, {**MAIL, "from_name": "Anna"})
        assert mails() == []

    def test_a_missing_scope_needs_a_person(
        self, ctx: ActionContext, controls: httpx2.Client, mails: Mails
    ) -> None:
        controls.post("scopes", json={"missing": ["gmail.send"]})
        with pytest.raises(CredentialError) as raised:
            send_email(ctx, MAIL)
        assert raised.value.code == "missing_scopes"
        assert mails() == []


class TestConfirming:
    def test_the_hub_asks_only_after_a_while(self) -> None:
        assert send_email.effect is Effect.ONCE
        assert send_email.confirm_after_s == 5.0

    def test_a_mail_that_was_sent_is_found_with_the_same_result(self, ctx: ActionContext) -> None:
        assert confirm(ctx) is Found.ABSENT
        sent = send_email(ctx, MAIL)
        assert confirm(ctx) == sent

    def test_a_mail_whose_answer_was_withheld_is_found(
        self, ctx: ActionContext, running: RunningSandbox, mails: Mails
    ) -> None:
        # Given a mail that Gmail sent without saying so
        running.sandbox.faults.add(Fault(operation="messages.send", kind="withhold"))
        with pytest.raises(UnknownOutcomeError):
            send_email(ctx, MAIL)
        # When the hub asks
        found = confirm(ctx)
        # Then it learns which one it is, and nothing more was sent
        [mail] = mails()
        assert isinstance(found, dict)
        assert found["id"] == mail["id"]

    def test_it_is_found_although_gmail_replaced_its_message_id(
        self, ctx: ActionContext, mails: Mails
    ) -> None:
        sent = send_email(ctx, MAIL)
        [mail] = mails()
        assert mail["assigned_message_id"].endswith("@mail.gmail.com>")
        assert confirm(ctx) == sent

    def test_where_gmail_keeps_the_message_id_one_search_is_enough(
        self, ctx: ActionContext, controls: httpx2.Client, running: RunningSandbox
    ) -> None:
        controls.post("message_ids", json={"keep": True})
        sent = send_email(ctx, MAIL)
        assert confirm(ctx) == sent
        assert running.sandbox.calls("messages.get") == []
        [search] = running.sandbox.calls("messages.list")
        assert search.query["q"] == f"rfc822msgid:{sent['message_id'].strip('<>')}"
        assert search.query["includeSpamTrash"] == "true"

    def test_mails_of_other_steps_are_no_answer(self, context: Contexts) -> None:
        send_email(context("exe_1.send"), MAIL)
        assert confirm(context("exe_2.send")) is Found.ABSENT

    def test_a_mail_of_another_account_is_no_answer(self, context: Contexts) -> None:
        send_email(context(account="sandbox-a"), MAIL)
        assert confirm(context(account="sandbox-b")) is Found.ABSENT

    @pytest.mark.parametrize("missing", ["gmail.readonly", "messages.list", "messages.get"])
    def test_an_account_that_may_not_be_read_leaves_it_unknown(
        self, ctx: ActionContext, controls: httpx2.Client, missing: str
    ) -> None:
        send_email(ctx, MAIL)
        controls.post("scopes", json={"missing": [missing]})
        assert confirm(ctx) is Found.UNKNOWN

    def test_any_other_refusal_leaves_it_unknown(self, ctx: ActionContext, running: RunningSandbox) -> None:
        running.sandbox.faults.add(Fault(operation="messages.list", kind="status", status=400))
        assert confirm(ctx) is Found.UNKNOWN

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_wait_or_an_outage_is_asked_again_later(
        self, ctx: ActionContext, running: RunningSandbox, status: int
    ) -> None:
        running.sandbox.faults.add(Fault(operation="messages.list", kind="status", status=status))
        with pytest.raises(RetryableError):
            confirm(ctx)


class TestLookingIntoAFullMailbox:
    """Three mails at a time instead of fifty, so that four are more than it looks at."""

    KEY = mail_key("exe_1.send")

    @pytest.fixture
    def fill(self, context: Contexts) -> Callable[[str], None]:
        """Sends four mails of other steps to this person."""

        def send(to: str) -> None:
            for number in range(4):
                send_email(context(f"other.{number}"), {**MAIL, "to": to})

        return send

    def test_an_older_mail_is_found_among_those_to_the_same_person(
        self, ctx: ActionContext, fill: Callable[[str], None]
    ) -> None:
        sent = send_email(ctx, MAIL)
        fill("bert@example.com")
        assert find_sent(ctx.http, self.KEY, MAIL["to"], newest=3) == sent

    def test_all_mails_to_the_person_seen_means_absent(
        self, ctx: ActionContext, fill: Callable[[str], None]
    ) -> None:
        fill("bert@example.com")
        assert find_sent(ctx.http, self.KEY, MAIL["to"], newest=3) is Found.ABSENT

    def test_too_many_to_the_same_person_leaves_it_unknown(
        self, ctx: ActionContext, fill: Callable[[str], None]
    ) -> None:
        send_email(ctx, MAIL)
        fill(MAIL["to"])
        assert find_sent(ctx.http, self.KEY, MAIL["to"], newest=3) is Found.UNKNOWN
