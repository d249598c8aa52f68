"""Approvals: what people were asked, what they said, the links they answer by, and the tenant's rules."""

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
from revolution_hub.store.types import json_column, payload_column

OPEN_APPROVALS = sa.text("status IN ('pending', 'approved')")

approvals = sa.Table(
    "approvals",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("execution_id", sa.String(40), nullable=False),
    sa.Column("root_id", sa.String(40), nullable=False),
    sa.Column("workflow_id", sa.String(200), nullable=False),
    sa.Column("step_id", sa.String(200), nullable=False),
    text("uses", null=False),
    whole("generation"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    payload_column("content", null=False),
    json_column("demands", null=False),
    json_column("requesters", null=False),
    text("message", null=False),
    sa.Column("connection_id", sa.String(40), nullable=True),
    sa.Column("closed", sa.Boolean, nullable=False),
    text("reason"),
    moment("created_at", null=False),
    moment("deadline_at", null=False),
    moment("decided_at"),
    moment("valid_until"),
    moment("used_at"),
    whole("used_attempt", null=True),
    whole("used_fence", null=True),
    sa.UniqueConstraint("execution_id", "step_id", "generation"),
    sa.Index(None, "tenant_id", "id"),
    partial("tenant_id", "status", "id", of=OPEN_APPROVALS),
)

approval_votes = sa.Table(
    "approval_votes",
    metadata,
    sa.Column("approval_id", sa.String(40), primary_key=True),
    sa.Column("user_id", sa.String(40), primary_key=True),
    tenant_column(),
    sa.Column("decision", sa.String(20), nullable=False),
    text("comment", null=False),
    sa.Column("way", sa.String(20), nullable=False),
    moment("at", null=False),
)

approval_links = sa.Table(
    "approval_links",
    metadata,
    sa.Column("link_hash", sa.String(64), primary_key=True),
    tenant_column(),
    sa.Column("approval_id", sa.String(40), nullable=False, index=True),
    sa.Column("user_id", sa.String(40), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    moment("expires_at", null=False),
    moment("used_at"),
)

approval_requesters = sa.Table(
    "approval_requesters",
    metadata,
    sa.Column("execution_id", sa.String(40), primary_key=True),
    sa.Column("principal_id", sa.String(40), primary_key=True),
    tenant_column(),
)

approval_policies = sa.Table(
    "approval_policies",
    metadata,
    id_column(),
    tenant_column(),
    sa.Column("pattern", sa.String(200), nullable=False),
    json_column("assignees", null=False),
    whole("quorum"),
    sa.Column("deadline_s", sa.Float, nullable=False),
    json_column("escalate_to", null=False),
    sa.Column("created_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    sa.Index(None, "tenant_id", "id"),
)
