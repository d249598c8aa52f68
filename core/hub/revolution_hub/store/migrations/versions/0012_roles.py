"""Roles of a tenant's own, integrations as each tenant set them, and shares of more than workflows"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

NEW_TABLES = ("roles", "integrations")
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_roles"),
    )
    op.create_table(
        "integrations",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("connector", sa.String(80), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_actions", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "connector", name="pk_integrations"),
    )
    # The shares there are were of workflows; the object's kind stands beside its id from now on.
    op.execute("ALTER TABLE shares RENAME COLUMN workflow_id TO object_id")
    kind = sa.Column("object_kind", sa.String(20), nullable=False, server_default="workflow")
    op.add_column("shares", kind)
    if op.get_bind().dialect.name == "postgresql":
        for table in NEW_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenants ON {table} USING ({RULE}) WITH CHECK ({RULE})")
