"""Vault: seals and opens secrets. A master key wraps one data key per tenant; those seal the secrets."""

import base64
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime

from revolution_hub.errors import VaultError
from revolution_hub.model.connection import Sealed
from revolution_hub.model.ids import new_id
from revolution_hub.store import across, tenants
from revolution_hub.store.tx import Store
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

INSTALLATION = "installation"
"""The owner of secrets that belong to no tenant, such as a shared provider app's."""

MARKED = "audit"
"""The purpose of marks that stand in the audit log in the place of secrets."""

_CANARY = "master_key_canary"
_KEY_ID = re.compile("[A-Za-z0-9_]{1,40}")
_STAMP = re.compile("[A-Za-z0-9_-]{43}")


class Vault:
    """Opens and seals in the name of a tenant. Safe to share between threads; one per process."""

    def __init__(self, master: MasterKey, store: Store, now: Callable[[], datetime]) -> None:
        self._master = master
        self._store = store
        self._now = now
        self._keys: dict[tuple[str, str], bytes] = {}
        self._refreshing: dict[str, threading.Lock] = {}
        self._stamping: dict[str, str] = {}
        self._lock = threading.Lock()

    def refresh_lock(self, connection_id: str) -> threading.Lock:
        """Return the lock under which this process renews that connection's authorization."""
        with self._lock:
            return self._refreshing.setdefault(connection_id, threading.Lock())

    def seal(self, tenant_id: str, owner_id: str, document: JsonObject, *, version: int = 1) -> Sealed:
        """Seal a document for what `owner_id` names (a connection, a hook); only its owner can open it."""
        key_id, data_key = self._newest(tenant_id)
        blob = seal(
            data_key,
            json.dumps(document, ensure_ascii=False).encode(),
            tenant_id=tenant_id,
            credential_id=owner_id,
            field="document",
            version=version,
            key_id=key_id,
        )
        return Sealed(blob=blob, key_id=key_id, version=version)

    def open(self, tenant_id: str, owner_id: str, sealed: Sealed) -> JsonObject:
        """Open a sealed document; raises VaultError if it was moved, changed or sealed with another key."""
        content = open_sealed(
            self._data_key(tenant_id, sealed.key_id),
            sealed.blob,
            tenant_id=tenant_id,
            credential_id=owner_id,
            field="document",
            version=sealed.version,
            key_id=sealed.key_id,
        )
        document: JsonObject = json.loads(content)
        return document

    def stamp(self, tenant_id: str, purpose: str, text: str) -> str:
        """Return a mark for the text that nobody can make without the tenant's key, fit for an address."""
        key_id = self._stamping.get(tenant_id)
        if key_id is None:
            key_id = self._stamping[tenant_id] = self._newest(tenant_id)[0]
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

    def _newest(self, tenant_id: str) -> tuple[str, bytes]:
        with self._lock, self._store.begin(tenant_id) as tx:
            newest = tenants.newest_data_key(tx)
            if newest is None:
                key_id, data_key = new_id("dek"), new_data_key()
                wrapped = wrap_data_key(self._master, data_key, tenant_id=tenant_id, key_id=key_id)
                tenants.add_data_key(tx, key_id, wrapped, self._now())
                return key_id, data_key
        return newest[0], self._unwrapped(tenant_id, *newest)

    def _data_key(self, tenant_id: str, key_id: str) -> bytes:
        known = self._keys.get((tenant_id, key_id))
        if known is not None:
            return known
        with self._store.read(tenant_id) as tx:
            wrapped = tenants.find_data_key(tx, key_id)
        if wrapped is None:
            raise VaultError("the data key of a sealed secret is missing", code="data_key_missing")
        return self._unwrapped(tenant_id, key_id, wrapped)

    def _unwrapped(self, tenant_id: str, key_id: str, wrapped: bytes) -> bytes:
        data_key = unwrap_data_key(self._master, wrapped, tenant_id=tenant_id, key_id=key_id)
        self._keys[tenant_id, key_id] = data_key
        return data_key


def require_right_master_key(store: Store, master: MasterKey) -> None:
    """Raise VaultError unless this is the master key the database's secrets were sealed under.

    The first call over an empty database leaves the mark later ones are held against.
    """
    mark = across.read_fact(store, _CANARY)
    if mark is not None:
        check_canary(master, mark)
    elif across.any_tenant(store):
        raise VaultError("the database holds tenants but no mark of a master key", code="master_key_unknown")
    else:
        across.write_fact(store, _CANARY, canary(master))


def holds_secrets(store: Store) -> bool:
    """Tell whether a master key was ever used with this database; then none may be minted any more."""
    return across.read_fact(store, _CANARY) is not None or across.any_tenant(store)
