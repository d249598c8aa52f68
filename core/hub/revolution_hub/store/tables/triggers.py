"""What published versions listen to: events, and addresses of webhooks."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    sealed,
    tenant_column,
    whole,
)
from revolution_hub.store.types import json_column

listeners = sa.Table(
    "listeners",
    metadata,
    sa.Column("workflow_id", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    tenant_column(),
    whole("version"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("event_type", sa.String(200), nullable=True),
    sa.Column("connection_id", sa.String(40), nullable=True),
    json_column("settings", null=False),
    sa.Index(None, "tenant_id", "event_type"),
)

hooks = sa.Table(
    "hooks",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("workflow_id", sa.String(40), nullable=False, unique=True),
    sa.Column("key", sa.String(80), nullable=False, unique=True),
    *sealed(null=True),
    moment("created_at", null=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Column("family", sa.String(40), nullable=True),
)

hook_addresses = sa.Table(
    "hook_addresses",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True),
    tenant_column(),
    sa.Column("workflow_id", sa.String(40), nullable=False),
    moment("until", null=False),
    sa.Index(None, "workflow_id"),
)
