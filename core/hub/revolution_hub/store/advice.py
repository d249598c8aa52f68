"""What an operator can do about a database's refusal. The driver's sentence names no password, no value."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from revolution_hub.errors import SettingsError
from revolution_hub.store.errors import StoreError, one_line
from revolution_hub.store.tx import Store

_URL = "REVOLUTION_DATABASE_URL"

_ADVICE = {
    "password authentication failed": f"check the user and the password in {_URL}",
    "no password supplied": f"the server wants a password: {_URL}=postgresql://user:password@host/database",
    'role ".*" does not exist': f"create the role, or check the user in {_URL}",
    'database ".*" does not exist': f"create the database, or check its name in {_URL}",
    "no pg_hba.conf entry": "let its pg_hba.conf admit this user; if it wants TLS, add ?sslmode=require",
    "resolve host": f"check the host in {_URL}",
    "connection slots|too many (clients|connections)": "raise its max_connections, or run fewer processes",
    "permission denied": "grant the role what docs/operator.md says under PostgreSQL",
    "must be owner": "run `revolution migrate` with the role that owns the tables",
    "read-only transaction": f"the server only reads; name the primary in {_URL}",
    "readonly database": "let the user the hub runs as write to the file and to its folder",
    "disk I/O error": "see whether the disk is full or failing, then start again",
    "disk is full": "make room on the disk, then start again",
    "database is locked": "another program holds it; end that, then start again",
    "already exists": "it holds tables that are not the hub's; give the hub a database of its own",
    "invalid": f"correct {_URL}",
    "connection (failed|is bad|timeout)": f"check that the server runs, and host and port in {_URL}",
}
"""What a refusal says, and what to do; the first that fits counts."""

_NO_DATABASE = ("file is not a database", "disk image is malformed")
_OTHERWISE = f"check that the database runs and that {_URL} is right"


def refused(url: URL, reason: str) -> SettingsError:
    """Return the error an operator reads: what the database said, and what to do about it."""
    if any(one in reason for one in _NO_DATABASE):
        return SettingsError(
            f"the database file cannot be read as a database; restore {url.database} from a copy, or name "
            f"another file in {_URL}"
        )
    if "unable to open database file" in reason:
        return SettingsError(f"the database cannot be used: {_unopened(Path(url.database or ''))}")
    advice = next((advice for said, advice in _ADVICE.items() if re.search(said, reason)), _OTHERWISE)
    return SettingsError(f"the database cannot be used: {reason}; {advice}")


@contextmanager
def explained(store: Store) -> Iterator[None]:
    """Turn whatever the database refuses inside into a SettingsError of one line."""
    try:
        yield
    except StoreError as error:
        raise refused(store.engine.url, error.reason) from error
    except DatabaseError as error:
        raise refused(store.engine.url, one_line(error.orig)) from error


def _unopened(file: Path) -> str:
    # SQLite does not say why; the file system does.
    if file.is_dir():
        return f"{file} is a folder; name a file in {_URL}"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}; make it, or correct {_URL}"
    return f"{file} cannot be opened; let the user the hub runs as write to it and to its folder"
