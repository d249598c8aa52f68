"""Tokens people get, for sessions, invitations and new passwords: 256 random bits, kept only as a hash."""

import base64
import hashlib
import hmac

from revolution_hub.model.ids import new_key

SESSION = "ses_"
INVITATION = "inv_"
RESET = "pwd_"


def mint_token(prefix: str) -> str:
    """Return a new token; it is shown once, to one person."""
    return new_key(prefix)


def hash_token(token: str) -> str:
    """Return what is stored for a token or an API key.

    A fast hash is enough: they are random, not chosen by a person.
    """
    # What is shown may be any text, half a character too.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derived(token: str, purpose: str) -> str:
    """Return a text that only the holder of the token can have, one for each purpose."""
    digest = hmac.digest(token.encode(), purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_derived(text: str, token: str, purpose: str) -> bool:
    """Compare with what is derived, in constant time."""
    return hmac.compare_digest(text.encode(), derived(token, purpose).encode())
