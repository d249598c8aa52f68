"""API keys: 256 random bits behind a prefix, kept only as a hash."""

import hashlib

from revolution_hub.model.ids import new_key

PREFIX = "rev_"


def mint_api_key() -> str:
    """Return a new API key; show it once and keep only its hash."""
    return new_key(PREFIX)


def hash_api_key(key: str) -> str:
    """Return what is stored for a key. A fast hash is enough: the key is random, not chosen by a person."""
    return hashlib.sha256(key.encode()).hexdigest()
