"""Look-ups that go to the driver as they are read what any other query reads, and fail like it."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.store import across, tenants
from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, 0, 0, 7, tzinfo=UTC)


@pytest.fixture
def keys(store: Store) -> list[str]:
    """Keys with everything in them, and with nothing."""
    with store.begin("ten_a") as tx:
        tenants.add_api_key(
            tx,
            "key_full",
            name="Ünïcode ' % :x",
            key_hash="full",
            role="owner",
            now=NOW,
            prefix="rev_abc",
            holder_id="usr_1",
            made_by="usr_2",
            permissions=["workflow:read"],
            workflows=[],
            expires_at=NOW,
        )
        tenants.add_api_key(tx, "key_bare", name="", key_hash="bare", role="viewer", now=NOW)
    return ["full", "bare"]


def test_a_look_up_reads_what_any_other_query_reads(store: Store, keys: list[str]) -> None:
    for key_hash in keys:
        with store.read_across() as tx:
            row = tx.conn.execute(tenants.key_query(), {"key_hash": key_hash}).one()
        found = store.find_across(tenants.key_query, key_hash)
        assert found == tuple(row)
        assert [type(one) for one in found or ()] == [type(one) for one in row]


def test_what_nobody_has_is_not_found(store: Store, keys: list[str]) -> None:
    for value in ("", "FULL", "full ", "%", "' OR 1=1 --"):
        assert store.find_across(tenants.key_query, value) is None


def test_every_look_up_sees_the_newest_state(store: Store, keys: list[str]) -> None:
    assert across.find_api_key(store, "bare") is not None
    with store.begin("ten_a") as tx:
        tenants.revoke_api_key(tx, "key_bare", NOW)
        seen = across.find_api_key(store, "bare")
        assert seen is not None
        assert seen.is_good
    seen = across.find_api_key(store, "bare")
    assert seen is not None
    assert not seen.is_good


def test_many_threads_look_up_at_once(store: Store, keys: list[str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: across.find_api_key(store, keys[n % 2]), range(400)))
    assert {one.key.id for one in found if one} == {"key_full", "key_bare"}
    assert None not in found


def test_a_database_that_cannot_be_asked_is_a_store_error_and_is_asked_anew(
    store: Store, keys: list[str]
) -> None:
    def missing() -> sa.Select[Any]:
        table = sa.table("not_there_yet", sa.column("id", sa.String))
        return sa.select(table.c.id).where(table.c.id == sa.bindparam("id"))

    if store.dialect == "sqlite":
        with pytest.raises(StoreError, match="does not answer") as raised:
            store.find_across(missing, "x")
        assert "not_there_yet" in raised.value.reason
    assert across.find_api_key(store, "full") is not None


def test_nobody_is_told_of_connections_that_the_server_has_cut(store: Store, keys: list[str]) -> None:
    if store.dialect == "sqlite":
        pytest.skip("there is no server")
    for _ in range(2):
        assert across.find_api_key(store, "full") is not None
        _cut_all(store)
    assert across.find_api_key(store, "full") is not None


def test_a_query_whose_preparation_the_server_has_forgotten_is_asked_in_another_way(
    store: Store, keys: list[str]
) -> None:
    if store.dialect == "sqlite":
        pytest.skip("there is no server")
    assert across.find_api_key(store, "full") is not None
    # As behind a pooler that gives every transaction another connection.
    with store._reader.begin() as conn:
        conn.exec_driver_sql("DEALLOCATE ALL")
    for _ in range(3):
        found = across.find_api_key(store, "full")
        assert found is not None
        assert found.key.id == "key_full"


def _cut_all(store: Store) -> None:
    """End every other connection of this database, and wait until they are gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with store.begin_across() as tx:
        tx.conn.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}"))
        left = sa.text(f"SELECT pg_stat_clear_snapshot(), count(*) {others}")
        while tx.conn.execute(left.columns(sa.column("cleared"), sa.column("left"))).one().left:
            time.sleep(0.01)


def test_a_server_that_cannot_be_reached_is_a_store_error(tmp_path: Path) -> None:
    store = Store(f"postgresql://nobody@/nothing?host={tmp_path}")
    with pytest.raises(StoreError, match="does not answer"):
        across.find_api_key(store, "full")
    store.close()
