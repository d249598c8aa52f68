"""Connections"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_DEFAULT = sa.text("is_default")

NEW_MOMENTS = ("refresh_after", "refresh_lost_at", "last_used_at", "probe_at", "probed_at", "problem_at")
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    for name in NEW_MOMENTS:
        op.add_column("connections", sa.Column(name, _MOMENT, nullable=True))
    op.add_column("connections", sa.Column("problem", sa.Text(), nullable=True))
    fails = sa.Column("refresh_fails", sa.Integer(), nullable=False, server_default="0")
    op.add_column("connections", fails)
    is_default: sa.Column[bool] = sa.Column(
        "is_default", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("connections", is_default)
    # The oldest one of a connector was its default until now, and remains so.
    op.execute(
        "UPDATE connections SET is_default = true WHERE id IN"
        " (SELECT min(id) FROM connections GROUP BY tenant_id, connector)"
    )
    op.execute("UPDATE connections SET probe_at = created_at")
    op.create_index("ix_connections_probe_at", "connections", ["probe_at"])
    op.create_index(
        "uq_connections_default",
        "connections",
        ["tenant_id", "connector"],
        unique=True,
        sqlite_where=_DEFAULT,
        postgresql_where=_DEFAULT,
    )
    _health()


def _health() -> None:
    op.create_table(
        "connection_health",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("connection_id", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_id", sa.String(40), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connection_health"),
    )
    op.create_index(
        "ix_connection_health_tenant_id_connection_id_id",
        "connection_health",
        ["tenant_id", "connection_id", "id"],
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE connection_health ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE connection_health FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON connection_health USING ({RULE}) WITH CHECK ({RULE})")
