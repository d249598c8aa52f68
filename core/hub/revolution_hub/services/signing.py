"""Secrets of webhooks: making them, and whether one that a person hands in will do."""

import base64
import binascii
import secrets
from typing import Final

from revolution_hub.errors import InputError, Problem
from revolution_hub.model.webhook import Auth, AuthKind
from revolution_hub.vault.jwt import require_key

_BYTES: Final = 32
_LEAST_STANDARD_BYTES: Final = 16
LEAST_CHARACTERS: Final = 8
MOST_CHARACTERS: Final = 8192
USER: Final = "hub"


def new_secret(auth: Auth) -> str:
    """Return a secret of 256 random bits, in the form this way of signing has."""
    if auth.kind is AuthKind.STANDARD:
        # Standard Webhooks: `whsec_` and base64.
        return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    text = secrets.token_urlsafe(_BYTES)
    return f"{USER}:{text}" if auth.kind is AuthKind.BASIC else text


def require_secret(auth: Auth, text: str) -> None:
    """Raise InputError unless this text can be the secret of such a trigger."""
    if auth.jwt is not None:
        require_key(auth.jwt.algorithm, text)
    problem = _problem(auth, text)
    if problem is not None:
        raise InputError("the secret cannot be used", [Problem(path="secret", message=problem)])


def _problem(auth: Auth, text: str) -> str | None:
    if len(text) > MOST_CHARACTERS or "\0" in text:
        return f"at most {MOST_CHARACTERS:,} characters, none of them NUL"
    if auth.kind is AuthKind.STANDARD:
        try:
            size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            return "whsec_ and base64 is needed here"
        return None if size >= _LEAST_STANDARD_BYTES else f"at least {_LEAST_STANDARD_BYTES} bytes in base64"
    password = text
    if auth.kind is AuthKind.BASIC:
        name, _, password = text.partition(":")
        if not name:
            return "a name, a colon and a password are needed here"
    if len(password) < LEAST_CHARACTERS or len(password.strip()) < len(password):
        return f"at least {LEAST_CHARACTERS} characters, without spaces around them"
    return None
