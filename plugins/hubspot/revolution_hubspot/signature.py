"""HubSpot's request signature, version 3: one signed string, for checking a delivery and for making one."""

import re

from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import hmac_sha256_base64, require_fresh, require_match, require_number

SIGNATURE_HEADER = "x-hubspot-signature-v3"
TIMESTAMP_HEADER = "x-hubspot-request-timestamp"

DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
"""The twelve escapes HubSpot undoes before it signs; any other stays as it is written.

Source: HubSpot "Validating requests", read 2026-11-22.
"""

_ESCAPE = re.compile("|".join(DECODED))


def signed_string(method: str, url: str, body: bytes, timestamp: str) -> bytes:
    """Return what is signed: METHOD, the public URL with twelve escapes undone, raw body, timestamp (ms)."""
    decoded = _ESCAPE.sub(lambda found: DECODED[found.group()], url)
    # A URL may carry bytes that are no text, decoded to lone surrogates; it must still be comparable.
    return f"{method.upper()}{decoded}".encode("utf-8", "surrogatepass") + body + timestamp.encode()


def sign(secret: Secret, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Return the signature header's value: base64 of HMAC-SHA256 with the app's client secret as key."""
    return hmac_sha256_base64(secret.reveal().encode(), signed_string(method, url, body, timestamp))


def verify(delivery: Delivery, secret: Secret) -> None:
    """Raise DeliveryError unless HubSpot signed exactly this request within five minutes of its arrival.

    Code `stale` means the signature is genuine but the moment is not; moments in the future are refused as
    well. An empty secret is refused, because everybody could sign with it.
    Source: HubSpot "Validating requests", read 2026-11-22; vectors in tests/samples/signature-vectors.json.
    """
    if not secret:
        raise DeliveryError("the app has no client secret to check with", code="bad_secret")
    timestamp = delivery.headers.get(TIMESTAMP_HEADER, "")
    sent_ms = require_number(timestamp, "request timestamp")
    expected = sign(secret, delivery.method, delivery.url, delivery.body, timestamp)
    require_match(delivery.headers.get(SIGNATURE_HEADER), expected)
    require_fresh(sent_ms / 1000, delivery.received_at)
