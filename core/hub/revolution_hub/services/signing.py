"""Signing secrets of workflow webhooks."""

import base64
import secrets

_BYTES = 32


def new_signing_secret() -> str:
    """Return a Standard Webhooks secret: `whsec_` and the base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
