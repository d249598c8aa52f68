"""Migrations: they make exactly the declared tables, once, and refuse what this version cannot use."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from revolution_hub.errors import SettingsError
from revolution_hub.store.migrate import LOCK, migrate
from revolution_hub.store.revision import KNOWN, NEWEST, SCRIPTS, current_revision, is_current
from revolution_hub.store.tables import metadata
from revolution_hub.store.tx import Store

Open = Callable[..., Store]


SQLITE_SCHEMA = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
POSTGRESQL_SCHEMA = """
    SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, is_nullable)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', tablename, policyname, qual, with_check) FROM pg_policies
    ORDER BY 1
"""


def schema_of(store: Store) -> list[str]:
    query = SQLITE_SCHEMA if store.dialect == "sqlite" else POSTGRESQL_SCHEMA
    with store.read_across() as tx:
        return list(tx.conn.execute(sa.text(query)).scalars())


def test_migrations_make_exactly_the_declared_tables(store: Store) -> None:
    with store.read_across() as tx:
        context = MigrationContext.configure(
            tx.conn, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_brought_to_the_newest_schema(open_store: Open, empty_database: str) -> None:
    store = open_store(empty_database)
    assert current_revision(store) is None
    assert not is_current(store)
    revision = migrate(store)
    assert current_revision(store) == revision
    assert is_current(store)


def test_the_revisions_are_those_of_the_files_in_order() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    assert [one.revision for one in scripts.walk_revisions()] == [*reversed(KNOWN)]
    assert scripts.get_heads() == [NEWEST]


def test_migrating_twice_changes_nothing(open_store: Open, empty_database: str) -> None:
    store = open_store(empty_database)
    first = migrate(store)
    before = schema_of(store)
    assert migrate(store) == first
    assert schema_of(store) == before


def test_four_processes_may_migrate_an_empty_database_at_once(open_store: Open, empty_database: str) -> None:
    stores = [open_store(empty_database) for _ in range(4)]
    barrier = Barrier(4)

    def start(store: Store) -> str:
        assert current_revision(store) is None
        barrier.wait(10)
        return migrate(store)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, stores))) == 1
    assert is_current(stores[0])


def test_a_hub_that_starts_while_another_migrates_waits_for_it(
    open_store: Open, empty_database: str, postgres: Any
) -> None:
    first, second = open_store(empty_database), open_store(empty_database)
    name = empty_database.partition("?")[0].rpartition("/")[2]
    waits = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'advisory'"

    with ThreadPoolExecutor(1) as pool:
        with first.begin_across() as tx:
            tx.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            later = pool.submit(migrate, second)
            give_up_s = time.monotonic() + 20
            while postgres.execute(waits) != [(1,)] and time.monotonic() < give_up_s:
                time.sleep(0.01)
            assert postgres.execute(waits) == [(1,)]
            assert current_revision(first) is None
        assert later.result(20) == current_revision(first)


def test_a_migration_that_fails_leaves_nothing_behind(open_store: Open, empty_database: str) -> None:
    store = open_store(empty_database)
    with store.begin_across() as tx:
        tx.conn.execute(sa.text("create table executions (id text)"))
    before = schema_of(store)
    with pytest.raises(SettingsError, match=r"executions\"? already exists; .* a database of its own"):
        migrate(store)
    assert schema_of(store) == before
    assert current_revision(store) is None


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(store: Store) -> None:
    with store.begin_across() as tx:
        tx.conn.execute(sa.text("update alembic_version set version_num = '9999'"))
    before = schema_of(store)
    with pytest.raises(SettingsError, match="written by a newer version") as caught:
        migrate(store)
    assert "\n" not in caught.value.message
    assert not is_current(store)
    assert (current_revision(store), schema_of(store)) == ("9999", before)


@pytest.mark.parametrize("content", [b"this is no database\n" * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_in_one_line_and_kept(
    open_store: Open, database_file: Path, content: bytes
) -> None:
    database_file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        migrate(open_store())
    assert caught.value.message.startswith("the database file cannot be read as a database; ")
    assert database_file.read_bytes() == content
