"""Store and Tx: a transaction needs a tenant, is kept whole or not at all, and says when it cannot be."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import HubError, LimitError
from revolution_hub.model.change import Start
from revolution_hub.store import across, connections, tenants
from revolution_hub.store import tables as t
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.errors import StoreError
from revolution_hub.store.listing import Filter, list_page
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
Open = Callable[..., Store]

HOLDER = """
import sqlite3, sys
link = sqlite3.connect(sys.argv[1], isolation_level=None)
link.execute("BEGIN IMMEDIATE")
link.execute("INSERT INTO tenants VALUES ('ten_x', 'half', '2026-11-22 10:00:00.000000')")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another_process(database: Path) -> Iterator[None]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()


def all_executions(store: Store, tenant_id: str = "ten_a") -> list[str]:
    with store.read(tenant_id) as tx:
        rows, _ = list_page(tx, Page(limit=200), Filter())
    return [one.id for one in rows]


@pytest.mark.parametrize("tenant", ["", None])
def test_a_transaction_without_a_tenant_is_refused_before_it_begins(store: Store, tenant: Any) -> None:
    for door in (store.begin, store.read):
        with pytest.raises(ValueError, match="needs a tenant"), door(tenant):
            pytest.fail("the transaction began")
    with store.begin_across() as tx, pytest.raises(ValueError, match="needs a tenant"):
        tx.of(tenant)


def test_a_block_that_raises_keeps_nothing(store: Store, make: Any) -> None:
    def half() -> None:
        with store.begin("ten_a") as tx:
            connections.add(tx, make.connection())
            raise KeyError("x")

    with pytest.raises(KeyError):
        half()
    with store.read("ten_a") as tx:
        assert connections.find_for(tx, "acme", None) is None


def test_a_reader_sees_one_state_to_the_end(open_store: Open, make: Any) -> None:
    reader, writer = open_store(), open_store()
    with reader.read("ten_a") as tx:
        before = connections.count_by_connector(tx)
        with writer.begin("ten_a") as other:
            connections.add(other, make.connection())
        assert connections.count_by_connector(tx) == before == {}
    with reader.read("ten_a") as tx:
        assert connections.count_by_connector(tx) == {"acme": {"connected": 1}}


def test_a_database_locked_by_another_process_is_an_error_that_says_when_to_come_back(
    open_store: Open, database_file: Path, make: Any
) -> None:
    store = open_store(patient=False)
    with locked_by_another_process(database_file):
        with pytest.raises(StoreError) as caught:
            submit(store, Start(execution=make.execution()))
        with pytest.raises(StoreError):
            claim(store, "wrk_1", NOW, NOW, limit=1, caps=Caps(tenant=9, connection=9), turns=Turns())
    assert isinstance(caught.value, LimitError)
    assert (caught.value.code, caught.value.retry_after_s) == ("database_unavailable", 1.0)
    assert caught.value.reason == "database is locked"
    assert "sqlite" not in caught.value.message.lower()


def test_after_a_lock_nothing_of_the_refused_is_there_and_work_goes_on(
    open_store: Open, database_file: Path, make: Any
) -> None:
    store = open_store(patient=False)
    refused, later = make.execution(), make.execution()
    with locked_by_another_process(database_file):
        with pytest.raises(StoreError):
            submit(store, Start(execution=refused))
        assert all_executions(store) == []
    submit(store, Start(execution=later))
    assert all_executions(store) == [later.id]
    assert not across.any_tenant(store)


def test_reading_goes_on_while_another_process_writes(
    open_store: Open, database_file: Path, make: Any
) -> None:
    store = open_store(patient=False)
    submit(store, Start(execution=make.execution()))
    with locked_by_another_process(database_file):
        assert len(all_executions(store)) == 1


def test_writers_that_read_before_they_write_wait_for_each_other(open_store: Open, make: Any) -> None:
    stores = [open_store(), open_store()]
    with stores[0].begin("ten_a") as tx:
        connections.add(tx, make.connection(id="con_1", revision=0))
    counted = sa.update(t.connections).values(revision=sa.bindparam("next"))

    def count(number: int) -> None:
        with stores[number % 2].begin("ten_a") as tx:
            seen = connections.get(tx, "con_1").revision
            tx.conn.execute(counted, {"next": seen + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(40)))
    with stores[0].read("ten_a") as tx:
        assert connections.get(tx, "con_1").revision == 40


def test_a_full_disk_keeps_nothing_of_the_transaction(
    open_store: Open, database_file: Path, make: Any
) -> None:
    store = open_store()

    def small(dbapi: sqlite3.Connection, _record: Any) -> None:
        pages = dbapi.execute("PRAGMA page_count").fetchone()[0]
        dbapi.execute(f"PRAGMA max_page_count={pages + 4}")

    sa.event.listen(store.engine, "connect", small)

    def too_much() -> None:
        with store.begin("ten_a") as tx:
            connections.add(tx, make.connection())
            connections.add(tx, make.connection(name="large", base_url="x" * 200_000))

    with pytest.raises(StoreError) as caught:
        too_much()
    assert "full" in caught.value.reason
    with store.read("ten_a") as tx:
        assert connections.count_by_connector(tx) == {}
    submit(store, Start(execution=make.execution()))


def test_a_folder_in_the_place_of_the_database_is_a_store_error(
    open_store: Open, database_file: Path
) -> None:
    with pytest.raises(HubError) as caught:
        across.any_tenant(open_store(f"sqlite:///{database_file.parent}"))
    assert caught.value.code == "database_unavailable"


def test_everything_committed_is_synced_to_disk_before_it_is_said(store: Store, database_file: Path) -> None:
    with store.read_across() as tx:
        settings = {
            name: tx.conn.execute(sa.text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_moments_come_back_in_utc_and_zoneless_ones_never_go_in(store: Store) -> None:
    berlin = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    with store.begin_across() as tx:
        tenants.add_tenant(tx, "ten_a", "A", berlin)
        written = tx.conn.execute(sa.text("select cast(created_at as varchar) from tenants")).scalar_one()
    assert written.removesuffix("+00").removesuffix(".000000") == "2026-06-30 22:30:00"
    with pytest.raises(sa.exc.StatementError, match="time zone"), store.begin_across() as tx:
        tenants.add_tenant(tx, "ten_b", "B", datetime(2026, 7, 1))  # noqa: DTZ001 - the point of the test


def test_connections_that_the_server_has_ended_are_replaced_and_nobody_is_told(
    store: Store, database: str, postgres: Any
) -> None:
    def use_every_kind() -> None:
        for begin in (store.read_across(), store.read("ten_a"), store.begin("ten_a"), store.begin_across()):
            with begin as tx:
                assert tx.conn.execute(sa.text("SELECT 1")).scalar_one() == 1

    use_every_kind()
    name = database.partition("?")[0].rpartition("/")[2]
    # With a time limit the call returns when the processes are gone.
    ended = postgres.execute(
        f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    assert len(ended) >= 2
    assert all(one for (one,) in ended)
    use_every_kind()
