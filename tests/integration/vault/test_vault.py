"""Vault: what it sealed opens in its own place only; a wrong master key opens nothing and starts nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import VaultError
from revolution_hub.model.connection import Sealed
from revolution_hub.store import across, connections, tenants
from revolution_hub.store import tables as t
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault, holds_secrets, require_right_master_key

MASTER = MasterKey(bytes(range(100, 132)))
OTHER_MASTER = MasterKey(bytes(range(50, 82)))
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECRET = {"access_token": "canary-token", "note": "ü \U0001f511", "expires_at": None}
Open = Callable[..., Store]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(VaultError) as caught:
        act()
    assert "canary" not in f"{caught.value} {caught.value.details}"
    return caught.value.code


def test_what_was_sealed_opens_in_another_process(open_store: Open, clock: Any) -> None:
    sealed = Vault(MASTER, open_store(), clock).seal("ten_a", "con_1", SECRET, version=3)
    assert sealed.version == 3
    assert Vault(MASTER, open_store(), clock).open("ten_a", "con_1", sealed) == SECRET


def test_nothing_of_the_secret_is_in_the_database_or_its_log(
    vault: Vault, store: Store, database_file: Path, make: Any
) -> None:
    sealed = vault.seal("ten_a", "con_1", SECRET)
    with store.begin("ten_a") as tx:
        connections.add(tx, make.connection(id="con_1", credential=sealed))
    written = database_file.read_bytes() + database_file.with_name("hub.db-wal").read_bytes()
    assert b"con_1" in written
    assert b"canary-token" not in written
    assert MASTER.reveal() not in written


def test_ciphertext_moved_to_another_owner_version_or_tenant_does_not_open(vault: Vault) -> None:
    sealed, foreign = vault.seal("ten_a", "con_1", SECRET), vault.seal("ten_b", "con_1", SECRET)
    assert refused(lambda: vault.open("ten_a", "con_2", sealed)) == "seal_broken"
    assert refused(lambda: vault.open("ten_a", "con_1", replace(sealed, version=2))) == "seal_broken"
    assert refused(lambda: vault.open("ten_b", "con_1", sealed)) == "data_key_missing"
    assert (
        refused(lambda: vault.open("ten_b", "con_1", replace(sealed, key_id=foreign.key_id))) == "seal_broken"
    )
    assert (
        refused(lambda: vault.open("ten_a", "con_1", replace(foreign, key_id=sealed.key_id))) == "seal_broken"
    )


def test_a_data_key_moved_to_another_tenant_opens_nothing(vault: Vault, store: Store, clock: Any) -> None:
    sealed = vault.seal("ten_a", "con_1", SECRET)
    with store.begin_across() as tx:
        tx.conn.execute(sa.update(t.data_keys).values(tenant_id="ten_b"))
    fresh = Vault(MASTER, store, clock)
    assert refused(lambda: fresh.open("ten_b", "con_1", sealed)) == "seal_broken"


def test_a_changed_byte_or_a_lost_data_key_is_refused(vault: Vault, store: Store, clock: Any) -> None:
    sealed = vault.seal("ten_a", "con_1", SECRET)
    changed = Sealed(
        blob=sealed.blob[:-1] + bytes([sealed.blob[-1] ^ 1]), key_id=sealed.key_id, version=sealed.version
    )
    assert refused(lambda: vault.open("ten_a", "con_1", changed)) == "seal_broken"
    with store.begin_across() as tx:
        tx.conn.execute(sa.delete(t.data_keys))
    fresh = Vault(MASTER, store, clock)
    assert refused(lambda: fresh.open("ten_a", "con_1", sealed)) == "data_key_missing"


def test_a_tenant_has_one_data_key_however_many_secrets_and_processes(open_store: Open, clock: Any) -> None:
    vaults = [Vault(MASTER, open_store(), clock) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: vaults[n % 2].seal("ten_a", f"con_{n}", SECRET), range(16)))
    assert len({one.key_id for one in sealed}) == 1
    assert len({one.blob for one in sealed}) == 16
    assert vaults[0].seal("ten_b", "con_1", SECRET).key_id != sealed[0].key_id


def test_a_foreign_data_key_is_never_sealed_with_and_older_ones_still_open(
    vault: Vault, store: Store
) -> None:
    old = vault.seal("ten_a", "con_1", SECRET)
    newer = vault.seal("ten_b", "con_1", SECRET).key_id
    with store.begin_across() as tx:
        wrapped = tenants.find_data_key(tx.of("ten_b"), newer)
    assert wrapped is not None
    with store.begin("ten_a") as tx_a:
        tenants.add_data_key(tx_a, "dek_zzz", wrapped.wrapped, NOW, master_key_id=MASTER.key_id)
    assert vault.open("ten_a", "con_1", old) == SECRET
    assert refused(lambda: vault.seal("ten_a", "con_1", SECRET)) == "seal_broken"


def test_another_master_key_opens_nothing(vault: Vault, store: Store, clock: Any) -> None:
    sealed = vault.seal("ten_a", "con_1", SECRET)
    stranger = Vault(OTHER_MASTER, store, clock)
    assert refused(lambda: stranger.open("ten_a", "con_1", sealed)) == "master_key_gone"
    assert refused(lambda: stranger.seal("ten_a", "con_2", SECRET)) == "master_key_gone"


def test_a_data_key_of_an_older_release_opens_with_the_key_that_wrapped_it(
    vault: Vault, store: Store, clock: Any
) -> None:
    # Given a data key that does not say by which master key it was wrapped
    sealed = vault.seal("ten_a", "con_1", SECRET)
    with store.begin_across() as tx:
        tx.conn.execute(sa.update(t.data_keys).values(master_key_id=None))
    # Then it opens as soon as that key is among those there are, and with no other
    assert Vault(KeyRing.of(OTHER_MASTER, MASTER), store, clock).open("ten_a", "con_1", sealed) == SECRET
    assert refused(lambda: Vault(OTHER_MASTER, store, clock).open("ten_a", "con_1", sealed)) == "seal_broken"


def add_tenant(store: Store) -> None:
    with store.begin_across() as tx:
        tenants.add_tenant(tx, "ten_a", "A", NOW)


def test_the_first_master_key_leaves_its_mark_and_only_it_may_come_again(open_store: Open) -> None:
    store = open_store()
    assert not holds_secrets(store)
    require_right_master_key(store, MASTER)
    assert holds_secrets(store)
    add_tenant(store)
    require_right_master_key(open_store(), MASTER)


def test_a_wrong_master_key_over_existing_data_is_refused_and_changes_nothing(store: Store) -> None:
    require_right_master_key(store, MASTER)
    add_tenant(store)
    mark = across.read_fact(store, "master_key_canary")
    refused(lambda: require_right_master_key(store, OTHER_MASTER))
    assert across.read_fact(store, "master_key_canary") == mark
    require_right_master_key(store, MASTER)


def test_a_mark_that_was_changed_is_refused(store: Store) -> None:
    require_right_master_key(store, MASTER)
    with store.begin_across() as tx:
        tx.conn.execute(sa.update(t.installation).values(value=b"\x01" * 80))
    refused(lambda: require_right_master_key(store, MASTER))


def test_a_mark_that_is_missing_over_existing_tenants_is_refused_and_not_made_anew(store: Store) -> None:
    add_tenant(store)
    assert refused(lambda: require_right_master_key(store, MASTER)) == "master_key_unknown"
    assert across.read_fact(store, "master_key_canary") is None
    assert holds_secrets(store)
