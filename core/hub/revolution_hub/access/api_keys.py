"""API keys: 256 random bits behind a prefix, kept only as a hash, as tokens are."""

from revolution_hub.model.ids import new_key

PREFIX = "rev_"
SHOWN = len(PREFIX) + 6
"""So many characters of a key are kept, by which a person knows it again: 36 bits of 256."""


def mint_api_key() -> str:
    """Return a new API key; show it once and keep only its hash."""
    return new_key(PREFIX)


def shown_part(key: str) -> str:
    """Return the beginning of a key, by which a person knows it again."""
    return key[:SHOWN]
