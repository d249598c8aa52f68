"""Schedules, and what became of each of their instants."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import (
    id_column,
    metadata,
    moment,
    partial,
    tenant_column,
    whole,
)
from revolution_hub.store.types import json_column

SKIPPED = sa.text("status = 'skipped'")
"""What started nothing is little, and what people look for."""
BY_SKIPPED = "ix_fires_status_schedule_id_id"

schedules = sa.Table(
    "schedules",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("workflow_id", sa.String(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    whole("version"),
    json_column("settings", null=False),
    moment("next_at", null=False),
    moment("last_at"),
    moment("wake_at"),
    moment("last_fired_at"),
    moment("paused_at"),
    sa.UniqueConstraint("workflow_id", "position"),
    sa.Index(None, "wake_at", "id"),
    sa.Index(None, "tenant_id", "id"),
)

fires = sa.Table(
    "fires",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("schedule_id", sa.String(40), nullable=False),
    sa.Column("workflow_id", sa.String(40), nullable=False),
    whole("version"),
    moment("instant", null=False),
    moment("until", null=False),
    whole("count"),
    whole("round"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(20), nullable=True),
    sa.Column("execution_id", sa.String(40), nullable=True),
    moment("fired_at", null=False),
    sa.Column("backfilled_by", sa.String(40), nullable=True),
    sa.UniqueConstraint("schedule_id", "instant", "round"),
    sa.Index(None, "schedule_id", "id"),
    partial("status", "schedule_id", "id", of=SKIPPED),
)
