"""`google.mail.received`: mails that arrive, found by looking at the inbox.

Gmail pushes only to a Google Cloud topic of the app's own, which most who connect an account do not have.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.policy import SMTP

from revolution_google import client
from revolution_google.auth import GMAIL_READONLY
from revolution_google.declaration import google
from revolution_sdk import ActionContext, Cursor, JsonObject, Polled
from revolution_sdk.schema import array, nullable, object_, string

INBOX = "INBOX"
OVERLAP = timedelta(minutes=2)
MOST_MAILS = 250
"""So many mails are read in one look, each with a request of its own; a fuller inbox takes several looks."""
LARGEST_LIST = 500
MOST_LISTS = 20

DATA = object_(
    id=string(describe="Gmail's id of the mail"),
    thread_id=string(describe="Gmail's id of the conversation"),
    message_id=nullable(string(describe="The Message-ID header")),
    sender=string(describe="The From header as it is written"),
    sender_address=string(describe="The address in it, empty if it has none"),
    sender_name=nullable(string(describe="The name in it")),
    to=array(string(), describe="The addresses in To"),
    cc=array(string(), describe="The addresses in Cc"),
    subject=string(describe="The subject, empty if there is none"),
    snippet=string(describe="The beginning of the text"),
    received_at=string(format="date-time", describe="When Gmail took it in, UTC"),
)


def canonical(data: JsonObject) -> JsonObject:
    """Return the members of `email.received`."""
    return {
        "id": data["id"],
        "from_address": data["sender_address"],
        "from_name": data["sender_name"],
        "to": data["to"],
        "cc": data["cc"],
        "subject": data["subject"],
        "text": data["snippet"],
        "thread_id": data["thread_id"],
        "occurred_at": data["received_at"],
    }


mail_received = google.event(
    "mail.received", title="Mail received", data=DATA, canonical="email.received", map=canonical
)


@google.poll(
    mail_received,
    every=timedelta(minutes=1),
    overlap=OVERLAP,
    cursor=string(format="date-time", describe="When the newest mail so far was received"),
    id="id",
    at="received_at",
    scopes=(GMAIL_READONLY,),
    timeout_s=120,
)
def poll_mails(ctx: ActionContext, cursor: Cursor) -> Polled:
    """Look for mails that have arrived in the inbox since the last look."""
    if cursor.first:
        return Polled(cursor=_written(ctx.now()))
    since = cursor.since()
    ids = client.inbox_since(ctx.http, since, limit=LARGEST_LIST, most_lists=MOST_LISTS)
    # Gmail lists the newest first, and what came first is to be reported first.
    read = [_mail(client.message_headers(ctx.http, one)) for one in reversed(ids[-MOST_MAILS:])]
    mails = sorted(read, key=lambda mail: str(mail["received_at"]))
    if len(ids) > MOST_MAILS:
        # There are others behind the last one that was read: the next look begins right there.
        last = datetime.fromisoformat(str(mails[-1]["received_at"])) + cursor.overlap
        return Polled(items=mails, cursor=_written(last), more=True)
    newest = max(
        [str(cursor.value), *(str(mail["received_at"]) for mail in mails)], key=datetime.fromisoformat
    )
    return Polled(items=mails, cursor=newest)


def _mail(message: JsonObject) -> JsonObject:
    headers = client.headers_of(message)
    sender = _addresses(headers, "From")
    return {
        "id": message["id"],
        "thread_id": message["threadId"],
        "message_id": headers.get("message-id"),
        "sender": headers.get("from", ""),
        "sender_address": sender[0].addr_spec if sender else "",
        "sender_name": (sender[0].display_name or None) if sender else None,
        "to": [one.addr_spec for one in _addresses(headers, "To")],
        "cc": [one.addr_spec for one in _addresses(headers, "Cc")],
        "subject": headers.get("subject", ""),
        "snippet": str(message.get("snippet", "")),
        "received_at": _written(datetime.fromtimestamp(int(message["internalDate"]) / 1000, UTC)),
    }


def _addresses(headers: Mapping[str, str], name: str) -> tuple[Address, ...]:
    """Return the addresses of a header; what cannot be read as such has none."""
    text = headers.get(name.lower(), "")
    try:
        return tuple(one for one in SMTP.header_factory(name, text).addresses if one.addr_spec != "<>")
    except (ValueError, IndexError, AttributeError):
        return ()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
