"""Approvals"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True)
_OPEN = sa.text("status IN ('pending', 'approved')")

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)
TABLES = ("approvals", "approval_votes", "approval_links", "approval_requesters", "approval_policies")


def upgrade() -> None:
    _approvals()
    _answers()
    _rules()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenants ON {table} USING ({RULE}) WITH CHECK ({RULE})")


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("execution_id", sa.String(40), nullable=False),
        sa.Column("root_id", sa.String(40), nullable=False),
        sa.Column("workflow_id", sa.String(200), nullable=False),
        sa.Column("step_id", sa.String(200), nullable=False),
        sa.Column("uses", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("demands", _JSON, nullable=False),
        sa.Column("requesters", _JSON, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.String(40), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("deadline_at", _MOMENT, nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("valid_until", _MOMENT, nullable=True),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("used_attempt", sa.Integer(), nullable=True),
        sa.Column("used_fence", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.UniqueConstraint(
            "execution_id", "step_id", "generation", name="uq_approvals_execution_id_step_id_generation"
        ),
    )
    op.create_index("ix_approvals_tenant_id_id", "approvals", ["tenant_id", "id"])
    op.create_index(
        "ix_approvals_tenant_id_status_id",
        "approvals",
        ["tenant_id", "status", "id"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def _answers() -> None:
    op.create_table(
        "approval_votes",
        sa.Column("approval_id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "user_id", name="pk_approval_votes"),
    )
    op.create_table(
        "approval_links",
        sa.Column("link_hash", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("approval_id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("link_hash", name="pk_approval_links"),
    )
    op.create_index("ix_approval_links_approval_id", "approval_links", ["approval_id"])
    op.create_table(
        "approval_requesters",
        sa.Column("execution_id", sa.String(40), nullable=False),
        sa.Column("principal_id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "principal_id", name="pk_approval_requesters"),
    )


def _rules() -> None:
    op.create_table(
        "approval_policies",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("pattern", sa.String(200), nullable=False),
        sa.Column("assignees", _JSON, nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("deadline_s", sa.Float(), nullable=False),
        sa.Column("escalate_to", _JSON, nullable=False),
        sa.Column("created_by", sa.String(40), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_policies"),
    )
    op.create_index("ix_approval_policies_tenant_id_id", "approval_policies", ["tenant_id", "id"])
