"""Rotation: other data keys, another master key, while everything runs; what is broken off goes on later.

Nothing is ever overwritten blindly: what is sealed or wrapped anew is stored only in the place of the very
bytes that were read, so that a credential somebody renews meanwhile stays the renewed one. Old data keys are
kept, wrapped: a process may still seal with one for a moment, and the marks made with them are out there.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from revolution_hub.crashpoint import reach
from revolution_hub.errors import NotFoundError, VaultError
from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.store import across, audit, facts, sealed, tenants
from revolution_hub.store.sealed import INSTALLATION, SealedRow
from revolution_hub.store.tenants import DataKey
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.sealing import canary
from revolution_hub.vault.vault import CANARY, Vault, key_in_use

BATCH: Final = 50
_UNFINISHED: Final = "data_key_rotation"
"""The fact that says which rotation of data keys has begun and is not finished."""

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotator:
    """What a rotation works with. `tell` hears how many secrets, or data keys, were just done."""

    store: Store
    vault: Vault
    ring: KeyRing
    now: Callable[[], datetime]
    tell: Tell = lambda _: None


@dataclass(slots=True, kw_only=True)
class Rotated:
    """What a rotation has done. `broken` are the secrets, or data keys, that do not open."""

    tenants: int = 0
    done: int = 0
    continued: bool = False
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A rotation of data keys: since when, and whose; of everybody if it names nobody."""

    since: datetime
    tenant_id: str | None

    def written(self) -> bytes:
        return json.dumps({"since": rfc3339(self.since), "tenant_id": self.tenant_id}).encode()

    @classmethod
    def read(cls, text: bytes) -> "_Begun":
        found = json.loads(text)
        return cls(since=parse_moment(found["since"]), tenant_id=found["tenant_id"])


def find_unfinished(store: Store) -> datetime | None:
    """Return when a rotation of data keys was begun that is not finished, None if there is none."""
    text = across.read_fact(store, _UNFINISHED)
    return _Begun.read(text).since if text is not None else None


def rotate_data_keys(rotator: Rotator, tenant_id: str | None = None) -> Rotated:
    """Give one tenant, or all, a new data key, and seal with it whatever older ones have sealed.

    A rotation that was broken off is brought to its end instead. Raises NotFoundError for a tenant that has
    nothing sealed.
    """
    unfinished = across.read_fact(rotator.store, _UNFINISHED)
    begun = _Begun.read(unfinished) if unfinished else _Begun(since=rotator.now(), tenant_id=tenant_id)
    owners = sealed.tenants_with_keys(rotator.store)
    if begun.tenant_id is not None and begun.tenant_id not in owners:
        raise NotFoundError(f"nothing is sealed for a tenant {begun.tenant_id}")
    if unfinished is None:
        with rotator.store.begin_global() as tx:
            facts.keep(tx, _UNFINISHED, begun.written())
    rotated = Rotated(continued=unfinished is not None)
    for owner in [begun.tenant_id] if begun.tenant_id else owners:
        _rotate_one(rotator, owner, begun.since, rotated)
    with rotator.store.begin_global() as tx:
        facts.forget(tx, _UNFINISHED)
    return rotated


def _rotate_one(rotator: Rotator, owner: str, since: datetime, rotated: Rotated) -> None:
    key_id = _newer_key(rotator, owner, since)
    rotated.tenants += 1
    # A process that asked for the newest key just before may have sealed with the old one: looked at twice.
    for _ in range(2):
        for row in _not_under(rotator.store, owner, key_id):
            _reseal(rotator, owner, row, key_id, rotated)
    rotated.broken = sorted(set(rotated.broken))


def _newer_key(rotator: Rotator, owner: str, since: datetime) -> str:
    """Return the id of a data key made since then; make one, and enter that in the log, if there is none."""
    log = across.first_tenant(rotator.store) if owner == INSTALLATION else owner
    if log is None:
        raise VaultError("the database holds secrets and no tenant", code="tenant_missing")
    with rotator.store.begin_across({owner, log}) as both:
        # Two rotations at a time make one key.
        audit.hold(both.conn, log)
        tx = both.of(owner)
        newest = tenants.newest_data_key(tx)
        if newest is not None and newest.created_at >= since:
            return newest.id
        key_id = rotator.vault.add_data_key(tx)
        if newest is not None and key_id < newest.id:
            # Ids tell which key is the newest, and they are made from the time.
            raise VaultError(
                "the clock of this machine is behind; set it, and rotate again", code="clock_behind"
            )
        audit.append(both.of(log), entry_of_hub(log, "vault.rotate_data_key", key_id, rotator.now()))
    return key_id


def _not_under(store: Store, owner: str, key_id: str) -> Iterator[list[SealedRow]]:
    for table in sealed.PLACES:
        after = ""
        while True:
            with store.read(owner) as tx:
                rows = sealed.list_sealed(tx, table, after=after, limit=BATCH, not_under=key_id)
            if not rows:
                break
            yield rows
            after = rows[-1].owner_id


def _reseal(rotator: Rotator, owner: str, rows: list[SealedRow], key_id: str, rotated: Rotated) -> None:
    fresh = []
    for row in rows:
        try:
            fresh.append((row, rotator.vault.reseal(owner, row.owner_id, row.secret, key_id)))
        except VaultError as error:
            rotated.broken.append(f"{row.table} {row.owner_id}: {error.message}")
    with rotator.store.begin(owner) as tx:
        # What is another secret by now was sealed by whoever changed it; the second look finds it if need be.
        stored = sum(sealed.replace_sealed(tx, row, secret) for row, secret in fresh)
        reach("rotate.mid_batch")
    rotated.done += stored
    rotator.tell(stored)


def master_key_in_use(store: Store, ring: KeyRing) -> MasterKey:
    """Return the master key that new data keys are wrapped with."""
    mark = across.read_fact(store, CANARY)
    if mark is None:
        raise VaultError("the database has no mark of a master key", code="master_key_unknown")
    return key_in_use(ring, mark)


def is_under_way(store: Store, ring: KeyRing) -> bool:
    """Tell whether a newer master key is there than the one in use, or some data key is not yet under it."""
    used = master_key_in_use(store, ring)
    others = set(sealed.count_by_master_key(store)) - {used.key_id, None}
    return used.key_id != ring.newest.key_id or bool(others)


def rotate_master_key(rotator: Rotator) -> Rotated:
    """Bring the newest master key of the ring into use and wrap every data key with it.

    Every older key must stay with its provider until `verify` finds nothing wrong.
    """
    newest = rotator.ring.newest
    _bring_into_use(rotator, newest)
    rotated = Rotated()
    # Twice, for a process may have made a data key at the very moment.
    for _ in range(2):
        for owner in sealed.tenants_with_keys(rotator.store):
            with rotator.store.read(owner) as tx:
                keys = [one for one in tenants.list_data_keys(tx) if one.master_key_id != newest.key_id]
            _rewrap(rotator, owner, keys, newest, rotated)
    rotated.broken = sorted(set(rotated.broken))
    return rotated


def _bring_into_use(rotator: Rotator, newest: MasterKey) -> None:
    log, mark = across.first_tenant(rotator.store), across.read_fact(rotator.store, CANARY)
    if log is None or mark is None:
        raise VaultError("the database has no mark of a master key", code="master_key_unknown")
    if key_in_use(rotator.ring, mark).key_id == newest.key_id:
        return
    entry = entry_of_hub(log, "vault.rotate_master_key", newest.key_id, rotator.now())
    with rotator.store.begin(log) as tx:
        if not facts.swap(tx, CANARY, mark, canary(newest)):
            raise VaultError("another process is rotating the master key", code="master_key_busy")
        audit.append(tx, entry)


def _rewrap(rotator: Rotator, owner: str, keys: list[DataKey], newest: MasterKey, rotated: Rotated) -> None:
    fresh = []
    for key in keys:
        try:
            fresh.append((key, rotator.vault.rewrapped(key, newest)))
        except VaultError as error:
            rotated.broken.append(f"data key {key.id} of {owner}: {error.message}")
    if not fresh:
        return
    with rotator.store.begin(owner) as tx:
        stored = sum(tenants.rewrap_data_key(tx, key, blob, newest.key_id) for key, blob in fresh)
        reach("rotate.mid_batch")
    rotated.done += stored
    rotated.tenants += 1
    rotator.tell(stored)


def note_retired(store: Store, key_ids: list[str], now: datetime) -> None:
    """Enter in the log that older master keys are thrown away."""
    log = across.first_tenant(store)
    if log is not None:
        with store.begin(log) as tx:
            for key_id in key_ids:
                audit.append(tx, entry_of_hub(log, "vault.retire_master_key", key_id, now))
