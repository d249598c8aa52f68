"""Webhooks: what a secret is good for, and addresses that go on working beside a new one"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    op.add_column("hooks", sa.Column("family", sa.String(40), nullable=True))
    # Until now there was one way of signing.
    op.execute("UPDATE hooks SET family = 'standard-webhooks' WHERE sealed IS NOT NULL")
    op.create_table(
        "hook_addresses",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hook_addresses"),
    )
    op.create_index("ix_hook_addresses_workflow_id", "hook_addresses", ["workflow_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE hook_addresses ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE hook_addresses FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON hook_addresses USING ({RULE}) WITH CHECK ({RULE})")
