"""What came in: deliveries, the events found in them, and answers to waiting steps."""

from typing import Any

import sqlalchemy as sa

from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    tenant_column,
    text,
)
from revolution_hub.store.types import Moment, json_column, payload_column


def _delivery_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        json_column("headers", null=False),
        sa.Column("received_at", Moment, nullable=False),
    ]


deliveries = sa.Table("deliveries", metadata, id_column(), tenant_column(), *_delivery_columns())
app_deliveries = sa.Table("app_deliveries", metadata, id_column(), *_delivery_columns())

events = sa.Table(
    "events",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("source_id", sa.String(40), nullable=False),
    sa.Column("delivery_id", sa.String(40), nullable=False),
    text("connector", null=False),
    text("type", null=False),
    text("canonical"),
    text("account"),
    sa.Column("connection_id", sa.String(40), nullable=True),
    sa.Column("dedup_key", sa.String(300), nullable=False),
    payload_column("data", null=False),
    moment("occurred_at"),
    moment("received_at", null=False),
    sa.UniqueConstraint("tenant_id", "source_id", "dedup_key"),
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("step_id", sa.String(200), primary_key=True),
    tenant_column(),
    payload_column("data"),
    moment("received_at", null=False),
)
