"""What a test or a demo may do to the Google sandbox from outside, under `/_sandbox/`."""

import secrets
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from revolution_google import timing
from revolution_google.sandbox.message import recipients
from revolution_google.sandbox.state import DEFAULT_ACCOUNT, Account, CalendarBook, Mail, World
from revolution_sdk import JsonObject, RejectedError
from revolution_sdk.sandbox import Answer, Call, Sandbox


def add_controls(box: Sandbox, world: World) -> None:
    """Serve `GET mails` and `meetings`, and `POST mails/receive`, `busy` and what else changes it."""

    @box.control("GET", "mails")
    def list_mails(call: Call) -> Answer:
        with world.lock:
            accounts = _accounts(world, call)
            return Answer(
                body=[
                    _mail(account, mail)
                    for account in accounts
                    for mail in account.mails
                    if mail.label == "SENT"
                ]
            )

    @box.control("GET", "meetings")
    def list_meetings(call: Call) -> Answer:
        with world.lock:
            accounts = _accounts(world, call)
            return Answer(body=[meeting for account in accounts for meeting in _meetings(account)])

    @box.control("POST", "busy")
    def seed_busy(call: Call) -> Answer:
        return _changed(world, lambda: _seed_busy(world, call.json()))

    @box.control("POST", "scopes")
    def withhold_scopes(call: Call) -> Answer:
        return _changed(world, lambda: world.withhold(call.json()["missing"]))

    @box.control("POST", "tokens/expire")
    def expire_tokens(call: Call) -> Answer:
        return _changed(world, world.tokens.expire_all)

    @box.control("POST", "mails/receive")
    def receive_mail(call: Call) -> Answer:
        return _changed(world, lambda: _receive(world, call.json()))

    @box.control("POST", "message_ids")
    def keep_message_ids(call: Call) -> Answer:
        def change() -> None:
            world.keeps_message_ids = bool(call.json()["keep"])

        return _changed(world, change)


def _changed(world: World, change: Callable[[], None]) -> Answer:
    try:
        with world.lock:
            change()
    except (ValueError, TypeError, KeyError, RejectedError) as error:
        return Answer(status=422, body={"error": f"{type(error).__name__}: {error}"})
    return Answer(status=204)


def _accounts(world: World, call: Call) -> list[Account]:
    wanted = call.query.get("account", "")
    return [one for one in world.accounts.values() if wanted in ("", one.name)]


def _seed_busy(world: World, body: JsonObject) -> None:
    periods = timing.busy_periods(body["busy"])
    account = world.account(body.get("account", DEFAULT_ACCOUNT))
    calendar = account.calendars.setdefault(body.get("calendar", "primary"), CalendarBook())
    calendar.busy.extend(periods)


def _receive(world: World, body: JsonObject) -> None:
    account = world.account(body.get("account", DEFAULT_ACCOUNT))
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = str(body["from"]), str(body.get("to", account.address))
    message["Subject"] = str(body.get("subject", ""))
    message["Message-ID"] = f"<{secrets.token_hex(12)}@mail.example>"
    message.set_content(str(body.get("text", "")))
    identity = secrets.token_hex(8)
    received_ms = int(body.get("received_ms", time.time_ns() // 1_000_000))
    mail = Mail(
        id=identity, thread_id=identity, message=message, given_id="", sent_ms=received_ms, label="INBOX"
    )
    account.mails.append(mail)


def _mail(account: Account, mail: Mail) -> JsonObject:
    message = mail.message
    return {
        "mailbox": account.address,
        "id": mail.id,
        "thread_id": mail.thread_id,
        "from": str(message["From"]),
        "to": str(message.get("To", "")),
        "recipients": recipients(message),
        "reply_to": str(message.get("Reply-To", "")),
        "subject": str(message.get("Subject", "")),
        "text": _content(message, "plain"),
        "html": _content(message, "html"),
        "message_id": mail.given_id,
        "assigned_message_id": str(message["Message-ID"]),
    }


def _content(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n").rstrip("\n")


def _meetings(account: Account) -> list[JsonObject]:
    return [
        {
            "mailbox": account.address,
            "calendar": name,
            "id": event["id"],
            "summary": event.get("summary", ""),
            "description": event.get("description", ""),
            "start": event["start"].get("dateTime") or event["start"]["date"],
            "end": event["end"].get("dateTime") or event["end"]["date"],
            "attendees": [one["email"] for one in event["attendees"]],
            "status": event["status"],
            "send_updates": calendar.send_updates[event["id"]],
        }
        for name, calendar in account.calendars.items()
        for event in calendar.events.values()
    ]
