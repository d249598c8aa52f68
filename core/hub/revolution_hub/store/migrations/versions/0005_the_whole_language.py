"""Child executions, turns, callbacks, schedules and shares: what the whole workflow language needs"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

COLUMNS: tuple[tuple[str, Any], ...] = (
    ("parent_id", sa.String(40)),
    ("parent_step", sa.String(200)),
    ("block", sa.String(200)),
    ("place", sa.Integer()),
    ("turn_key", sa.String(400)),
    ("turn_limit", sa.Integer()),
    ("turn_skip", sa.Boolean()),
    ("replay_of", sa.String(40)),
)
INDEXES: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (("tenant_id", "workflow_id", "id"), None),
    (("tenant_id", "status", "id"), "status IN ('waiting', 'failed', 'cancelled')"),
    (("tenant_id", "replay_of", "id"), "replay_of IS NOT NULL"),
    (("tenant_id", "started_by", "id"), "started_by IS NOT NULL"),
    (("parent_id", "parent_step", "place"), "parent_id IS NOT NULL"),
    (
        ("tenant_id", "turn_key", "status", "wait_reason", "id"),
        "turn_key IS NOT NULL AND status IN ('queued', 'running', 'waiting')",
    ),
)
NEW_TABLES = ("callbacks", "schedules", "shares")
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("executions", sa.Column(name, kind, nullable=True))
    for name in ("joins", "allotted", "pins"):
        op.add_column("executions", sa.Column(name, _JSON, nullable=True))
    op.add_column("executions", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("step_executions", sa.Column("forgiven", sa.Integer(), nullable=False, server_default="0"))
    for columns, of in INDEXES:
        where = sa.text(of) if of else None
        name = f"ix_executions_{'_'.join(columns)}"
        op.create_index(name, "executions", list(columns), sqlite_where=where, postgresql_where=where)
    _callbacks()
    _schedules()
    _shares()
    if op.get_bind().dialect.name == "postgresql":
        for table in NEW_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenants ON {table} USING ({RULE}) WITH CHECK ({RULE})")


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("execution_id", sa.String(40), nullable=False),
        sa.Column("step_id", sa.String(200), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("data", _JSON, nullable=True),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "step_id", name="pk_callbacks"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", _JSON, nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("workflow_id", "position", name="uq_schedules_workflow_id_position"),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])


def _shares() -> None:
    op.create_table(
        "shares",
        sa.Column("workflow_id", sa.String(40), nullable=False),
        sa.Column("principal_id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("right", sa.String(20), nullable=False),
        sa.Column("granted_by", sa.String(40), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", "principal_id", name="pk_shares"),
    )
