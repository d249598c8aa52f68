"""The names a mail and a meeting carry so that they can be recognized: derived from the idempotency key.

The same key always gives the same names; nothing of the key can be read back from them.
"""

import base64
import hashlib

MESSAGE_ID_DOMAIN = "revolution-hub.invalid"


def mail_key(idempotency_key: str) -> str:
    """Return 32 hexadecimal digits that mark one mail."""
    return _digest("mail", idempotency_key).hex()[:32]


def message_id(key: str) -> str:
    """Return the Message-ID of the mail with this `mail_key`, angle brackets included (RFC 5322 §3.6.4)."""
    return f"<{key}@{MESSAGE_ID_DOMAIN}>"


def event_id(idempotency_key: str) -> str:
    """Return a Calendar event id: 52 characters of base32hex in lower case.

    Calendar allows a to v and 0 to 9, 5 to 1,024 characters, and answers 409 to a second insert of the same.
    Source: Calendar discovery document, `Event.id`, revision 20261030.
    """
    return base64.b32hexencode(_digest("event", idempotency_key)).decode().rstrip("=").lower()


def _digest(purpose: str, idempotency_key: str) -> bytes:
    return hashlib.sha256(f"revolution-google/{purpose}\0{idempotency_key}".encode()).digest()
