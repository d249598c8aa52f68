"""The digest an approval is bound to: SHA-256 of the canonical JSON (RFC 8785) of everything that counts.

Who approves agrees to this and nothing else. What cannot be written canonically cannot be approved.
"""

import hashlib
import hmac

import rfc8785

from revolution_hub.errors import InputError
from revolution_sdk.types import Json, JsonObject


def digest_of(content: JsonObject) -> str:
    """Return the digest of an approval's content as hexadecimal text.

    Raises InputError `not_canonical` for numbers that JSON programs do not read alike.
    """
    return hashlib.sha256(_canonical(content)).hexdigest()


def is_digest_of(digest: str, content: JsonObject) -> bool:
    """Tell whether this is the digest of the content."""
    return hmac.compare_digest(digest, digest_of(content))


def _canonical(value: Json) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise InputError(
            "this cannot be approved: the input holds a number beyond 2^53 or text that is not Unicode; "
            "write such a number as text",
            code="not_canonical",
        ) from error
