"""Integration: a connector as one tenant set it. Without a word of the tenant's, everything is on."""

from dataclasses import dataclass, field
from datetime import datetime

from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationState:
    """Whether a connector works for a tenant, which of its actions do not, and its settings.

    `revision` is 0 as long as the tenant has changed nothing.
    """

    tenant_id: str
    connector: str
    enabled: bool = True
    disabled_actions: list[str] = field(default_factory=list)
    settings: JsonObject = field(default_factory=dict)
    revision: int = 0
    updated_at: datetime | None = None

    def allows(self, action: str) -> bool:
        """Tell whether an action of the connector may be run."""
        return self.enabled and action not in self.disabled_actions


def config_of(schema: JsonObject, settings: JsonObject) -> JsonObject:
    """Return the settings an action is handed: defaults stand in for what the tenant left out."""
    known = schema.get("properties", {})
    return {name: one["default"] for name, one in known.items() if "default" in one} | settings
