"""Polls: where each goes on, when it is due, and what it has found."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import id_column, metadata, moment, tenant_column, whole
from revolution_hub.store.types import json_column

polls = sa.Table(
    "polls",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("connection_id", sa.String(40), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    json_column("cursor"),
    moment("next_at"),
    moment("paused_at"),
    whole("fence"),
    sa.Column("lease_owner", sa.String(60), nullable=True),
    whole("failures"),
    json_column("error"),
    moment("polled_at"),
    moment("found_at"),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("polled", "received", "missed", "doubled")),
    moment("counted_from", null=False),
    moment("created_at", null=False),
    sa.UniqueConstraint("tenant_id", "connection_id", "name"),
    sa.Index(None, "tenant_id", "id"),
    sa.Index(None, "next_at"),
)
