"""Idempotency of writes: the same key and body make one thing, however often they are sent."""

from dataclasses import dataclass
from datetime import datetime

from revolution_hub.model.principal import Principal
from revolution_hub.store import idempotency
from revolution_hub.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A client's idempotency key, and the fingerprint of the request it came with."""

    key: str
    fingerprint: str


def first_made(tx: Tx, principal: Principal, once: Once | None) -> str | None:
    """Return the id of what this key made before, or None; raises ConflictError for another body."""
    if once is None:
        return None
    return idempotency.find_resource(tx, principal.id, once.key, once.fingerprint)


def remember(tx: Tx, principal: Principal, once: Once | None, resource_id: str, now: datetime) -> None:
    """Keep what this key made, in the transaction that makes it."""
    if once is not None:
        idempotency.remember(
            tx, principal.id, once.key, fingerprint=once.fingerprint, resource_id=resource_id, now=now
        )
