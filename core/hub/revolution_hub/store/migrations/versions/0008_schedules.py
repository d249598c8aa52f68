"""Pausing, policies and the record of fired instants"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    for name in ("wake_at", "last_fired_at", "paused_at"):
        op.add_column("schedules", sa.Column(name, _MOMENT, nullable=True))
    op.execute("UPDATE schedules SET wake_at = next_at")
    op.drop_index("ix_schedules_next_at", "schedules")
    op.create_index("ix_schedules_wake_at_id", "schedules", ["wake_at", "id"])
    op.create_index("ix_schedules_tenant_id_id", "schedules", ["tenant_id", "id"])
    _fires()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE fires ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE fires FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON fires USING ({RULE}) WITH CHECK ({RULE})")


def _fires() -> None:
    op.create_table(
        "fires",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("schedule_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("instant", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=True),
        sa.Column("execution_id", sa.String(40), nullable=True),
        sa.Column("fired_at", _MOMENT, nullable=False),
        sa.Column("backfilled_by", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fires"),
        sa.UniqueConstraint("schedule_id", "instant", "round", name="uq_fires_schedule_id_instant_round"),
    )
    op.create_index("ix_fires_schedule_id_id", "fires", ["schedule_id", "id"])
    skipped = sa.text("status = 'skipped'")
    op.create_index(
        "ix_fires_status_schedule_id_id",
        "fires",
        ["status", "schedule_id", "id"],
        sqlite_where=skipped,
        postgresql_where=skipped,
    )
