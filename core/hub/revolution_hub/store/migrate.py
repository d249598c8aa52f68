"""Bringing a database to the newest schema, and refusing one this version cannot use."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DatabaseError

from revolution_hub.errors import SettingsError
from revolution_hub.store.tx import Store

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(store: Store) -> str:
    """Apply every migration the database lacks and return the revision it then has.

    Raises SettingsError if the file is not a database or was written by a newer version.
    """
    script = ScriptDirectory(str(_SCRIPTS))
    present = current_revision(store)
    if present is not None and present not in {one.revision for one in script.walk_revisions()}:
        raise SettingsError("the database was written by a newer version of Revolution Hub; update first")
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with store.begin_across() as tx:
        config.attributes["connection"] = tx.conn
        command.upgrade(config, "head")
    return str(script.get_current_head())


def current_revision(store: Store) -> str | None:
    """Return the database's schema revision, None for an empty database."""
    try:
        with store.read_across() as tx:
            return MigrationContext.configure(tx.conn).get_current_revision()
    except DatabaseError as error:
        raise SettingsError("the database file cannot be read as a database") from error


def is_current(store: Store) -> bool:
    """Tell whether the database has the newest schema."""
    return current_revision(store) == ScriptDirectory(str(_SCRIPTS)).get_current_head()
