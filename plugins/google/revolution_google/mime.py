"""Composing one mail as bytes with the standard library. Pure; what it returns is what leaves."""

from datetime import datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from revolution_google import texts
from revolution_google.keys import message_id
from revolution_sdk import JsonObject, RejectedError

KEY_HEADER = "X-Revolution-Key"
"""Carries the mail's key beside its Message-ID, because Gmail replaces the Message-ID of what it sends."""

ADDRESS_HEADERS = ("From", "To", "Cc", "Bcc", "Reply-To")

# Seven-bit: every relay on the way leaves such a mail alone.
POLICY = SMTP.clone(cte_type="7bit")


def compose(value: JsonObject, *, key: str, sent_at: datetime, sender: str = "") -> bytes:
    """Return the RFC 5322 message for an input of `send_email`, lines ended by CRLF.

    Without `sender` there is no From header and Gmail writes the account's own. Raises RejectedError
    for any value that is no address, no header text, or would read back as something else.
    """
    mail = EmailMessage(policy=POLICY)
    if sender:
        name = texts.header(value.get("from_name", ""), "from_name")
        mail["From"] = _named(name, texts.address(sender, "sender"))
    mail["To"] = _named("", texts.address(value["to"], "to"))
    for field in ("cc", "bcc"):
        if value.get(field):
            mail[field.capitalize()] = [_named("", texts.address(one, field)) for one in value[field]]
    if value.get("reply_to"):
        mail["Reply-To"] = _named("", texts.address(value["reply_to"], "reply_to"))
    mail["Subject"] = texts.header(value["subject"], "subject")
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = message_id(key)
    mail[KEY_HEADER] = key
    mail.set_content(texts.body(value["body"], "body"))
    if value.get("html"):
        mail.add_alternative(texts.body(value["html"], "html"), subtype="html")
    raw = mail.as_bytes()
    _require_same_reading(mail, message_from_bytes(raw, policy=POLICY))
    return raw


def _named(name: str, address: str) -> Address:
    local, _, host = address.partition("@")
    return Address(display_name=name, username=local, domain=host)


def _require_same_reading(meant: EmailMessage, read: EmailMessage) -> None:
    """Refuse a mail whose folded headers would be read as other headers or other people.

    The library has folded long names with commas into several addresses, and it may do so again.
    """
    if read.keys() != meant.keys() or _people(read) != _people(meant):
        raise RejectedError("the mail would be read differently from what was meant", code="invalid_header")


def _people(mail: EmailMessage) -> list[tuple[str, list[str]]]:
    present = [name for name in ADDRESS_HEADERS if name in mail]
    return [(name, [one.addr_spec for one in mail[name].addresses]) for name in present]
