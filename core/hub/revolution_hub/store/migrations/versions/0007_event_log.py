"""What became of each delivery and event; taps, and replays of many events"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

NEW_TABLES = ("duplicates", "event_replays", "taps")
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    for table in ("deliveries", "app_deliveries"):
        for column in _delivery_columns():
            op.add_column(table, column)
    _index("deliveries", "tenant_id", "id")
    _index("deliveries", "tenant_id", "mark", "id", of="mark IS NOT NULL")
    _index("app_deliveries", "source_id", "id")
    _index("app_deliveries", "source_id", "mark", "id", of="mark IS NOT NULL")
    _events()
    _duplicates()
    _taps()
    _event_replays()
    if op.get_bind().dialect.name == "postgresql":
        for table in NEW_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenants ON {table} USING ({RULE}) WITH CHECK ({RULE})")


def _index(table: str, *columns: str, of: str | None = None) -> None:
    where = sa.text(of) if of else None
    name = f"ix_{table}_{'_'.join(columns)}"
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)


def _delivery_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("method", sa.String(20), nullable=False, server_default="POST"),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("mark", sa.String(20), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
    ]


def _events() -> None:
    source = sa.Column("source", sa.String(20), nullable=False, server_default="webhook")
    op.add_column("events", source)
    op.add_column("events", sa.Column("outcome", sa.String(20), nullable=True))
    op.add_column("events", sa.Column("passed_over", _JSON, nullable=True))
    op.add_column("events", sa.Column("request", _JSON, nullable=True))
    _index("events", "tenant_id", "id")
    op.execute("UPDATE events SET source = 'app' WHERE source_id LIKE 'app%'")


def _duplicates() -> None:
    op.create_table(
        "duplicates",
        sa.Column("delivery_id", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "event_id", name="pk_duplicates"),
    )
    _index("duplicates", "tenant_id", "event_id")


def _taps() -> None:
    op.create_table(
        "taps",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(40), nullable=True),
        sa.Column("event_type", sa.String(200), nullable=True),
        sa.Column("connection_id", sa.String(40), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_taps"),
    )
    _index("taps", "tenant_id", "id")


def _event_replays() -> None:
    op.create_table(
        "event_replays",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", _JSON, nullable=True),
        sa.Column("wanted", _JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("position", sa.String(40), nullable=False),
        sa.Column("until", sa.String(40), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("problem", _JSON, nullable=True),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_event_replays"),
    )
    _index("event_replays", "tenant_id", "id")
    _index("event_replays", "id", of="status = 'running'")
