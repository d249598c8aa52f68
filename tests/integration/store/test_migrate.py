"""Migrations: they make exactly the declared tables, once, and refuse what this version cannot use."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from revolution_hub.errors import SettingsError
from revolution_hub.store.migrate import current_revision, is_current, migrate
from revolution_hub.store.tables import metadata
from revolution_hub.store.tx import Store, StoreError

Open = Callable[..., Store]


def schema_of(store: Store) -> list[str]:
    with store.read_across() as tx:
        rows = tx.conn.execute(sa.text("select sql from sqlite_master where sql is not null order by name"))
        return [row.sql for row in rows]


def test_migrations_make_exactly_the_declared_tables(store: Store) -> None:
    with store.read_across() as tx:
        context = MigrationContext.configure(
            tx.conn, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, metadata) == []


def test_an_empty_file_is_brought_to_the_newest_schema(open_store: Open, tmp_path: Path) -> None:
    store = open_store(tmp_path / "new.db")
    assert current_revision(store) is None
    assert not is_current(store)
    revision = migrate(store)
    assert current_revision(store) == revision
    assert is_current(store)


def test_migrating_twice_changes_nothing(open_store: Open, tmp_path: Path) -> None:
    store = open_store(tmp_path / "new.db")
    first = migrate(store)
    before = schema_of(store)
    assert migrate(store) == first
    assert schema_of(store) == before


def test_two_processes_may_migrate_at_once(open_store: Open, tmp_path: Path) -> None:
    one, other = open_store(tmp_path / "new.db"), open_store(tmp_path / "new.db")
    assert migrate(one) == migrate(other)
    assert is_current(other)


def test_a_migration_that_fails_leaves_nothing_behind(open_store: Open, tmp_path: Path) -> None:
    store = open_store(tmp_path / "new.db")
    with store.begin_across() as tx:
        tx.conn.execute(sa.text("create table executions (id text)"))
    before = schema_of(store)
    with pytest.raises(StoreError) as caught:
        migrate(store)
    assert "executions already exists" in caught.value.reason
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
    open_store: Open, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        migrate(open_store(path))
    assert caught.value.message == "the database file cannot be read as a database"
    assert path.read_bytes() == content
