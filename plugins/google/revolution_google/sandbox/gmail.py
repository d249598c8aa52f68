"""Gmail in the sandbox: profile, send, list and get, for the account of the token."""

import base64
import secrets
import time

from revolution_google.sandbox.message import parse_raw, part, recipients
from revolution_google.sandbox.state import Account, Mail, World
from revolution_google.sandbox.wire import Refused, answering
from revolution_sdk import JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

BASE = "/gmail/v1/users/{userId}"
FORMATS = ("minimal", "full", "raw", "metadata")
MOST_RESULTS = 500


def add_gmail(box: Sandbox, world: World) -> None:
    """Serve Gmail's operations."""

    @box.operation("GET", f"{BASE}/profile", "users.getProfile")
    def get_profile(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _profile(_owner(world, call)))

    @box.operation("POST", f"{BASE}/messages/send", "messages.send")
    def send(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _send(world, _owner(world, call), call))

    @box.operation("GET", f"{BASE}/messages", "messages.list")
    def list_messages(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _list(_owner(world, call), call))

    @box.operation("GET", f"{BASE}/messages/{{id}}", "messages.get")
    def get_message(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _get(_owner(world, call), call))


def _owner(world: World, call: Call) -> Account:
    account = world.caller(call)
    if call.params["userId"] not in ("me", account.address):
        raise Refused(403, f"Delegation denied for {account.address}", "forbidden")
    return account


def _profile(account: Account) -> JsonObject:
    total = len(account.mails)
    return {
        "emailAddress": account.address,
        "messagesTotal": total,
        "threadsTotal": len({mail.thread_id for mail in account.mails}),
        "historyId": str(1000 + total),
    }


def _send(world: World, account: Account, call: Call) -> JsonObject:
    body = call.json()
    raw = body.get("raw") if isinstance(body, dict) else None
    if not isinstance(raw, str) or not raw:
        raise Refused(400, "'raw' RFC822 payload message string required", "invalidArgument")
    message = parse_raw(raw)
    identity = secrets.token_hex(8)
    thread = str(body.get("threadId", identity))
    if thread != identity and thread not in {mail.thread_id for mail in account.mails}:
        raise Refused(404)
    given = str(message.get("Message-ID", ""))
    if not given or not world.keeps_message_ids:
        # Gmail gives what is sent through its API a Message-ID of its own, whatever the mail brought.
        del message["Message-ID"]
        message["Message-ID"] = f"<CA{secrets.token_urlsafe(24)}@mail.gmail.com>"
    if "From" not in message:
        message["From"] = account.address
    sent_ms = time.time_ns() // 1_000_000
    mail = Mail(id=identity, thread_id=thread, message=message, given_id=given, sent_ms=sent_ms)
    account.mails.append(mail)
    return {"id": mail.id, "threadId": mail.thread_id, "labelIds": ["SENT"]}


def _snippet(mail: Mail) -> str:
    body = mail.message.get_body(("plain",))
    return " ".join(str(body.get_content()).split())[:200] if body is not None else ""


def _list(account: Account, call: Call) -> JsonObject:
    limit, offset = _whole(call, "maxResults", 100), _whole(call, "pageToken", 0)
    if not 1 <= limit <= MOST_RESULTS:
        raise Refused(400, "Invalid value for maxResults", "invalidArgument")
    terms = _terms(call.query.get("q", ""))
    label = call.query.get("labelIds", "")
    listed_first = reversed(account.mails)
    found = [mail for mail in listed_first if label in ("", mail.label) and _matches(mail, terms)]
    page = found[offset : offset + limit]
    # Like Gmail, an empty result has no `messages` at all.
    named = [{"id": one.id, "threadId": one.thread_id} for one in page]
    listed: JsonObject = {"messages": named} if named else {}
    more = {"nextPageToken": str(offset + limit)} if len(found) > offset + limit else {}
    return {**listed, **more, "resultSizeEstimate": len(found)}


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise Refused(400, f"Invalid value for {name}", "invalidArgument")
    return int(text)


def _terms(query: str) -> list[tuple[str, str]]:
    terms = [(name, value) for name, _, value in (term.partition(":") for term in query.split())]
    unknown = [name for name, _ in terms if name not in ("rfc822msgid", "to", "in", "after")]
    if unknown:
        raise Refused(400, f"The sandbox cannot search for {unknown[0]!r}", "invalidArgument")
    return terms


def _matches(mail: Mail, terms: list[tuple[str, str]]) -> bool:
    if any(mail.sent_ms < int(value) * 1000 for name, value in terms if name == "after"):
        return False
    facts = {
        "rfc822msgid": {str(mail.message["Message-ID"]).strip("<>")},
        "to": {one.lower() for one in recipients(mail.message)},
        "in": {mail.label, "anywhere"},
    }
    return all(
        value.strip("<>").lower() in {one.lower() for one in facts[name]}
        for name, value in terms
        if name != "after"
    )


def _get(account: Account, call: Call) -> JsonObject:
    wanted = call.query.get("format", "full")
    if wanted not in FORMATS:
        raise Refused(400, "Invalid value for format", "invalidArgument")
    mail = next((one for one in account.mails if one.id == call.params["id"]), None)
    if mail is None:
        raise Refused(404)
    raw = mail.message.as_bytes()
    plain: JsonObject = {
        "id": mail.id,
        "threadId": mail.thread_id,
        "labelIds": [mail.label],
        "internalDate": str(mail.sent_ms),
        "snippet": _snippet(mail),
        "sizeEstimate": len(raw),
    }
    if wanted == "raw":
        return {**plain, "raw": base64.urlsafe_b64encode(raw).decode()}
    if wanted == "minimal":
        return plain
    if wanted == "metadata":
        only = call.query.get("metadataHeaders", "")
        return {**plain, "payload": part(mail.message, body=False, only=only)}
    return {**plain, "payload": part(mail.message, body=True)}
