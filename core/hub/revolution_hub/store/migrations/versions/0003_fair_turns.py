"""Fair turns: the connection an execution uses, and indexes that hold only what has not ended"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD: tuple[tuple[str, ...], ...] = (("status", "id"), ("status", "wake_at"), ("status", "lease_until"))
NEW: tuple[tuple[tuple[str, ...], str], ...] = (
    (("tenant_id", "connection_id", "id"), "status = 'queued' AND crashes <> 2"),
    (("status", "tenant_id", "id"), "status = 'queued' AND crashes = 2"),
    (("tenant_id", "connection_id", "lease_owner"), "status = 'running'"),
    (("lease_until",), "status = 'running'"),
    (
        ("wait_reason", "wake_at"),
        "status = 'waiting' AND (wait_reason IS NULL OR wait_reason <> 'connection')",
    ),
    (("wait_on", "tenant_id", "id"), "status = 'waiting' AND wait_reason = 'connection'"),
)


def upgrade() -> None:
    op.add_column("executions", sa.Column("connection_id", sa.String(length=40), nullable=True))
    for columns in OLD:
        op.drop_index(_name(columns), table_name="executions")
    for columns, of in NEW:
        where = sa.text(of)
        op.create_index(
            _name(columns), "executions", list(columns), sqlite_where=where, postgresql_where=where
        )


def _name(columns: tuple[str, ...]) -> str:
    return f"ix_executions_{'_'.join(columns)}"
