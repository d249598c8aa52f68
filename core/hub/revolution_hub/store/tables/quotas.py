"""Plans, the limits of tenants and principals, and what they have used."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import metadata, moment, whole
from revolution_hub.store.types import json_column

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    json_column("limits", null=False),
    json_column("charge", null=False),
    whole("warn_percent"),
    whole("revision"),
    moment("updated_at", null=False),
)

tenant_plans = sa.Table(
    "tenant_plans",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("plan", sa.String(60), nullable=True),
    json_column("limits", null=False),
    whole("revision"),
    moment("updated_at", null=False),
)

principal_limits = sa.Table(
    "principal_limits",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    json_column("limits", null=False),
    moment("updated_at", null=False),
)

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("meter", sa.String(60), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    sa.Column("quantity", sa.BigInteger, nullable=False),
)

usage_marks = sa.Table(
    "usage_marks",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    moment("counted_until", null=False),
)
