"""Bringing a database to the newest schema. Only what does so loads what it takes."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from revolution_hub.store.advice import explained
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.revision import NEWEST, SCRIPTS, current_revision, refuse_newer
from revolution_hub.store.tx import Store

LOCK = 0x7265_766F_6C75_7465
"""Any number nobody else takes for an advisory lock of this database."""


def migrate(store: Store) -> str:
    """Apply every migration the database lacks and return the revision it then has.

    Several processes may do so at once: the others wait for the first. Raises SettingsError, in one line
    with what to do, if the database cannot be used or was written by a newer version.
    """
    with explained(store):
        present = current_revision(store)
        if present == NEWEST:
            return NEWEST
        refuse_newer(present)
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        with store.begin_across() as tx:
            _wait_for_the_others(tx.conn)
            config.attributes["connection"] = tx.conn
            command.upgrade(config, "head")
    return NEWEST


def _wait_for_the_others(conn: Connection) -> None:
    if conn.dialect.name == POSTGRESQL:
        # Large tables take long, and so may the wait; SQLite's own transaction is the lock there.
        conn.execute(sa.text("SET LOCAL statement_timeout = 0"))
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
