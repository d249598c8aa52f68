"""Verify: open every data key and every sealed secret once, and tell what is under which key."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from revolution_hub.errors import VaultError
from revolution_hub.store import sealed, tenants
from revolution_hub.store.sealed import SealedRow
from revolution_hub.store.tenants import DataKey
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.rotation import BATCH, find_unfinished, master_key_in_use
from revolution_hub.vault.vault import Vault, unwrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What is sealed for one tenant, or for the installation."""

    tenant_id: str
    data_keys: int
    newest_key_id: str
    newest_at: datetime
    sealed: int
    under_older: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Which keys there are, and what is under them. No secret is opened to say so."""

    place: str
    held: tuple[str, ...]
    in_use: str
    wrapped_with: dict[str | None, int]
    owners: list[Owner]
    unfinished: datetime | None


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was opened, and what is wrong; `left` is what still is under an older key."""

    data_keys: int = 0
    secrets: int = 0
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether everything opens, and nothing needs an older key."""
        return not self.faults and not self.left


def status_of(store: Store, ring: KeyRing) -> Status:
    """Say which keys there are, and what is under them."""
    return Status(
        place=ring.provider.place,
        held=tuple(one.key_id for one in ring.keys),
        in_use=master_key_in_use(store, ring).key_id,
        wrapped_with=sealed.count_by_master_key(store),
        owners=[_owner(store, one) for one in sealed.tenants_with_keys(store)],
        unfinished=find_unfinished(store),
    )


def _owner(store: Store, tenant_id: str) -> Owner:
    with store.read(tenant_id) as tx:
        keys, counted = tenants.list_data_keys(tx), sealed.count_sealed(tx)
    by_key: Counter[str] = Counter()
    for one in counted:
        by_key[one.key_id] += one.count
    return Owner(
        tenant_id=tenant_id,
        data_keys=len(keys),
        newest_key_id=keys[0].id,
        newest_at=keys[0].created_at,
        sealed=by_key.total(),
        under_older=by_key.total() - by_key[keys[0].id],
    )


def verify(store: Store, vault: Vault, ring: KeyRing, tell: Callable[[int], None]) -> Verified:
    """Open every data key with its master key, and every secret with its data key."""
    in_use, found = master_key_in_use(store, ring).key_id, Verified()
    for owner in sealed.tenants_with_keys(store):
        with store.read(owner) as tx:
            keys = tenants.list_data_keys(tx)
        for key in keys:
            _check_key(ring, key, in_use, found)
        for rows in _all_rows(store, owner):
            for row in rows:
                _check_row(vault, owner, row, keys[0].id, found)
            tell(len(rows))
    if find_unfinished(store) is not None:
        found.left.insert(0, "a rotation of data keys is not finished")
    return found


def _check_key(ring: KeyRing, key: DataKey, in_use: str, found: Verified) -> None:
    found.data_keys += 1
    what = f"data key {key.id} of {key.tenant_id}"
    try:
        unwrapped(ring, key)
    except VaultError as error:
        found.faults.append(f"{what}: {error.message}")
    if key.master_key_id != in_use:
        found.left.append(
            f"{what} is wrapped with the master key {key.master_key_id or 'of an older release'}"
        )


def _check_row(vault: Vault, owner: str, row: SealedRow, newest: str, found: Verified) -> None:
    found.secrets += 1
    what = f"{row.table} {row.owner_id} of {owner}"
    try:
        vault.open(owner, row.owner_id, row.secret)
    except VaultError as error:
        found.faults.append(f"{what}: {error.message}")
    if row.secret.key_id != newest:
        found.left.append(f"{what} is sealed with the data key {row.secret.key_id}")


def _all_rows(store: Store, owner: str) -> Iterator[list[SealedRow]]:
    for table in sealed.PLACES:
        after = ""
        while True:
            with store.read(owner) as tx:
                rows = sealed.list_sealed(tx, table, after=after, limit=BATCH)
            if not rows:
                break
            yield rows
            after = rows[-1].owner_id
