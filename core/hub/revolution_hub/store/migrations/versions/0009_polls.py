"""Polls: cursors, what they found, and the loss ledger"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)


def upgrade() -> None:
    op.add_column("events", sa.Column("polled_by", sa.String(40), nullable=True))
    op.create_table(
        "polls",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("connection_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("cursor", _JSON, nullable=True),
        sa.Column("next_at", _MOMENT, nullable=True),
        sa.Column("paused_at", _MOMENT, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(60), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("polled_at", _MOMENT, nullable=True),
        sa.Column("found_at", _MOMENT, nullable=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("polled", "received", "missed", "doubled")
        ),
        sa.Column("counted_from", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_polls"),
        sa.UniqueConstraint(
            "tenant_id", "connection_id", "name", name="uq_polls_tenant_id_connection_id_name"
        ),
    )
    op.create_index("ix_polls_tenant_id_id", "polls", ["tenant_id", "id"])
    op.create_index("ix_polls_next_at", "polls", ["next_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE polls ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE polls FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON polls USING ({RULE}) WITH CHECK ({RULE})")
