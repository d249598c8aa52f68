"""The second net: on PostgreSQL the database itself keeps tenants apart

Each transaction names its tenants in `revolution.tenants`, several separated by commas, `*` for the listed
look-ups over all; without the setting there are no rows. The sub-selects are evaluated once per statement.
Forced, so that it also holds for the role that owns the tables.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "api_keys",
    "attempts",
    "connections",
    "data_keys",
    "deliveries",
    "events",
    "executions",
    "hooks",
    "idempotency_keys",
    "listeners",
    "step_executions",
    "workflow_versions",
    "workflows",
)
RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({RULE}) WITH CHECK ({RULE})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(f"DROP POLICY tenants ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
