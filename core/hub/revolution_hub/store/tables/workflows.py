"""Workflows and their published versions."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import id_column, metadata, moment, tenant_column, text, whole
from revolution_hub.store.types import json_column

workflows = sa.Table(
    "workflows",
    metadata,
    id_column(),
    tenant_column(),
    text("name", null=False),
    json_column("document", null=False),
    whole("revision"),
    whole("published_version", null=True),
    moment("created_at", null=False),
    moment("updated_at", null=False),
    sa.UniqueConstraint("tenant_id", "name"),
)

workflow_versions = sa.Table(
    "workflow_versions",
    metadata,
    sa.Column("workflow_id", sa.String(40), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    tenant_column(),
    json_column("document", null=False),
    text("published_by", null=False),
    moment("created_at", null=False),
)
