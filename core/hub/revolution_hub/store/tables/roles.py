"""Roles that a tenant made itself, and connectors as each tenant set them."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import metadata, moment, text, whole

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    text("description", null=False),
    sa.Column("permissions", sa.JSON, nullable=False),
    whole("revision"),
    moment("created_at", null=False),
    moment("updated_at", null=False),
)

integrations = sa.Table(
    "integrations",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("connector", sa.String(80), primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("disabled_actions", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    whole("revision"),
    moment("updated_at", null=False),
)
