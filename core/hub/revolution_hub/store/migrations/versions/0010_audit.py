"""Audit: a chain of entries per tenant that the database itself lets nobody change"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

RULE = (
    "(SELECT current_setting('revolution.tenants', true) = '*')"
    " OR tenant_id = ANY ((SELECT string_to_array(current_setting('revolution.tenants', true), ','))::text[])"
)

_NEXT = "1 + COALESCE((SELECT max(e.number) FROM audit_entries e WHERE e.tenant_id = NEW.tenant_id), 0)"
# A checkpoint names the last entry that goes, with its hash.
_UNFOUNDED = (
    "NEW.through IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_entries e WHERE"
    " e.tenant_id = NEW.tenant_id AND e.number = NEW.through AND e.hash = NEW.target)"
)
_UNMARKED = (
    "NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.tenant_id = OLD.tenant_id AND e.through >= OLD.number)"
)
# Nothing younger than thirty days goes, whoever asks for it; `LEAST_DAYS` in store/audit.py says the same.
_YOUNG = {
    "sqlite": "OLD.at >= datetime('now', '-30 days')",
    "postgresql": "OLD.at >= now() - interval '30 days'",
}
_REFUSALS = (
    ("stay", "UPDATE", "audit entries are never changed", "1 = 1"),
    (
        "go",
        "DELETE",
        "audit entries go after thirty days, behind a checkpoint",
        "{young} OR {unmarked}",
    ),
    ("come", "INSERT", "audit entries are added at the end", "NEW.number <> {next} OR ({unfounded})"),
)


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("tenant_id", sa.String(40), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("principal_kind", sa.String(20), nullable=False),
        sa.Column("principal_name", sa.Text(), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_audit_entries"),
    )
    for name in ("action", "principal_id", "target"):
        op.create_index(
            f"ix_audit_entries_tenant_id_{name}_number", "audit_entries", ["tenant_id", name, "number"]
        )
    checkpoint = sa.text("through IS NOT NULL")
    op.create_index(
        "ix_audit_entries_tenant_id_through",
        "audit_entries",
        ["tenant_id", "through"],
        sqlite_where=checkpoint,
        postgresql_where=checkpoint,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON audit_entries USING ({RULE}) WITH CHECK ({RULE})")
    _refuse(op.get_bind().dialect.name)


def _refuse(dialect: str) -> None:
    for name, verb, says, when in _REFUSALS:
        condition = when.format(young=_YOUNG[dialect], unmarked=_UNMARKED, next=_NEXT, unfounded=_UNFOUNDED)
        if dialect == "sqlite":
            op.execute(
                f"CREATE TRIGGER audit_entries_{name} BEFORE {verb} ON audit_entries WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            )
            continue
        given = "OLD" if verb == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION audit_entries_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{says}' USING ERRCODE = 'restrict_violation'; END IF; "
            f"RETURN {given}; END $$"
        )
        op.execute(
            f"CREATE TRIGGER audit_entries_{name} BEFORE {verb} ON audit_entries "
            f"FOR EACH ROW EXECUTE FUNCTION audit_entries_{name}()"
        )
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_entries_empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'audit entries are never removed all at once' "
            "USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_entries_empty BEFORE TRUNCATE ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_empty()"
        )
