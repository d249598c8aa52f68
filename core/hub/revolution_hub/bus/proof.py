"""proof: whether a delivery comes from who shares a hook's secret. Pure; no body is parsed for it."""

import base64
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from revolution_hub.model.webhook import BODY, TIMESTAMP, Auth, AuthKind, Hmac
from revolution_hub.vault.jwt import Expected, require_token
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import (
    MOST_SIGNATURES,
    require_fresh,
    require_number,
    verify_standard,
)

T = TypeVar("T")

_MOST_FIELDS: Final = 20
_LONGEST_HEADER: Final = 16_384
_MILLISECONDS: Final = 1e11
"""So many seconds are the year 5138: a time beyond it was given in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A secret that is good until a moment, or for ever."""

    secret: Secret
    until: datetime | None = None


def prove(auth: Auth, keys: Sequence[Keyed], delivery: Delivery) -> str | None:
    """Check a delivery against every secret that is good at its time.

    Returns what the sender has signed as the name of this delivery, if there is such a thing. Raises
    DeliveryError unless the delivery is genuine.
    """
    if auth.kind is AuthKind.NONE:
        return None
    good = [one.secret for one in keys if one.until is None or delivery.received_at < one.until]
    if not good:
        raise DeliveryError("this trigger has no secret")
    match auth.kind:
        case AuthKind.STANDARD:
            return _standard(good, delivery)
        case AuthKind.HMAC if auth.hmac is not None:
            return _hmac(auth.hmac, good, delivery)
        case AuthKind.API_KEY:
            _require_any(_credential(delivery, auth.header, "bearer"), [one.reveal() for one in good])
        case AuthKind.BASIC:
            known = [base64.b64encode(one.reveal().encode()).decode() for one in good]
            _require_any(_credential(delivery, "authorization", "basic"), known)
        case AuthKind.JWT if auth.jwt is not None:
            wanted = auth.jwt
            expected = Expected(algorithm=wanted.algorithm, issuer=wanted.issuer, audience=wanted.audience)
            token = _credential(delivery, wanted.header, "bearer")
            _require_one(good, lambda key: require_token(token, key, expected, delivery.received_at))
        case _:
            raise DeliveryError("this trigger takes nothing")
    return None


def _require_one(keys: Sequence[Secret], check: Callable[[Secret], T]) -> T:
    for key in keys[:-1]:
        try:
            return check(key)
        except DeliveryError:
            continue
    return check(keys[-1])


def _standard(keys: Sequence[Secret], delivery: Delivery) -> str:
    return _require_one(keys, lambda key: verify_standard(delivery, key))


def _hmac(spec: Hmac, keys: Sequence[Secret], delivery: Delivery) -> str | None:
    stamp, given = _signatures(spec, delivery)
    if not given or len(given) > MOST_SIGNATURES:
        raise DeliveryError("the delivery is not signed")
    if spec.timed:
        _require_timely(stamp, delivery.received_at)
    before, _, behind = spec.signed.partition(BODY)
    filled = [one.replace(TIMESTAMP, stamp).encode() for one in (before, behind)]
    message = filled[0] + delivery.body + filled[1]
    found = ""
    for key in keys:
        expected = spec.prefix + _written(spec, _digest(key, message, spec.algorithm))
        for one in given:
            # Every one is compared, so that the time it takes tells nothing.
            found = expected if hmac.compare_digest(one.encode(), expected.encode()) else found
    if not found:
        raise DeliveryError("the signature does not match")
    # With the time in it no other delivery has this signature; without it, any that says the same has.
    return found if spec.timed else None


def _digest(key: Secret, message: bytes, algorithm: str) -> bytes:
    secret = key.reveal().encode()
    if not secret:
        # Everybody can sign with nothing.
        raise DeliveryError("the signing secret is empty", code="bad_secret")
    return hmac.digest(secret, message, algorithm)


def _written(spec: Hmac, digest: bytes) -> str:
    return digest.hex() if spec.encoding == "hex" else base64.b64encode(digest).decode()


def _signatures(spec: Hmac, delivery: Delivery) -> tuple[str, list[str]]:
    """Return the time as it was written, empty if there is none, and the signatures to choose from."""
    text = delivery.headers.get(spec.header, "")
    if not text or len(text) > _LONGEST_HEADER:
        raise DeliveryError("the delivery is not signed")
    stamp = delivery.headers.get(spec.timestamp_header, "") if spec.timestamp_header else ""
    if not spec.value_field:
        return stamp, [text]
    pairs = [one.strip().partition("=") for one in text.split(",", _MOST_FIELDS)]
    if spec.timestamp_field:
        stamps = [value for name, _, value in pairs if name == spec.timestamp_field]
        if len(stamps) != 1:
            raise DeliveryError("the delivery has no time of sending")
        stamp = stamps[0]
    return stamp, [value for name, _, value in pairs if name == spec.value_field]


def _require_timely(stamp: str, received_at: datetime) -> None:
    sent_s = require_number(stamp, "time of sending")
    require_fresh(sent_s / 1000 if sent_s > _MILLISECONDS else sent_s, received_at)


def _credential(delivery: Delivery, header: str, scheme: str) -> str:
    text = delivery.headers.get(header, "").strip()
    if header == "authorization":
        named, _, text = text.partition(" ")
        text = text.strip() if named.lower() == scheme else ""
    if not text or len(text) > _LONGEST_HEADER:
        raise DeliveryError("the delivery does not say who sent it")
    return text


def _require_any(given: str, known: Sequence[str]) -> None:
    matches = [hmac.compare_digest(given.encode(), one.encode()) for one in known if one]
    if not any(matches):
        raise DeliveryError("the delivery does not say who sent it")
