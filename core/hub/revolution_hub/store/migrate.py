"""Bringing a database to the newest schema, and refusing one this version cannot use."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from revolution_hub.errors import SettingsError
from revolution_hub.store.advice import explained, refused
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.tx import Store, one_line

OLDEST_POSTGRESQL = 15

_SCRIPTS = Path(__file__).with_name("migrations")
LOCK = 0x7265_766F_6C75_7465
"""Any number nobody else takes for an advisory lock of this database."""


def migrate(store: Store) -> str:
    """Apply every migration the database lacks and return the revision it then has.

    Several processes may do so at once: the others wait for the first. Raises SettingsError, in one line
    with what to do, if the database cannot be used or was written by a newer version.
    """
    head = _newest()
    with explained(store):
        present = current_revision(store)
        if present == head:
            return head
        _refuse_newer(present)
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        with store.begin_across() as tx:
            _wait_for_the_others(tx.conn)
            config.attributes["connection"] = tx.conn
            command.upgrade(config, "head")
    return head


def current_revision(store: Store) -> str | None:
    """Return the database's schema revision, None for an empty database.

    Raises SettingsError if it is no database, or a PostgreSQL this version cannot use, and StoreError if it
    does not answer, which may pass.
    """
    try:
        with store.read_across() as tx:
            _require_usable(tx.conn)
            return MigrationContext.configure(tx.conn).get_current_revision()
    except DatabaseError as error:
        raise refused(store.engine.url, one_line(error.orig)) from error


def is_current(store: Store) -> bool:
    """Tell whether the database has the newest schema."""
    return current_revision(store) == _newest()


def require_current(store: Store) -> None:
    """Raise SettingsError, with what to do, unless the database has the newest schema."""
    if is_current(store):
        return
    present = current_revision(store)
    _refuse_newer(present)
    state = "is empty" if present is None else f"has the older schema {present}"
    raise SettingsError(f"the database {state}; run: revolution migrate")


def _newest() -> str:
    return str(ScriptDirectory(str(_SCRIPTS)).get_current_head())


def _refuse_newer(present: str | None) -> None:
    known = {one.revision for one in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if present is not None and present not in known:
        raise SettingsError("the database was written by a newer version of Revolution Hub; update first")


def _require_usable(conn: Connection) -> None:
    if conn.dialect.name != POSTGRESQL:
        return
    version, encoding = conn.execute(
        sa.text("SELECT current_setting('server_version_num'), current_setting('server_encoding')")
    ).one()
    fault = unusable(int(version), encoding)
    if fault:
        raise SettingsError(fault)


def unusable(version_number: int, encoding: str) -> str | None:
    """Return why a PostgreSQL such as 140011, or a database in this encoding, cannot be used, else None."""
    if version_number // 10_000 < OLDEST_POSTGRESQL:
        return (
            f"the database server is PostgreSQL {version_number // 10_000}; "
            f"Revolution Hub needs {OLDEST_POSTGRESQL} or newer"
        )
    if encoding != "UTF8":
        return f"the database's encoding is {encoding}; create it anew with ENCODING 'UTF8'"
    return None


def _wait_for_the_others(conn: Connection) -> None:
    if conn.dialect.name == POSTGRESQL:
        # Large tables take long, and so may the wait; SQLite's own transaction is the lock there.
        conn.execute(sa.text("SET LOCAL statement_timeout = 0"))
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
