"""What an operator reads when a PostgreSQL cannot be used: one line, what to do, and never a password."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.missing import missing
from rig.postgres import Postgres, binaries
from rig.redis import free_port

from revolution_hub.errors import SettingsError
from revolution_hub.store.migrate import migrate
from revolution_hub.store.revision import unusable
from revolution_hub.store.tx import Store

Open = Callable[..., Store]
PASSWORD = "canary-password"


def refusal(store: Store) -> str:
    with pytest.raises(SettingsError) as caught:
        migrate(store)
    message: str = caught.value.message
    assert "\n" not in message
    assert PASSWORD not in message
    return message


def test_a_server_that_is_not_there(open_store: Open, postgres: Any) -> None:
    said = refusal(open_store(f"postgresql://hub:{PASSWORD}@127.0.0.1:{free_port()}/hub"))
    assert "Connection refused" in said
    assert "REVOLUTION_DATABASE_URL" in said


def test_a_host_nobody_knows(open_store: Open, postgres: Any) -> None:
    said = refusal(open_store(f"postgresql://hub:{PASSWORD}@no-such-host.invalid/hub"))
    assert "check the host in REVOLUTION_DATABASE_URL" in said


def test_a_database_that_does_not_exist(open_store: Open, postgres: Any) -> None:
    said = refusal(open_store(postgres.url("no_such_database")))
    assert 'database "no_such_database" does not exist; create the database' in said


def test_a_role_that_may_not_make_tables_is_told_before_anything_is_made(
    open_store: Open, empty_database: str, postgres: Any, app_role: str
) -> None:
    name = empty_database.partition("?")[0].rpartition("/")[2]
    said = refusal(open_store(postgres.url(name, app_role)))
    assert "permission denied for schema public" in said
    assert "docs/operator.md" in said
    assert postgres.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == [(0,)]


def test_a_role_that_may_not_even_read(
    open_store: Open, empty_database: str, postgres: Any, app_role: str
) -> None:
    migrate(open_store(empty_database))
    name = empty_database.partition("?")[0].rpartition("/")[2]
    assert "permission denied for table alembic_version" in refusal(open_store(postgres.url(name, app_role)))


def test_a_role_that_only_serves_starts_on_a_schema_that_is_current(store: Store, postgres: Any) -> None:
    assert migrate(store)


@pytest.mark.parametrize(
    ("version", "encoding", "said"),
    [
        (140_011, "UTF8", "is PostgreSQL 14; Revolution Hub needs 15 or newer"),
        (90_600, "UTF8", "is PostgreSQL 9; Revolution Hub needs 15 or newer"),
        (150_000, "SQL_ASCII", "encoding is SQL_ASCII; create it anew with ENCODING 'UTF8'"),
        (150_000, "UTF8", None),
        (180_001, "UTF8", None),
    ],
)
def test_an_old_server_and_another_encoding_are_refused(
    version: int, encoding: str, said: str | None
) -> None:
    fault = unusable(version, encoding)
    assert (fault is None) if said is None else (said in str(fault))


def test_a_wrong_password(open_store: Open, locked_server: Postgres) -> None:
    said = refusal(open_store(locked_server.url("postgres", f"guarded:{PASSWORD}")))
    assert 'password authentication failed for user "guarded"; check the user and the password' in said


@pytest.fixture
def locked_server(postgres: Any, tmp_path: Path) -> Iterator[Postgres]:
    """A server of the test's own that wants passwords of everybody but its owner."""
    if binaries() is None:
        missing("only a server of the tests' own can be told to want passwords")
    server = Postgres(tmp_path / "locked").create()
    rules = "local all postgres trust\nlocal all all scram-sha-256\n"
    (server.data / "pg_hba.conf").write_text(rules)
    server.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    server.stop()
    server.start()
    yield server
    server.stop()
