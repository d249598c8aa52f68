"""Workflows, their published versions, and what listens for events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.errors import ConflictError
from revolution_hub.model.event import Listener
from revolution_hub.store import hooks, schedules, shares
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkflow:
    """A workflow as it is kept: the draft document, and which version is published, if any."""

    id: str
    tenant_id: str
    name: str
    document: JsonObject
    revision: int
    created_at: datetime
    updated_at: datetime
    published_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A published, immutable snapshot."""

    workflow_id: str
    tenant_id: str
    version: int
    document: JsonObject
    published_by: str
    created_at: datetime


def add(tx: Tx, workflow: StoredWorkflow) -> None:
    """Keep a new draft; raises ConflictError if the name is taken."""
    try:
        tx.conn.execute(sa.insert(t.workflows).values(columns_of(workflow)))
    except sa.exc.IntegrityError as error:
        raise ConflictError(
            f"there is already a workflow named {workflow.name!r}", code="name_taken"
        ) from error


def get(tx: Tx, workflow_id: str) -> StoredWorkflow:
    """Return a workflow or raise NotFoundError."""
    row = found(one_row(tx, t.workflows, t.workflows.c.id == workflow_id), "workflow")
    return value_of(StoredWorkflow, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioning:
    """A workflow in whose draft or published version a text occurs."""

    id: str
    name: str
    draft: JsonObject
    published: JsonObject | None


def mentioning(tx: Tx, text: str) -> list[Mentioning]:
    """Return every workflow in which a text occurs, by name."""
    table, versions = t.workflows, t.workflow_versions
    live = sa.and_(
        versions.c.workflow_id == table.c.id,
        versions.c.version == table.c.published_version,
        versions.c.tenant_id == table.c.tenant_id,
    )
    occurs = [sa.cast(one.c.document, sa.Text).contains(text, autoescape=True) for one in (table, versions)]
    query = (
        sa.select(table.c.id, table.c.name, table.c.document, versions.c.document.label("published"))
        .select_from(table.outerjoin(versions, live))
        .where(table.c.tenant_id == tx.tenant_id, sa.or_(*occurs))
        .order_by(table.c.name)
    )
    return [
        Mentioning(id=row.id, name=row.name, draft=row.document, published=row.published)
        for row in tx.conn.execute(query)
    ]


def is_published(tx: Tx, workflow_id: str) -> bool:
    """Tell whether a workflow is there and published."""
    table = t.workflows
    query = sa.select(table.c.published_version).where(
        table.c.tenant_id == tx.tenant_id, table.c.id == workflow_id
    )
    return tx.conn.execute(query).scalar_one_or_none() is not None


def find_by_name(tx: Tx, name: str) -> StoredWorkflow | None:
    """Return the workflow of this name, or None."""
    row = one_row(tx, t.workflows, t.workflows.c.name == name)
    return value_of(StoredWorkflow, row) if row else None


def list_page(
    tx: Tx, page: Page, name: str | None, *, only: sa.Select[Any] | None = None
) -> tuple[list[StoredWorkflow], str | None]:
    """Return one page of workflows; with `only`, of those whose ids it selects."""
    rows, cursor = page_rows(tx, t.workflows, page, {"name": name}, _within(t.workflows.c.id, only))
    return [value_of(StoredWorkflow, row) for row in rows], cursor


def replace(tx: Tx, workflow: StoredWorkflow, revision: int) -> bool:
    """Store a changed draft if `revision` is still the present one; True if it was."""
    try:
        done = tx.conn.execute(
            sa.update(t.workflows)
            .where(
                t.workflows.c.tenant_id == tx.tenant_id,
                t.workflows.c.id == workflow.id,
                t.workflows.c.revision == revision,
            )
            .values(columns_of(workflow, without=("id", "tenant_id", "created_at")))
        )
    except sa.exc.IntegrityError as error:
        raise ConflictError(
            f"there is already a workflow named {workflow.name!r}", code="name_taken"
        ) from error
    return done.rowcount == 1


def remove(tx: Tx, workflow_id: str) -> bool:
    """Delete a draft and everything that would start it; versions stay for the executions that ran them."""
    schedules.replace(tx, workflow_id, ())
    shares.remove_all_of(tx, workflow_id)
    for table in (t.listeners, t.hooks, t.hook_addresses):
        tx.conn.execute(
            sa.delete(table).where(table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id)
        )
    done = tx.conn.execute(
        sa.delete(t.workflows).where(t.workflows.c.tenant_id == tx.tenant_id, t.workflows.c.id == workflow_id)
    )
    return done.rowcount == 1


def add_version(tx: Tx, version: StoredVersion, listeners: Sequence[Listener]) -> None:
    """Keep a version, which never changes from here on, and let it alone listen."""
    tx.conn.execute(sa.insert(t.workflow_versions).values(columns_of(version)))
    _replace_listeners(tx, version.workflow_id, listeners)


def listen(tx: Tx, workflow_id: str, listeners: Sequence[Listener]) -> None:
    """Let these alone listen for a workflow from now on; its webhook's URL leads to them."""
    if listeners_of(tx, workflow_id) != list(listeners):
        _replace_listeners(tx, workflow_id, listeners)


def _replace_listeners(tx: Tx, workflow_id: str, listeners: Sequence[Listener]) -> None:
    tx.conn.execute(
        sa.delete(t.listeners).where(
            t.listeners.c.tenant_id == tx.tenant_id, t.listeners.c.workflow_id == workflow_id
        )
    )
    rows = [{**columns_of(one), "position": index} for index, one in enumerate(listeners)]
    if rows:
        tx.conn.execute(sa.insert(t.listeners), rows)
    hooks.note_change(tx, workflow_id)


def stop(tx: Tx, workflow_id: str) -> None:
    """Let nothing start a workflow any more. Its webhook keeps its URL, which leads nowhere."""
    listen(tx, workflow_id, ())
    schedules.replace(tx, workflow_id, ())


def listeners_of(tx: Tx, workflow_id: str) -> list[Listener]:
    """Return what listens for a workflow, in the order of its triggers."""
    table = t.listeners
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id)
    rows = tx.conn.execute(query.order_by(table.c.position)).mappings()
    return [value_of(Listener, row) for row in rows]


def get_version(tx: Tx, workflow_id: str, version: int) -> StoredVersion:
    """Return a published version or raise NotFoundError."""
    table = t.workflow_versions
    row = one_row(tx, table, table.c.workflow_id == workflow_id, table.c.version == version)
    return value_of(StoredVersion, found(row, "version"))


def list_versions(tx: Tx, workflow_id: str, page: Page) -> tuple[list[StoredVersion], str | None]:
    """Return one page of a workflow's versions, by their numbers."""
    rows, cursor = page_rows(tx, t.workflow_versions, page, {"workflow_id": workflow_id}, key="version")
    return [value_of(StoredVersion, row) for row in rows], cursor


def last_version(tx: Tx, workflow_id: str) -> int:
    """Return the newest version's number, 0 if none was published."""
    table = t.workflow_versions
    query = sa.select(sa.func.max(table.c.version)).where(
        table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id
    )
    return tx.conn.execute(query).scalar_one() or 0


def list_listeners(tx: Tx, event_types: list[str]) -> list[Listener]:
    """Return the tenant's listeners for any of these event types."""
    query = sa.select(t.listeners).where(
        t.listeners.c.tenant_id == tx.tenant_id, t.listeners.c.event_type.in_(event_types)
    )
    rows = tx.conn.execute(query.order_by(t.listeners.c.workflow_id, t.listeners.c.position)).mappings()
    return [value_of(Listener, row) for row in rows]


def _within(column: sa.Column[str], only: sa.Select[Any] | None) -> list[sa.ColumnElement[bool]]:
    return [] if only is None else [column.in_(only)]
