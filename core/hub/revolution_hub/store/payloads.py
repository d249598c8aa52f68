"""Large payloads: out of the rows into files before the commit that names them, and back where one is read.

Rows are written as text, so the text's length says for nothing which values are large. A list shows a
`Filed` instead of the value; whoever reads a single thing reads its files as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.crashpoint import reach
from revolution_hub.errors import PayloadError
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.payload import FILE, Filed, FileRef, Files, to_stored
from revolution_hub.store import tables as t
from revolution_hub.store.types import Payload, json_text
from revolution_sdk.types import Json

OPTION = "revolution_files"
"""Under this name a connection has the file store of its `Store`."""

OWNER = {
    "executions": "id",
    "step_executions": "execution_id",
    "callbacks": "execution_id",
    "approvals": "execution_id",
    "events": "id",
}
"""For each table with payloads the column that says whose they are."""

PAYLOADS = {
    name: tuple(column.name for column in t.metadata.tables[name].columns if isinstance(column.type, Payload))
    for name in OWNER
}

_NAME = json_text(FILE)
BEGINNING = f"{{{_NAME}"
"""Only text that begins like this can be taken for a reference to a file."""

_WIDEST = 4
"""So many bytes one character has at most."""


def files_of(conn: Connection) -> Files | None:
    """Return the file store that belongs to the connection, None if its process has none."""
    found: Files | None = conn.get_execution_options().get(OPTION)
    return found


def limit_of(conn: Connection) -> float:
    """Return how many characters of text are certainly no large payload."""
    files = files_of(conn)
    return files.inline_bytes / _WIDEST if files else float("inf")


def stored_text(conn: Connection, table: sa.Table, row: Mapping[str, Any], name: str, text: str) -> str:
    """Return what is stored in this column instead of a value's text. Files of large ones are written.

    Need not be asked for text up to `limit_of` that has not this `BEGINNING`: that is stored as it is.
    """
    small = _small(conn, table, row, name, text)
    stored = to_stored(small)
    return text if stored is row[name] else json_text(stored)


def stored_rows(
    conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]], text: str
) -> Sequence[dict[str, Any]] | None:
    """Return the rows as they are stored if they differ from themselves, else None; `text` is all of them."""
    if table.name not in OWNER:
        return None
    # Looking for a single character first costs next to nothing, however long the text is.
    if not ("$" in text and _NAME in text) and not _is_large(conn, text):
        return None
    stored = [_stored_row(conn, table, row) for row in rows]
    return None if all(new is old for new, old in zip(stored, rows, strict=True)) else stored


def without_large(conn: Connection, table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with every large value in its file, for a statement that SQLAlchemy writes."""
    return {
        name: _small(conn, table, row, name, json_text(value))
        if value is not None and name in PAYLOADS[table.name]
        else value
        for name, value in row.items()
    }


def whole(files: Files | None, value: Json, *, strict: bool = True) -> Json:
    """Return a value read from its file if it is in one.

    If that cannot be done PayloadError is raised; unless `strict`, what stands in for it says why.
    """
    if not isinstance(value, Filed):
        return value
    try:
        if files is None:
            raise PayloadError("no folder of large payloads is known here", code="payload_missing")
        return json.loads(files.read(value.ref))
    except PayloadError as error:
        if strict:
            raise
        return Filed(value.ref, error.code)


def whole_execution(files: Files | None, execution: Execution, *, strict: bool = True) -> Execution:
    """Return the execution with everything that is kept in files."""
    filed = _read(files, execution, PAYLOADS["executions"], strict)
    return replace(execution, **filed) if filed else execution


def whole_step(files: Files | None, step: StepExecution, *, strict: bool = True) -> StepExecution:
    """Return the step execution with everything that is kept in files."""
    filed = _read(files, step, PAYLOADS["step_executions"], strict)
    return replace(step, **filed) if filed else step


def _read(files: Files | None, value: object, names: Sequence[str], strict: bool) -> dict[str, Json]:
    filed = {name: one for name in names if isinstance(one := getattr(value, name), Filed)}
    return {name: whole(files, one, strict=strict) for name, one in filed.items()}


def _stored_row(conn: Connection, table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in PAYLOADS[table.name]:
        value = row.get(name)
        if value is not None:
            stored = to_stored(_small(conn, table, row, name, json_text(value)))
            if stored is not value:
                changed[name] = stored
    return row | changed if changed else row


def _small(conn: Connection, table: sa.Table, row: Mapping[str, Any], name: str, text: str) -> Json:
    """Return the row's value, or what stands in for it once it is in a file of the row's owner."""
    value, files = row[name], files_of(conn)
    if isinstance(value, Filed):
        if files is None or value.ref.owner == row[OWNER[table.name]]:
            return value
        # It was another's: its file goes with that one.
        return _kept(conn, files, table, row, files.read(value.ref))
    if files is None or not _is_large(conn, text):
        return value
    return _kept(conn, files, table, row, text.encode())


def _kept(conn: Connection, files: Files, table: sa.Table, row: Mapping[str, Any], content: bytes) -> Filed:
    owner = row[OWNER[table.name]]
    ref: FileRef = files.keep(_tenant_of(conn, table, row, owner), owner, content)
    reach("payload.after_keep")
    return Filed(ref)


def _tenant_of(conn: Connection, table: sa.Table, row: Mapping[str, Any], owner: str) -> str:
    if "tenant_id" in row:
        return str(row["tenant_id"])
    # A row that is changed is named by its id alone.
    query = sa.select(table.c.tenant_id).where(table.c[OWNER[table.name]] == owner)
    return str(conn.execute(query).scalar_one())


def _is_large(conn: Connection, text: str) -> bool:
    most = limit_of(conn)
    # Text that is all ASCII says so by itself, and has as many bytes as characters.
    return len(text) > most and (len(text) if text.isascii() else len(text.encode())) > most * _WIDEST
