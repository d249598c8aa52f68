"""Vault: seals and opens secrets. A master key wraps one data key per tenant; those seal the secrets."""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from revolution_hub.errors import VaultError
from revolution_hub.model.connection import Sealed
from revolution_hub.model.ids import new_id
from revolution_hub.model.masking import note_secrets
from revolution_hub.store import across, facts, sealed, tenants
from revolution_hub.store.tenants import DataKey
from revolution_hub.store.tx import Store, Tx
from revolution_hub.vault.key_ring import KeyRing, gone
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.sealing import (
    canary,
    check_canary,
    new_data_key,
    open_sealed,
    same_stamp,
    seal,
    stamp,
    unwrap_data_key,
    wrap_data_key,
)
from revolution_sdk.types import JsonObject

INSTALLATION = sealed.INSTALLATION
"""The owner of secrets that belong to no tenant, such as a shared provider app's."""

MARKED = "audit"
"""The purpose of marks that stand in the audit log in the place of secrets."""

CANARY = "master_key_canary"
"""The fact by which the master key in use is known again."""

STAMPS_ANEW_S = 60.0
"""How long a process may stamp with a data key after a rotation has made a newer one."""

_KEY_ID = re.compile("[A-Za-z0-9_]{1,40}")
_STAMP = re.compile("[A-Za-z0-9_-]{43}")


class Vault:
    """Opens and seals in the name of a tenant. Safe to share between threads; one per process."""

    def __init__(self, keys: MasterKey | KeyRing, store: Store, now: Callable[[], datetime]) -> None:
        self._ring = keys if isinstance(keys, KeyRing) else KeyRing.of(keys)
        self._store = store
        self._now = now
        self._keys: dict[tuple[str, str], bytes] = {}
        self._refreshing: dict[str, threading.Lock] = {}
        self._stamping: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def refresh_lock(self, connection_id: str) -> threading.Lock:
        """Return the lock under which this process renews that connection's authorization."""
        with self._lock:
            return self._refreshing.setdefault(connection_id, threading.Lock())

    def seal(self, tenant_id: str, owner_id: str, document: JsonObject, *, version: int = 1) -> Sealed:
        """Seal a document for what `owner_id` names (a connection, a hook); only its owner can open it."""
        note_secrets(document)
        key_id, data_key = self._newest(tenant_id)
        blob = _sealed(
            data_key, json.dumps(document, ensure_ascii=False).encode(), tenant_id, owner_id, version, key_id
        )
        return Sealed(blob=blob, key_id=key_id, version=version)

    def open(self, tenant_id: str, owner_id: str, sealed: Sealed) -> JsonObject:
        """Open a sealed document; raises VaultError if it was moved, changed or sealed with another key."""
        document: JsonObject = json.loads(self._opened(tenant_id, owner_id, sealed))
        note_secrets(document)
        return document

    def reseal(self, tenant_id: str, owner_id: str, sealed: Sealed, key_id: str) -> Sealed:
        """Return the same version of a secret, sealed with another data key of its tenant."""
        content, version = self._opened(tenant_id, owner_id, sealed), sealed.version
        blob = _sealed(self._data_key(tenant_id, key_id), content, tenant_id, owner_id, version, key_id)
        return Sealed(blob=blob, key_id=key_id, version=version)

    def add_data_key(self, tx: Tx) -> str:
        """Make a data key for the transaction's tenant, with which it seals from now on; return its id."""
        return self._made(tx)[0]

    def rewrapped(self, key: DataKey, master: MasterKey) -> bytes:
        """Return a data key wrapped with another master key."""
        data_key = self._unwrapped(key)
        return wrap_data_key(master, data_key, tenant_id=key.tenant_id, key_id=key.id)

    def stamp(self, tenant_id: str, purpose: str, text: str) -> str:
        """Return a mark for the text that nobody can make without the tenant's key, fit for an address."""
        known, since_s = self._stamping.get(tenant_id, ("", float("-inf")))
        if time.monotonic() - since_s > STAMPS_ANEW_S:
            known = self._newest(tenant_id)[0]
            self._stamping[tenant_id] = known, time.monotonic()
        return self._stamp_with(known, tenant_id, purpose, text)

    def stamps(self, tenant_id: str, purpose: str, text: str) -> list[str]:
        """Return every mark that `stamp` may ever have made for the text, the newest first."""
        with self._store.read(tenant_id) as tx:
            keys = tenants.list_data_keys(tx)
        return [self._stamp_with(one.id, tenant_id, purpose, text) for one in keys]

    def _stamp_with(self, key_id: str, tenant_id: str, purpose: str, text: str) -> str:
        mark = stamp(self._data_key(tenant_id, key_id), text, tenant_id=tenant_id, purpose=purpose)
        return f"{key_id}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    def is_stamp(self, tenant_id: str, purpose: str, text: str, given: str) -> bool:
        """Tell whether `given` is a mark that `stamp` made for this text, with any of the tenant's keys."""
        key_id, _, encoded = given.partition(".")
        if not _STAMP.fullmatch(encoded) or not _KEY_ID.fullmatch(key_id):
            return False
        try:
            data_key = self._data_key(tenant_id, key_id)
        except VaultError:
            return False
        mark = base64.urlsafe_b64decode(encoded + "=")
        return same_stamp(mark, stamp(data_key, text, tenant_id=tenant_id, purpose=purpose))

    def _opened(self, tenant_id: str, owner_id: str, sealed: Sealed) -> bytes:
        return open_sealed(
            self._data_key(tenant_id, sealed.key_id),
            sealed.blob,
            tenant_id=tenant_id,
            credential_id=owner_id,
            field="document",
            version=sealed.version,
            key_id=sealed.key_id,
        )

    def _newest(self, tenant_id: str) -> tuple[str, bytes]:
        with self._lock, self._store.begin(tenant_id) as tx:
            newest = tenants.newest_data_key(tx)
            if newest is None:
                return self._made(tx)
        return newest.id, self._unwrapped(newest)

    def _made(self, tx: Tx) -> tuple[str, bytes]:
        # Which master key is in use is settled in the database: a process that has not yet heard of a
        # rotation would else go on wrapping with a key that is soon to be thrown away.
        mark = facts.find(tx, CANARY)
        master = self._ring.newest if mark is None else key_in_use(self._ring, mark)
        key_id, data_key = new_id("dek"), new_data_key()
        wrapped = wrap_data_key(master, data_key, tenant_id=tx.tenant_id, key_id=key_id)
        tenants.add_data_key(tx, key_id, wrapped, self._now(), master_key_id=master.key_id)
        return key_id, data_key

    def _data_key(self, tenant_id: str, key_id: str) -> bytes:
        known = self._keys.get((tenant_id, key_id))
        if known is not None:
            return known
        with self._store.read(tenant_id) as tx:
            found = tenants.find_data_key(tx, key_id)
        if found is None:
            raise VaultError("the data key of a sealed secret is missing", code="data_key_missing")
        return self._unwrapped(found)

    def _unwrapped(self, key: DataKey) -> bytes:
        known = self._keys.get((key.tenant_id, key.id))
        if known is None:
            known = self._keys[key.tenant_id, key.id] = unwrapped(self._ring, key)
        return known


def unwrapped(ring: KeyRing, key: DataKey) -> bytes:
    """Open a data key; raises VaultError `seal_broken`, or `master_key_gone` without its master key."""
    *others, last = ring.candidates(key.master_key_id)
    for master in others:
        with suppress(VaultError):
            return unwrap_data_key(master, key.wrapped, tenant_id=key.tenant_id, key_id=key.id)
    return unwrap_data_key(last, key.wrapped, tenant_id=key.tenant_id, key_id=key.id)


def require_right_master_key(store: Store, keys: MasterKey | KeyRing) -> None:
    """Raise VaultError unless these are the master keys the database's secrets were sealed under.

    The first call over an empty database leaves the mark later ones are held against.
    """
    ring = keys if isinstance(keys, KeyRing) else KeyRing.of(keys)
    mark = across.read_fact(store, CANARY)
    if mark is not None:
        key_in_use(ring, mark)
    elif across.any_tenant(store):
        raise VaultError("the database holds tenants but no mark of a master key", code="master_key_unknown")
    else:
        across.write_fact(store, CANARY, canary(ring.newest))
    for key_id in sealed.count_by_master_key(store):
        if key_id is not None and key_id not in {one.key_id for one in ring.keys}:
            raise gone(key_id, ring.provider.place)


def key_in_use(ring: KeyRing, mark: bytes) -> MasterKey:
    """Return the master key that made the mark; raises VaultError `master_key_wrong` if none of them did."""
    for again in (False, True):
        if again:
            ring.read_again()
        for master in ring.keys:
            with suppress(VaultError):
                check_canary(master, mark)
                return master
    check_canary(ring.newest, mark)
    return ring.newest


def holds_secrets(store: Store) -> bool:
    """Tell whether a master key was ever used with this database; then none may be minted any more."""
    return across.read_fact(store, CANARY) is not None or across.any_tenant(store)


def _sealed(
    data_key: bytes, content: bytes, tenant_id: str, owner_id: str, version: int, key_id: str
) -> bytes:
    return seal(
        data_key,
        content,
        tenant_id=tenant_id,
        credential_id=owner_id,
        field="document",
        version=version,
        key_id=key_id,
    )
