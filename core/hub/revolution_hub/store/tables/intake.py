"""What came in: deliveries, the events found in them, and answers to waiting steps."""

from typing import Any

import sqlalchemy as sa

from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    partial,
    tenant_column,
    text,
    whole,
)
from revolution_hub.store.types import Moment, json_column, payload_column


def _delivery_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        json_column("headers", null=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("method", sa.String(20), nullable=False, server_default="POST"),
        text("content_type"),
        sa.Column("mark", sa.String(20), nullable=True),
        text("problem"),
    ]


MARKED = sa.text("mark IS NOT NULL")
"""The deliveries that brought no new event; they are few, and have an index of their own."""

UNDER_WAY = sa.text("status = 'running'")
"""The replays of events that are not finished."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    id_column(),
    tenant_column(),
    *_delivery_columns(),
    sa.Index(None, "tenant_id", "id"),
    partial("tenant_id", "mark", "id", of=MARKED),
)
app_deliveries = sa.Table(
    "app_deliveries",
    metadata,
    id_column(),
    *_delivery_columns(),
    sa.Index(None, "source_id", "id"),
    partial("source_id", "mark", "id", of=MARKED),
)

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
    sa.Column("source", sa.String(20), nullable=False, server_default="webhook"),
    sa.Column("outcome", sa.String(20), nullable=True),
    json_column("passed_over"),
    sa.Column("polled_by", sa.String(40), nullable=True),
    json_column("request"),
    sa.UniqueConstraint("tenant_id", "source_id", "dedup_key"),
    sa.Index(None, "tenant_id", "id"),
)

duplicates = sa.Table(
    "duplicates",
    metadata,
    sa.Column("delivery_id", sa.String(40), primary_key=True),
    sa.Column("event_id", sa.String(40), primary_key=True),
    tenant_column(),
    moment("received_at", null=False),
    sa.Index(None, "tenant_id", "event_id"),
)

taps = sa.Table(
    "taps",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("workflow_id", sa.String(40), nullable=True),
    sa.Column("event_type", sa.String(200), nullable=True),
    sa.Column("connection_id", sa.String(40), nullable=True),
    text("made_by", null=False),
    moment("created_at", null=False),
    moment("expires_at", null=False),
    sa.Index(None, "tenant_id", "id"),
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

event_replays = sa.Table(
    "event_replays",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("workflow_id", sa.String(40), nullable=False),
    whole("version"),
    json_column("definition"),
    json_column("wanted", null=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("position", sa.String(40), nullable=False),
    sa.Column("until", sa.String(40), nullable=False),
    whole("looked_at"),
    whole("started"),
    json_column("problem"),
    sa.Column("made_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    moment("finished_at"),
    sa.Index(None, "tenant_id", "id"),
    partial("id", of=UNDER_WAY),
)
