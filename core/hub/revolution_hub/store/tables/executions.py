"""Executions, their steps and attempts, and the indexes that answer for them."""

from typing import Any

import sqlalchemy as sa

from revolution_hub.model.status import CRASHES_BEFORE_ISOLATION
from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    partial,
    tenant_column,
    text,
    whole,
)
from revolution_hub.store.types import json_column, payload_column

TAKEABLE = sa.text(f"status = 'queued' AND crashes <> {CRASHES_BEFORE_ISOLATION}")
SUSPECT = sa.text(f"status = 'queued' AND crashes = {CRASHES_BEFORE_ISOLATION}")
RUNNING = sa.text("status = 'running'")
WAITING = sa.text("status = 'waiting' AND (wait_reason IS NULL OR wait_reason <> 'connection')")
DISCONNECTED = sa.text("status = 'waiting' AND wait_reason = 'connection'")
"""What the partial indexes of the executions hold. A query says it in the same words, without parameters, so
that the database sees that the index will do. One that has ended is in none of them."""

CHILD = sa.text("parent_id IS NOT NULL")
IN_LINE = sa.text("turn_key IS NOT NULL AND status IN ('queued', 'running', 'waiting')")
NOTABLE = sa.text("status IN ('waiting', 'failed', 'cancelled')")
"""Those that wait or did not succeed are the ones people look for, and few."""
REPLAY = sa.text("replay_of IS NOT NULL")
BY_HAND = sa.text("started_by IS NOT NULL")

BY_LANE = "ix_executions_tenant_id_connection_id_id"
BY_SUSPECT = "ix_executions_status_tenant_id_id"
BY_USE = "ix_executions_tenant_id_connection_id_lease_owner"
BY_LEASE = "ix_executions_lease_until"
BY_MOMENT = "ix_executions_wait_reason_wake_at"
BY_ANSWER = "ix_executions_wait_on_tenant_id_id"
BY_PARENT = "ix_executions_parent_id_parent_step_place"
BY_TURN = "ix_executions_tenant_id_turn_key_status_wait_reason_id"
BY_ID = "ix_executions_tenant_id_id"
BY_WORKFLOW = "ix_executions_tenant_id_workflow_id_id"
BY_STATUS = "ix_executions_tenant_id_status_id"
BY_REPLAY = "ix_executions_tenant_id_replay_of_id"
BY_STARTER = "ix_executions_tenant_id_started_by_id"

executions = sa.Table(
    "executions",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("workflow_id", sa.String(200), nullable=False),
    whole("version"),
    payload_column("definition"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("wait_reason", sa.String(20), nullable=True),
    sa.Column("wait_on", sa.String(80), nullable=True),
    moment("wake_at"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    payload_column("trigger", null=False),
    payload_column("output"),
    payload_column("response"),
    json_column("error"),
    text("reason"),
    sa.Column("event_id", sa.String(40), nullable=True),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.Column("started_by", sa.String(40), nullable=True),
    whole("fence"),
    whole("crashes"),
    sa.Column("lease_owner", sa.String(60), nullable=True),
    moment("lease_until"),
    moment("created_at", null=False),
    moment("started_at"),
    moment("finished_at"),
    sa.Column("parent_id", sa.String(40), nullable=True),
    sa.Column("parent_step", sa.String(200), nullable=True),
    sa.Column("block", sa.String(200), nullable=True),
    whole("place", null=True),
    sa.Column("depth", sa.Integer, nullable=False, server_default="0"),
    json_column("joins"),
    json_column("allotted"),
    sa.Column("turn_key", sa.String(400), nullable=True),
    whole("turn_limit", null=True),
    sa.Column("turn_skip", sa.Boolean, nullable=True),
    payload_column("pins"),
    sa.Column("replay_of", sa.String(40), nullable=True),
    sa.UniqueConstraint("tenant_id", "workflow_id", "event_id"),
    sa.UniqueConstraint("tenant_id", "workflow_id", "idempotency_key"),
    sa.Index(None, "tenant_id", "id"),
    sa.Index(None, "tenant_id", "workflow_id", "id"),
    partial("tenant_id", "status", "id", of=NOTABLE),
    partial("tenant_id", "replay_of", "id", of=REPLAY),
    partial("tenant_id", "started_by", "id", of=BY_HAND),
    partial("parent_id", "parent_step", "place", of=CHILD),
    partial("tenant_id", "turn_key", "status", "wait_reason", "id", of=IN_LINE),
    partial("tenant_id", "connection_id", "id", of=TAKEABLE),
    partial("status", "tenant_id", "id", of=SUSPECT),
    partial("tenant_id", "connection_id", "lease_owner", of=RUNNING),
    partial("lease_until", of=RUNNING),
    partial("wait_reason", "wake_at", of=WAITING),
    partial("wait_on", "tenant_id", "id", of=DISCONNECTED),
)


def through(query: sa.Select[Any], index: str) -> sa.Select[Any]:
    """Return the query of executions, to be answered from this index.

    SQLite keeps no figures about its tables and would guess; PostgreSQL does and finds it by itself.
    """
    return query.with_hint(executions, f"INDEXED BY {index}", "sqlite")


step_executions = sa.Table(
    "step_executions",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("step_id", sa.String(200), primary_key=True),
    tenant_column(),
    whole("position"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    text("uses"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    payload_column("input"),
    payload_column("output"),
    json_column("error"),
    whole("attempts"),
    whole("checks"),
    sa.Column("forgiven", sa.Integer, nullable=False, server_default="0"),
    moment("wake_at"),
    moment("started_at", null=False),
    moment("finished_at"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("step_id", sa.String(200), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    tenant_column(),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("worker", sa.String(60), nullable=False),
    json_column("error"),
    moment("started_at", null=False),
    moment("finished_at"),
)
