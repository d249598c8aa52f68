"""Plans and quotas"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("limits", _JSON, nullable=False),
        sa.Column("charge", _JSON, nullable=False),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_plans"),
    )
    op.create_table(
        "tenant_plans",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("plan", sa.String(60), nullable=True),
        sa.Column("limits", _JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenant_plans"),
    )
    op.create_table(
        "principal_limits",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("principal_id", sa.String(40), nullable=False),
        sa.Column("limits", _JSON, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "principal_id", name="pk_principal_limits"),
    )
    op.create_table(
        "usage",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("meter", sa.String(60), nullable=False),
        sa.Column("principal_id", sa.String(40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", "meter", "principal_id", name="pk_usage"),
    )
    op.create_table(
        "usage_marks",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("counted_until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_usage_marks"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in ("tenant_plans", "principal_limits", "usage"):
            op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenants ON {name} USING ({RULE}) WITH CHECK ({RULE})")
