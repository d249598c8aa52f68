"""What was changed that matters for security, and by whom; entries are added and never changed."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import metadata, moment, partial, text

CHECKPOINT = sa.text("through IS NOT NULL")

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    moment("at", null=False),
    text("principal_id", null=False),
    sa.Column("principal_kind", sa.String(20), nullable=False),
    text("principal_name", null=False),
    sa.Column("action", sa.String(80), nullable=False),
    text("target", null=False),
    sa.Column("fields", sa.JSON, nullable=False),
    text("address", null=False),
    text("agent", null=False),
    text("request_id", null=False),
    sa.Column("through", sa.BigInteger, nullable=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index(None, "tenant_id", "action", "number"),
    sa.Index(None, "tenant_id", "principal_id", "number"),
    sa.Index(None, "tenant_id", "target", "number"),
    partial("tenant_id", "through", of=CHECKPOINT),
)
