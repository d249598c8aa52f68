"""OAuth"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    op.add_column("connections", sa.Column("auth_kind", sa.String(40), nullable=True))
    op.add_column("connections", sa.Column("scopes", _JSON, nullable=True))
    op.create_table(
        "pending_authorizations",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("app_id", sa.String(40), nullable=False),
        sa.Column("connection_id", sa.String(40), nullable=True),
        sa.Column("connection_revision", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("other_account", sa.Boolean(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key_id", sa.String(40), nullable=False),
        sa.Column("sealed_version", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pending_authorizations"),
        sa.UniqueConstraint("state_hash", name="uq_pending_authorizations_state_hash"),
    )
    op.create_index(
        "ix_pending_authorizations_tenant_id_expires_at",
        "pending_authorizations",
        ["tenant_id", "expires_at"],
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE pending_authorizations ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE pending_authorizations FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON pending_authorizations USING ({RULE}) WITH CHECK ({RULE})")


def downgrade() -> None:
    op.drop_table("pending_authorizations")
    op.drop_column("connections", "scopes")
    op.drop_column("connections", "auth_kind")
