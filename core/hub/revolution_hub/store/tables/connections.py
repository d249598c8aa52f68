"""Data keys, provider apps and connections: what is sealed, and by what."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    sealed,
    tenant_column,
    text,
    whole,
)

DEFAULT = sa.text("is_default")
"""Of those with it there is one per tenant and connector at most."""

data_keys = sa.Table(
    "data_keys",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    moment("created_at", null=False),
    sa.Column("master_key_id", sa.String(40), nullable=True),
    sa.Index(None, "tenant_id"),
)

provider_apps = sa.Table(
    "provider_apps",
    metadata,
    id_column(),
    text("connector", null=False),
    sa.Column("app_key", sa.String(80), nullable=False, unique=True),
    sa.Column("owner_tenant_id", sa.String(40), nullable=True),
    text("client_id", null=False),
    *sealed(),
    moment("created_at", null=False),
)

connections = sa.Table(
    "connections",
    metadata,
    id_column(),
    tenant_column(),
    text("connector", null=False),
    text("name", null=False),
    sa.Column("status", sa.String(20), nullable=False),
    text("status_reason"),
    text("base_url", null=False),
    text("account"),
    sa.Column("app_id", sa.String(40), nullable=True),
    sa.Column("auth_kind", sa.String(40), nullable=True),
    sa.Column("scopes", sa.JSON(none_as_null=True), nullable=True),
    *sealed(),
    whole("revision"),
    sa.Column("refresh_owner", sa.String(60), nullable=True),
    moment("refresh_until"),
    sa.Column("refresh_fails", sa.Integer, nullable=False, server_default="0"),
    moment("refresh_after"),
    moment("refresh_lost_at"),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    moment("last_used_at"),
    moment("probe_at"),
    moment("probed_at"),
    text("problem"),
    moment("problem_at"),
    moment("created_at", null=False),
    moment("updated_at", null=False),
    sa.UniqueConstraint("tenant_id", "connector", "name"),
    sa.Index(None, "app_id", "account"),
    sa.Index(None, "probe_at"),
    sa.Index(
        "uq_connections_default",
        "tenant_id",
        "connector",
        unique=True,
        sqlite_where=DEFAULT,
        postgresql_where=DEFAULT,
    ),
)

connection_health = sa.Table(
    "connection_health",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("connection_id", sa.String(40), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    text("reason"),
    sa.Column("by_id", sa.String(40), nullable=True),
    moment("at", null=False),
    sa.Index(None, "tenant_id", "connection_id", "id"),
)

pending_authorizations = sa.Table(
    "pending_authorizations",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("state_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("session_id", sa.String(40), nullable=False),
    sa.Column("user_id", sa.String(40), nullable=False),
    text("connector", null=False),
    sa.Column("app_id", sa.String(40), nullable=False),
    sa.Column("connection_id", sa.String(40), nullable=True),
    whole("connection_revision", null=True),
    text("name", null=False),
    text("base_url", null=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("other_account", sa.Boolean, nullable=False),
    text("return_to"),
    *sealed(),
    moment("created_at", null=False),
    moment("expires_at", null=False),
    sa.Index(None, "tenant_id", "expires_at"),
)
