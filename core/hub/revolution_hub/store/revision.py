"""Which schema a database has, and refusing one this version cannot use. Every process asks at its start."""

import re
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from revolution_hub.errors import SettingsError
from revolution_hub.store.advice import refused
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.errors import one_line
from revolution_hub.store.tx import Store

OLDEST_POSTGRESQL = 15

SCRIPTS: Final = Path(__file__).with_name("migrations")
_FILE = re.compile(r"(\d{4})_\w+\.py\Z")

KNOWN: Final = tuple(
    sorted(match[1] for one in (SCRIPTS / "versions").iterdir() if (match := _FILE.match(one.name)))
)
"""Every revision there is, oldest first: each is the number its migration's file begins with."""
NEWEST: Final = KNOWN[-1]

_VERSIONS = sa.table("alembic_version", sa.column("version_num"))


def current_revision(store: Store) -> str | None:
    """Return the database's schema revision, None for an empty database.

    Raises SettingsError if it is no database, or a PostgreSQL this version cannot use, and StoreError if it
    does not answer, which may pass.
    """
    try:
        with store.read_across() as tx:
            _require_usable(tx.conn)
            if not sa.inspect(tx.conn).has_table(_VERSIONS.name):
                return None
            return tx.conn.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none()
    except DatabaseError as error:
        raise refused(store.engine.url, one_line(error.orig)) from error


def is_current(store: Store) -> bool:
    """Tell whether the database has the newest schema."""
    return current_revision(store) == NEWEST


def require_current(store: Store) -> None:
    """Raise SettingsError, with what to do, unless the database has the newest schema."""
    if is_current(store):
        return
    present = current_revision(store)
    refuse_newer(present)
    state = "is empty" if present is None else f"has the older schema {present}"
    raise SettingsError(f"the database {state}; run: revolution migrate")


def refuse_newer(present: str | None) -> None:
    """Raise SettingsError for a revision that is none of those there are."""
    if present is not None and present not in KNOWN:
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
