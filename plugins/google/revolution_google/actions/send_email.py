"""`google.send_email`: one mail through Gmail, and how to find out whether it left."""

from collections.abc import Sequence

import httpx2

from revolution_google import client
from revolution_google.auth import GMAIL_SEND
from revolution_google.declaration import google
from revolution_google.keys import mail_key, message_id
from revolution_google.mime import KEY_HEADER, compose
from revolution_google.texts import LONGEST_ADDRESS
from revolution_sdk import ActionContext, CredentialError, Effect, Found, JsonObject, RejectedError
from revolution_sdk.schema import array, object_, string

LONGEST_TEXT = 200_000
MOST_COPIES = 50
# A user may send 150 mails a minute, so the newest 50 reach back 20 seconds or more: a search has caught up.
# Source: Gmail "Usage limits": 15,000 units a minute, 100 for each `messages.send`; read 2026-11-22.
NEWEST_LOOKED_AT = 50
CONFIRM_AFTER_S = 5.0


def _address(describe: str) -> JsonObject:
    return string(format="email", min_length=3, max_length=LONGEST_ADDRESS, describe=describe)


INPUT = object_(
    optional=("html", "cc", "bcc", "reply_to", "from_name"),
    to=_address("Who gets the mail: one plain address"),
    subject=string(min_length=1, max_length=998, describe="Subject, one line"),
    body=string(min_length=1, max_length=LONGEST_TEXT, describe="The mail as plain text"),
    html=string(
        min_length=1, max_length=LONGEST_TEXT, describe="The same mail as HTML, shown instead of the text"
    ),
    cc=array(_address("Address"), max_items=MOST_COPIES, describe="Who gets a copy, visible to all"),
    bcc=array(_address("Address"), max_items=MOST_COPIES, describe="Who gets a copy, visible to nobody"),
    reply_to=_address("Where answers go; the account itself if left out"),
    from_name=string(
        min_length=1, max_length=64, describe="Name shown as sender; the account's own if left out"
    ),
)

OUTPUT = object_(
    id=string(describe="Gmail's id of the mail"),
    thread_id=string(describe="Gmail's id of the conversation"),
    message_id=string(
        describe="The Message-ID the mail was handed over with. Gmail usually puts its own in its place"
    ),
)


def confirm_sent(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look in the account's sent mails for the one with this idempotency key.

    UNKNOWN if the account may not be read (it needs `gmail.readonly`) or holds too many mails to the same
    person to look at all. A wait or an outage of Google's leaves as RetryableError: ask again later.
    """
    try:
        return find_sent(ctx.http, mail_key(ctx.idempotency_key), value["to"])
    except (CredentialError, RejectedError):
        return Found.UNKNOWN


@google.action(
    title="Send an e-mail",
    input=INPUT,
    output=OUTPUT,
    effect=Effect.ONCE,
    scopes=(GMAIL_SEND,),
    confirm=confirm_sent,
    confirm_after_s=CONFIRM_AFTER_S,
)
def send_email(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send one e-mail from the connected Gmail account, as plain text and optionally as HTML.

    Use it for a mail that should leave now; it makes no draft. Calling it twice sends two mails.
    """
    key = mail_key(ctx.idempotency_key)
    sender = client.own_address(ctx.http) if value.get("from_name") else ""
    raw = compose(value, key=key, sent_at=ctx.now(), sender=sender)
    return _result(client.send_message(ctx.http, raw), key)


def find_sent(
    http: httpx2.Client, key: str, to: str, *, newest: int = NEWEST_LOOKED_AT
) -> JsonObject | Found:
    """Search by Message-ID, then read the key of the newest sent mails, then of those to the same person.

    Gmail replaces the Message-ID of most mails sent through its API, so not finding it says nothing; the
    key in a header of our own stays. The newest are listed by label, which does not lag like a search.
    Source: FlowCrypt/flowcrypt-browser#4273, gauteh/lieer#198 and other published trials up to September
    2026, read 2026-11-22; Google documents neither.
    """
    named = client.list_messages(http, limit=1, query=f"rfc822msgid:{message_id(key).strip('<>')}")
    if named.messages:
        return _result(named.messages[0], key)
    latest = client.list_messages(http, limit=newest, label="SENT")
    found = _carrying(http, key, latest.messages)
    if found is None and not latest.complete:
        theirs = client.list_messages(http, limit=newest, label="SENT", query=f"to:{to}")
        found = _carrying(http, key, [one for one in theirs.messages if one not in latest.messages])
        if found is None and not theirs.complete:
            return Found.UNKNOWN
    return Found.ABSENT if found is None else _result(found, key)


def _carrying(http: httpx2.Client, key: str, messages: Sequence[JsonObject]) -> JsonObject | None:
    return next((one for one in messages if client.message_header(http, one["id"], KEY_HEADER) == key), None)


def _result(message: JsonObject, key: str) -> JsonObject:
    return {"id": message["id"], "thread_id": message["threadId"], "message_id": message_id(key)}
