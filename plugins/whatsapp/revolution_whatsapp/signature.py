"""Meta's signature of a delivery: for checking one, and for making one in the sandbox."""

from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import hmac_sha256_hex, require_match

SIGNATURE_HEADER = "x-hub-signature-256"


def sign(secret: Secret, body: bytes) -> str:
    """Return the header's value: `sha256=` and the HMAC-SHA256 of the raw body in hexadecimal."""
    return f"sha256={hmac_sha256_hex(secret.reveal().encode(), body)}"


def verify(delivery: Delivery, secret: Secret) -> None:
    """Raise DeliveryError unless the app's secret signed exactly these bytes.

    Meta signs no moment, so a captured delivery stays genuine; its events are known by their dedup keys.
    Source: Meta "Webhooks, Validating payloads", read 2026-11-22; vectors in tests/samples.
    """
    if not secret:
        raise DeliveryError("the app has no secret to check with", code="bad_secret")
    require_match(delivery.headers.get(SIGNATURE_HEADER), sign(secret, delivery.body))
