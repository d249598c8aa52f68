"""Texts, reactions, ticks, and the 24 hours."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk import ActionContext, CredentialError, RejectedError
from revolution_sdk.errors import UnknownOutcomeError
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_whatsapp.actions.messages import mark_read, send_message, send_reaction
from revolution_whatsapp.connector import whatsapp

Control = Callable[..., Any]


def valid(action: str, output: Any) -> Any:
    """The output, once it was held against the action's schema."""
    Draft202012Validator(whatsapp.actions[action].output).validate(output)
    return output


def test_a_text_arrives_as_whatsapp_wants_it(ctx: ActionContext, control: Control, wrote: str) -> None:
    made = valid("send_message", send_message(ctx, {"to": f"+{wrote[:4]} {wrote[4:]}", "text": "Hi"}))
    (message,) = control("messages")
    assert (made["id"], made["recipient"], made["reference"]) == (message["id"], wrote, "exe_test.step")
    assert message["phone_number_id"] == "106540352242922"
    assert message["body"] == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": wrote,
        "type": "text",
        "text": {"body": "Hi", "preview_url": False},
        "biz_opaque_callback_data": "exe_test.step",
    }


def test_a_person_without_a_visible_number_is_reached_by_user_id(
    ctx: ActionContext, control: Control
) -> None:
    control("incoming", **{"from": "US.13491208655302741918"})
    made = send_message(ctx, {"to": "US.13491208655302741918", "text": "Hi", "reply_to": "wamid.A"})
    assert (made["recipient"], made["user_id"]) == (None, "US.13491208655302741918")
    body = control("messages")[0]["body"]
    assert (body["recipient"], body["context"]) == ("US.13491208655302741918", {"message_id": "wamid.A"})
    assert "to" not in body


def test_every_number_sends_for_itself(new_context: Any, control: Control) -> None:
    for number in ("106540352242922", "106540352242923"):
        control("incoming", **{"from": "16505551234", "phone_number_id": number})
        send_message(new_context(number), {"to": "16505551234", "text": "Hi"})
    assert [one["phone_number_id"] for one in control("messages")] == ["106540352242922", "106540352242923"]


def test_a_window_of_one_number_is_none_of_another(new_context: Any, wrote: str) -> None:
    with pytest.raises(RejectedError) as caught:
        send_message(new_context("106540352242923"), {"to": wrote, "text": "Hi"})
    assert caught.value.code == "window_closed"


def test_after_24_hours_the_step_says_what_to_do_instead(
    ctx: ActionContext, control: Control, wrote: str
) -> None:
    control("window", seconds=24 * 3600)
    with pytest.raises(RejectedError) as caught:
        send_message(ctx, {"to": wrote, "text": "Hi"})
    assert caught.value.code == "window_closed"
    assert "24 hours" in caught.value.message
    assert "send_template" in caught.value.message
    assert caught.value.details["provider_code"] == 131047
    assert control("messages") == []


@pytest.mark.parametrize(
    ("age", "is_open"),
    [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False), (timedelta(days=30), False)],
)
def test_a_window_known_to_be_closed_costs_no_call(
    new_context: Any, running: RunningSandbox, wrote: str, age: timedelta, is_open: bool
) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    value = {"to": wrote, "text": "Hi", "last_received_at": (now - age).isoformat().replace("+00:00", "Z")}
    ctx = new_context(now=lambda: now)
    if is_open:
        send_message(ctx, value)
    else:
        with pytest.raises(RejectedError) as caught:
            send_message(ctx, value)
        assert caught.value.code == "window_closed"
    assert len(running.sandbox.calls("send_message")) == is_open


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22T08:00:00", ""])
def test_a_moment_that_is_none_is_refused_with_its_field(ctx: ActionContext, text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        send_message(ctx, {"to": "16505551234", "text": "Hi", "last_received_at": text})
    assert caught.value.details == {"field": "last_received_at"}


def test_a_reaction_and_taking_it_back(ctx: ActionContext, control: Control, wrote: str) -> None:
    for emoji in ("👍", ""):
        valid("send_reaction", send_reaction(ctx, {"to": wrote, "message_id": "wamid.A", "emoji": emoji}))
    assert [one["body"]["reaction"]["emoji"] for one in control("messages")] == ["👍", ""]


@pytest.mark.parametrize("typing", [False, True])
def test_a_message_is_shown_as_read_however_often(ctx: ActionContext, control: Control, typing: bool) -> None:
    for _ in range(2):
        output = valid("mark_read", mark_read(ctx, {"message_id": "wamid.A", "typing": typing}))
        assert output == {"message_id": "wamid.A", "read": True}
    assert control("read") == ["wamid.A", "wamid.A"]


def test_an_answer_that_is_withheld_leaves_the_outcome_open(
    ctx: ActionContext, control: Control, running: RunningSandbox, wrote: str
) -> None:
    running.sandbox.faults.add(Fault(operation="send_message", kind="withhold", status=503))
    with pytest.raises(UnknownOutcomeError):
        send_message(ctx, {"to": wrote, "text": "Hi"})
    # It was sent, and its statuses will name the step.
    assert [one["body"]["biz_opaque_callback_data"] for one in control("messages")] == ["exe_test.step"]


def test_a_revoked_token_asks_for_a_new_one(ctx: ActionContext, control: Control, wrote: str) -> None:
    control("tokens/revoke")
    with pytest.raises(CredentialError):
        send_message(ctx, {"to": wrote, "text": "Hi"})


def test_a_connection_that_names_no_number_cannot_send(new_context: Any) -> None:
    with pytest.raises(CredentialError) as caught:
        send_message(new_context(account={}), {"to": "16505551234", "text": "Hi"})
    assert caught.value.code == "account_missing"


@pytest.mark.parametrize(
    ("to", "fits"),
    [
        ("16505551234", True),
        ("+49 (171) 123-45.67", True),
        ("US.13491208655302741918", True),
        ("", False),
        ("Ada", False),
        ("+", False),
        ("12", False),
        ("0049\n171", False),
        ("US.", False),
        ("1650555123412345678901234567890123456", False),
    ],
)
def test_who_gets_it_is_checked_before_anything_is_sent(to: str, fits: bool) -> None:
    schema = whatsapp.actions["send_message"].input
    assert Draft202012Validator(schema).is_valid({"to": to, "text": "Hi"}) is fits
