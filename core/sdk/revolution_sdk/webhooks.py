"""Signature helpers for `verify` functions. All compare in constant time and work on raw bytes."""

import base64
import hmac
import json
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from revolution_sdk.context import Delivery
from revolution_sdk.errors import DeliveryError
from revolution_sdk.secret import Secret

TOLERANCE_S = 300.0
MOST_SIGNATURES = 10
LONGEST_QUERY = 4000


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256."""
    return hmac.digest(key, message, "sha256")


def hmac_sha256_base64(key: bytes, message: bytes) -> str:
    """Return HMAC-SHA256 as standard base64 with padding."""
    return base64.b64encode(hmac_sha256(key, message)).decode()


def hmac_sha256_hex(key: bytes, message: bytes) -> str:
    """Return HMAC-SHA256 as lower-case hexadecimal."""
    return hmac_sha256(key, message).hex()


def require_match(given: str | None, expected: str) -> None:
    """Raise DeliveryError unless both texts are equal, in a time that does not tell where they differ."""
    if not given or not hmac.compare_digest(given.encode(), expected.encode()):
        raise DeliveryError("the signature does not match")


def require_fresh(sent_s: float, received_at: datetime, *, tolerance_s: float = TOLERANCE_S) -> None:
    """Raise DeliveryError if the moment of sending (epoch seconds) is further than `tolerance_s` away.

    Moments in the future are refused as well: a captured delivery could otherwise be kept for later.
    """
    if not abs(received_at.timestamp() - sent_s) <= tolerance_s:
        raise DeliveryError("the delivery is too old or dated in the future", code="stale")


def require_number(text: str | None, what: str) -> float:
    """Read a header that must hold a plain whole number; raise DeliveryError otherwise."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise DeliveryError(f"the {what} is missing or not a number")
    return float(text)


def sign_standard(secret: Secret, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Sign like a Standard Webhooks sender: `v1,<base64>` over `id.timestamp.body`.

    Source: Standard Webhooks specification 1.0, "Signature scheme", read 2026-11-22.
    """
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + hmac_sha256_base64(_standard_key(secret), signed)


def verify_standard(delivery: Delivery, secret: Secret) -> str:
    """Check a Standard Webhooks delivery and return its `webhook-id`, which is the dedup key.

    Accepts several space-separated signatures (key rotation), at most ten. Raises DeliveryError.
    """
    message_id = delivery.headers.get("webhook-id", "")
    timestamp = delivery.headers.get("webhook-timestamp")
    given = delivery.headers.get("webhook-signature", "").split()
    if not message_id or not given or len(given) > MOST_SIGNATURES:
        raise DeliveryError("the delivery is not signed")
    sent_s = require_number(timestamp, "webhook-timestamp")
    require_fresh(sent_s, delivery.received_at)
    expected = sign_standard(secret, message_id, int(sent_s), delivery.body)
    if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in given):
        raise DeliveryError("the signature does not match")
    return message_id


def meta_challenge(delivery: Delivery, token: Secret) -> str | None:
    """Answer Meta's question by GET, for whoever shows the verify token; a `challenge` of an AppWebhook.

    Source: Meta, Graph API Webhooks, "Verification Requests", read 2026-11-23.
    """
    if delivery.method != "GET":
        return None
    asked = dict(parse_qsl(urlsplit(delivery.url).query[:LONGEST_QUERY], keep_blank_values=True))
    require_match(asked.get("hub.verify_token"), token.reveal())
    if asked.get("hub.mode") != "subscribe" or not asked.get("hub.challenge"):
        raise DeliveryError("there is no challenge to answer", code="unreadable")
    return asked["hub.challenge"]


def slack_challenge(delivery: Delivery, token: Secret) -> str | None:
    """Answer Slack's signed `url_verification`; a `challenge` of an AppWebhook. The token is not needed.

    Source: Slack, Events API, "Request URL configuration & verification", read 2026-11-23.
    """
    if delivery.method != "POST":
        return None
    try:
        body = json.loads(delivery.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("type") != "url_verification":
        return None
    if not isinstance(body.get("challenge"), str):
        raise DeliveryError("there is no challenge to answer", code="unreadable")
    return str(body["challenge"])


def _standard_key(secret: Secret) -> bytes:
    text = secret.reveal().removeprefix("whsec_")
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DeliveryError("the signing secret is not base64", code="bad_secret") from error
    if not key:
        # Everybody can sign with nothing.
        raise DeliveryError("the signing secret is empty", code="bad_secret")
    return key
