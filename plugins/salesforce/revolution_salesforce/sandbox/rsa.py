"""Checking a signature RS256 (RFC 8017 §8.2.2), for assertions; nothing here signs or keeps a secret."""

import base64
import hashlib
import json

from revolution_sdk import JsonObject

_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def claims_of(assertion: str, modulus: int, exponent: int) -> JsonObject | None:
    """Return the claims of an assertion signed RS256 with this key; None if it is not."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = json.loads(_decoded(parts[0])), json.loads(_decoded(parts[1]))
        signature = _decoded(parts[2])
    except ValueError:
        return None
    size = (modulus.bit_length() + 7) // 8
    digest = hashlib.sha256(f"{parts[0]}.{parts[1]}".encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(_PREFIX) - len(digest)) + b"\x00" + _PREFIX + digest
    shown = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    good = isinstance(header, dict) and header.get("alg") == "RS256" and shown == padded
    return claims if good and isinstance(claims, dict) else None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
