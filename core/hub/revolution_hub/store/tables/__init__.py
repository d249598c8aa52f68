"""Every table. TENANT_TABLES carry `tenant_id`; the others are in GLOBAL_TABLES with a reason.

A change here needs a migration beside it; a test compares both.
"""

from revolution_hub.store.tables.audit import audit_entries
from revolution_hub.store.tables.columns import metadata
from revolution_hub.store.tables.connections import connections, data_keys, provider_apps
from revolution_hub.store.tables.executions import (
    BY_ANSWER,
    BY_HAND,
    BY_ID,
    BY_LANE,
    BY_LEASE,
    BY_MOMENT,
    BY_PARENT,
    BY_REPLAY,
    BY_STARTER,
    BY_STATUS,
    BY_SUSPECT,
    BY_TURN,
    BY_USE,
    BY_WORKFLOW,
    CHILD,
    DISCONNECTED,
    IN_LINE,
    NOTABLE,
    REPLAY,
    RUNNING,
    SUSPECT,
    TAKEABLE,
    WAITING,
    attempts,
    executions,
    step_executions,
    through,
)
from revolution_hub.store.tables.intake import (
    MARKED,
    UNDER_WAY,
    app_deliveries,
    callbacks,
    deliveries,
    duplicates,
    event_replays,
    events,
    taps,
)
from revolution_hub.store.tables.polls import polls
from revolution_hub.store.tables.schedules import BY_SKIPPED, SKIPPED, fires, schedules
from revolution_hub.store.tables.tenants import (
    api_keys,
    idempotency_keys,
    installation,
    shares,
    tenants,
)
from revolution_hub.store.tables.triggers import hook_addresses, hooks, listeners
from revolution_hub.store.tables.workflows import workflow_versions, workflows

__all__ = [
    "BY_ANSWER",
    "BY_HAND",
    "BY_ID",
    "BY_LANE",
    "BY_LEASE",
    "BY_MOMENT",
    "BY_PARENT",
    "BY_REPLAY",
    "BY_SKIPPED",
    "BY_STARTER",
    "BY_STATUS",
    "BY_SUSPECT",
    "BY_TURN",
    "BY_USE",
    "BY_WORKFLOW",
    "CHILD",
    "DISCONNECTED",
    "GLOBAL_TABLES",
    "IN_LINE",
    "MARKED",
    "NOTABLE",
    "REPLAY",
    "RUNNING",
    "SKIPPED",
    "SUSPECT",
    "TAKEABLE",
    "TENANT_TABLES",
    "UNDER_WAY",
    "WAITING",
    "api_keys",
    "app_deliveries",
    "attempts",
    "audit_entries",
    "callbacks",
    "connections",
    "data_keys",
    "deliveries",
    "duplicates",
    "event_replays",
    "events",
    "executions",
    "fires",
    "hook_addresses",
    "hooks",
    "idempotency_keys",
    "installation",
    "listeners",
    "metadata",
    "polls",
    "provider_apps",
    "schedules",
    "shares",
    "step_executions",
    "taps",
    "tenants",
    "through",
    "workflow_versions",
    "workflows",
]

GLOBAL_TABLES = {
    "tenants": "the tenants themselves",
    "installation": "facts about the installation, such as the canary of the master key",
    "provider_apps": "one app may serve the connections of many tenants",
    "app_deliveries": "one delivery may carry events of many tenants",
}

TENANT_TABLES = [table for table in metadata.sorted_tables if table.name not in GLOBAL_TABLES]
