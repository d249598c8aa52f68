"""Every table. TENANT_TABLES carry `tenant_id`; the others are in GLOBAL_TABLES with a reason.

A change here needs a migration beside it; a test compares both.
"""

from typing import Any

import sqlalchemy as sa

from revolution_hub.model.status import CRASHES_BEFORE_ISOLATION
from revolution_hub.store.types import Moment, json_column, payload_column

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

GLOBAL_TABLES = {
    "tenants": "the tenants themselves",
    "installation": "facts about the installation, such as the canary of the master key",
    "provider_apps": "one app may serve the connections of many tenants",
    "app_deliveries": "one delivery may carry events of many tenants",
}


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(40), primary_key=True)


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.String(40), nullable=False)


def _moment(name: str, *, null: bool = True) -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=null)


def _text(name: str, *, null: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _whole(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null)


def _partial(*columns: str, of: sa.TextClause) -> sa.Index:
    return sa.Index(None, *columns, sqlite_where=of, postgresql_where=of)


def _sealed(*, null: bool = False) -> list[sa.Column[Any]]:
    return [
        sa.Column("sealed", sa.LargeBinary, nullable=null),
        sa.Column("sealed_key_id", sa.String(40), nullable=null),
        sa.Column("sealed_version", sa.Integer, nullable=null),
    ]


tenants = sa.Table("tenants", metadata, _id(), _text("name", null=False), _moment("created_at", null=False))

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    _tenant(),
    _text("name", null=False),
    sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(40), nullable=False),
    _moment("created_at", null=False),
    _moment("revoked_at"),
)

data_keys = sa.Table(
    "data_keys",
    metadata,
    _id(),
    _tenant(),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    _moment("created_at", null=False),
    sa.Index(None, "tenant_id"),
)

provider_apps = sa.Table(
    "provider_apps",
    metadata,
    _id(),
    _text("connector", null=False),
    sa.Column("app_key", sa.String(80), nullable=False, unique=True),
    sa.Column("owner_tenant_id", sa.String(40), nullable=True),
    _text("client_id", null=False),
    *_sealed(),
    _moment("created_at", null=False),
)

connections = sa.Table(
    "connections",
    metadata,
    _id(),
    _tenant(),
    _text("connector", null=False),
    _text("name", null=False),
    sa.Column("status", sa.String(20), nullable=False),
    _text("status_reason"),
    _text("base_url", null=False),
    _text("account"),
    sa.Column("app_id", sa.String(40), nullable=True),
    *_sealed(),
    _whole("revision"),
    sa.Column("refresh_owner", sa.String(60), nullable=True),
    _moment("refresh_until"),
    _moment("created_at", null=False),
    _moment("updated_at", null=False),
    sa.UniqueConstraint("tenant_id", "connector", "name"),
    sa.Index(None, "app_id", "account"),
)

workflows = sa.Table(
    "workflows",
    metadata,
    _id(),
    _tenant(),
    _text("name", null=False),
    json_column("document", null=False),
    _whole("revision"),
    _whole("published_version", null=True),
    _moment("created_at", null=False),
    _moment("updated_at", null=False),
    sa.UniqueConstraint("tenant_id", "name"),
)

workflow_versions = sa.Table(
    "workflow_versions",
    metadata,
    sa.Column("workflow_id", sa.String(40), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    _tenant(),
    json_column("document", null=False),
    _text("published_by", null=False),
    _moment("created_at", null=False),
)

listeners = sa.Table(
    "listeners",
    metadata,
    sa.Column("workflow_id", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _tenant(),
    _whole("version"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("event_type", sa.String(200), nullable=True),
    sa.Column("connection_id", sa.String(40), nullable=True),
    json_column("settings", null=False),
    sa.Index(None, "tenant_id", "event_type"),
)

hooks = sa.Table(
    "hooks",
    metadata,
    _id(),
    _tenant(),
    sa.Column("workflow_id", sa.String(40), nullable=False, unique=True),
    sa.Column("key", sa.String(80), nullable=False, unique=True),
    *_sealed(null=True),
    _moment("created_at", null=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
)


def _delivery_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        json_column("headers", null=False),
        sa.Column("received_at", Moment, nullable=False),
    ]


deliveries = sa.Table("deliveries", metadata, _id(), _tenant(), *_delivery_columns())
app_deliveries = sa.Table("app_deliveries", metadata, _id(), *_delivery_columns())

events = sa.Table(
    "events",
    metadata,
    _id(),
    _tenant(),
    sa.Column("source_id", sa.String(40), nullable=False),
    sa.Column("delivery_id", sa.String(40), nullable=False),
    _text("connector", null=False),
    _text("type", null=False),
    _text("canonical"),
    _text("account"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    sa.Column("dedup_key", sa.String(300), nullable=False),
    payload_column("data", null=False),
    _moment("occurred_at"),
    _moment("received_at", null=False),
    sa.UniqueConstraint("tenant_id", "source_id", "dedup_key"),
)

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
    _id(),
    _tenant(),
    sa.Column("workflow_id", sa.String(200), nullable=False),
    _whole("version"),
    payload_column("definition"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("wait_reason", sa.String(20), nullable=True),
    sa.Column("wait_on", sa.String(80), nullable=True),
    _moment("wake_at"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    payload_column("trigger", null=False),
    payload_column("output"),
    payload_column("response"),
    json_column("error"),
    _text("reason"),
    sa.Column("event_id", sa.String(40), nullable=True),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.Column("started_by", sa.String(40), nullable=True),
    _whole("fence"),
    _whole("crashes"),
    sa.Column("lease_owner", sa.String(60), nullable=True),
    _moment("lease_until"),
    _moment("created_at", null=False),
    _moment("started_at"),
    _moment("finished_at"),
    sa.Column("parent_id", sa.String(40), nullable=True),
    sa.Column("parent_step", sa.String(200), nullable=True),
    sa.Column("block", sa.String(200), nullable=True),
    _whole("place", null=True),
    sa.Column("depth", sa.Integer, nullable=False, server_default="0"),
    json_column("joins"),
    json_column("allotted"),
    sa.Column("turn_key", sa.String(400), nullable=True),
    _whole("turn_limit", null=True),
    sa.Column("turn_skip", sa.Boolean, nullable=True),
    payload_column("pins"),
    sa.Column("replay_of", sa.String(40), nullable=True),
    sa.UniqueConstraint("tenant_id", "workflow_id", "event_id"),
    sa.UniqueConstraint("tenant_id", "workflow_id", "idempotency_key"),
    sa.Index(None, "tenant_id", "id"),
    sa.Index(None, "tenant_id", "workflow_id", "id"),
    _partial("tenant_id", "status", "id", of=NOTABLE),
    _partial("tenant_id", "replay_of", "id", of=REPLAY),
    _partial("tenant_id", "started_by", "id", of=BY_HAND),
    _partial("parent_id", "parent_step", "place", of=CHILD),
    _partial("tenant_id", "turn_key", "status", "wait_reason", "id", of=IN_LINE),
    _partial("tenant_id", "connection_id", "id", of=TAKEABLE),
    _partial("status", "tenant_id", "id", of=SUSPECT),
    _partial("tenant_id", "connection_id", "lease_owner", of=RUNNING),
    _partial("lease_until", of=RUNNING),
    _partial("wait_reason", "wake_at", of=WAITING),
    _partial("wait_on", "tenant_id", "id", of=DISCONNECTED),
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
    _tenant(),
    _whole("position"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    _text("uses"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    payload_column("input"),
    payload_column("output"),
    json_column("error"),
    _whole("attempts"),
    _whole("checks"),
    sa.Column("forgiven", sa.Integer, nullable=False, server_default="0"),
    _moment("wake_at"),
    _moment("started_at", null=False),
    _moment("finished_at"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("step_id", sa.String(200), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    _tenant(),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("worker", sa.String(60), nullable=False),
    json_column("error"),
    _moment("started_at", null=False),
    _moment("finished_at"),
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("step_id", sa.String(200), primary_key=True),
    _tenant(),
    payload_column("data"),
    _moment("received_at", null=False),
)

schedules = sa.Table(
    "schedules",
    metadata,
    _id(),
    _tenant(),
    sa.Column("workflow_id", sa.String(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    _whole("version"),
    json_column("settings", null=False),
    _moment("next_at", null=False),
    _moment("last_at"),
    sa.UniqueConstraint("workflow_id", "position"),
    sa.Index(None, "next_at"),
)

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("workflow_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    _tenant(),
    sa.Column("right", sa.String(20), nullable=False),
    sa.Column("granted_by", sa.String(40), nullable=False),
    _moment("created_at", null=False),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("resource_id", sa.String(40), nullable=False),
    _moment("created_at", null=False),
)

TENANT_TABLES = [table for table in metadata.sorted_tables if table.name not in GLOBAL_TABLES]
