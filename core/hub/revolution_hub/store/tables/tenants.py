"""Tenants, who may act in them, and what they have done before."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import id_column, metadata, moment, tenant_column, text
from revolution_hub.store.types import json_column

tenants = sa.Table(
    "tenants", metadata, id_column(), text("name", null=False), moment("created_at", null=False)
)

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    id_column(),
    tenant_column(),
    text("name", null=False),
    sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(40), nullable=False),
    moment("created_at", null=False),
    moment("revoked_at"),
    sa.Column("prefix", sa.String(16), nullable=True),
    sa.Column("holder_id", sa.String(40), nullable=True),
    sa.Column("made_by", sa.String(40), nullable=True),
    json_column("permissions"),
    json_column("workflows"),
    moment("expires_at"),
    moment("last_used_at"),
)

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("object_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    sa.Column("object_kind", sa.String(20), nullable=False, server_default="workflow"),
    tenant_column(),
    sa.Column("right", sa.String(20), nullable=False),
    sa.Column("granted_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("resource_id", sa.String(40), nullable=False),
    moment("created_at", null=False),
)
