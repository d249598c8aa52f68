"""Mails as the Gmail sandbox reads them from `raw` and shows them in `messages.get`."""

import base64
import re
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP

from revolution_google.sandbox.wire import Refused
from revolution_google.texts import address as plain_address
from revolution_sdk import JsonObject, RejectedError

BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}\Z")
RECIPIENT_HEADERS = ("To", "Cc", "Bcc")


def parse_raw(raw: str) -> EmailMessage:
    """Read the `raw` of a send request, or refuse what Gmail would not send."""
    message = message_from_bytes(_decoded(raw), policy=SMTP)
    people = recipients(message)
    if not people:
        raise Refused(400, "Recipient address required", "invalidArgument")
    for one in people:
        try:
            plain_address(one, "to")
        except RejectedError as error:
            raise Refused(400, "Invalid To header", "invalidArgument") from error
    if any(part.defects for part in message.walk()):
        raise Refused(400, "The message is not a valid RFC 2822 message", "invalidArgument")
    return message


def recipients(message: EmailMessage) -> list[str]:
    """Return the plain addresses in To, Cc and Bcc, in this order."""
    headers = [header for name in RECIPIENT_HEADERS for header in message.get_all(name, [])]
    return [one.addr_spec for header in headers for one in header.addresses]


def part(message: MIMEPart, *, body: bool, only: str = "", number: str = "") -> JsonObject:
    """Return a message as Gmail's `MessagePart`, with or without content, with all headers or only one."""
    described: JsonObject = {
        "partId": number,
        "mimeType": message.get_content_type(),
        "filename": message.get_filename() or "",
        "headers": [
            {"name": name, "value": str(value)}
            for name, value in message.items()
            if only.lower() in ("", name.lower())
        ],
    }
    if not body:
        return described
    if message.is_multipart():
        dot = f"{number}." if number else ""
        inner = [part(one, body=True, number=f"{dot}{i}") for i, one in enumerate(message.iter_parts())]
        return {**described, "body": {"size": 0}, "parts": inner}
    content = message.get_payload(decode=True)
    data = content if isinstance(content, bytes) else b""
    return {**described, "body": {"size": len(data), "data": base64.urlsafe_b64encode(data).decode()}}


def _decoded(raw: str) -> bytes:
    stripped = raw.rstrip("=")
    if not BASE64URL.match(raw) or len(stripped) % 4 == 1:
        raise Refused(
            400, "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed", "badRequest"
        )
    return base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
