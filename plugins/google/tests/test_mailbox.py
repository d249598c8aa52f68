"""Mails that arrive: found once each, in their order, and not from before the first look."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from revolution_google.connector import google, poll_mails
from revolution_google.mailbox import LARGEST_LIST, MOST_MAILS, OVERLAP, canonical
from revolution_sdk import ActionContext, CredentialError, Cursor, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_sdk.testing import check_poll

Receive = Callable[..., None]
T0 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LAST = Cursor(value="2026-11-23T08:00:00.000Z", overlap=OVERLAP)


@pytest.fixture
def receive(controls: httpx2.Client) -> Receive:
    """Lets a mail arrive, so many seconds after eight o'clock."""

    def put(after_s: float = 0, **more: Any) -> None:
        received_ms = int((T0 + timedelta(seconds=after_s)).timestamp() * 1000)
        body = {"from": "Ada <ada@example.com>", "received_ms": received_ms, **more}
        assert controls.post("mails/receive", json=body).status_code == 204

    return put


def test_the_poll_keeps_its_word(ctx: ActionContext, receive: Receive) -> None:
    moments = iter(range(10, 1_000, 10))
    # Mails arrive after the first look, which takes the time of the context for the beginning.
    found = check_poll(google, poll_mails, ctx, lambda: receive(next(moments), subject="Hi"))
    assert len(found) == 3


def test_what_was_there_before_is_not_reported(ctx: ActionContext, receive: Receive) -> None:
    receive(subject="Old")
    first = poll_mails(ctx, Cursor())
    assert (first.items, first.more) == ((), False)
    assert datetime.fromisoformat(first.cursor) == ctx.now()


def test_a_mail_is_reported_as_it_was_written(ctx: ActionContext, receive: Receive) -> None:
    receive(5, subject="Grüße", text="Zeile eins\nZeile zwei", to="me@example.com, Bob <bob@example.com>")
    polled = poll_mails(ctx, LAST)
    (mail,) = polled.items
    assert mail["sender_address"] == "ada@example.com"
    assert (mail["sender_name"], mail["to"]) == ("Ada", ["me@example.com", "bob@example.com"])
    assert (mail["subject"], mail["snippet"]) == ("Grüße", "Zeile eins Zeile zwei")
    assert mail["received_at"] == polled.cursor == "2026-11-23T08:00:05.000Z"
    assert canonical(mail)["from_address"] == "ada@example.com"


def test_mails_come_in_the_order_of_their_arrival(ctx: ActionContext, receive: Receive) -> None:
    for at in (30, 10, 20, -60, -300):
        receive(at, subject=str(at))
    polled = poll_mails(ctx, LAST)
    # A mail of a minute before is looked at again, one of five minutes before is not.
    assert [mail["subject"] for mail in polled.items] == ["-60", "10", "20", "30"]


def test_a_full_inbox_takes_several_looks_and_none_is_left_out(ctx: ActionContext, receive: Receive) -> None:
    count = LARGEST_LIST + 5
    for at in range(count):
        receive(at / 10, subject=str(at))
    cursor, seen, looks = LAST, dict[str, str](), 0
    while True:
        polled = poll_mails(ctx, cursor)
        seen |= {str(mail["id"]): str(mail["subject"]) for mail in polled.items}
        cursor, looks = Cursor(value=polled.cursor, overlap=OVERLAP), looks + 1
        if not polled.more:
            break
        assert len(polled.items) == MOST_MAILS
    assert looks == 3
    assert set(seen.values()) == {str(at) for at in range(count)}


@pytest.mark.parametrize("sender", ["", "nobody", "<>", "a@b@c", '"x" <ada@example.com'])
def test_a_sender_that_cannot_be_read_is_reported_all_the_same(
    sender: str, ctx: ActionContext, receive: Receive
) -> None:
    receive(1, **{"from": sender})
    (mail,) = poll_mails(ctx, LAST).items
    assert isinstance(mail["sender_address"], str)


def test_trouble_at_google_is_told_as_anywhere(
    ctx: ActionContext, running: RunningSandbox, receive: Receive, controls: httpx2.Client
) -> None:
    running.sandbox.faults.add(Fault(operation="messages.list", kind="status", status=429))
    with pytest.raises(RetryableError):
        poll_mails(ctx, LAST)
    controls.post("scopes", json={"missing": ["gmail.readonly"]})
    with pytest.raises(CredentialError):
        poll_mails(ctx, LAST)
