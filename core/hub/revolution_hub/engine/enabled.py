"""enabled: whether a tenant lets a connector and its actions work, and the settings it gave them."""

from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.integration import IntegrationState, config_of
from revolution_hub.store.integrations import KnownIntegrations
from revolution_sdk import Connector
from revolution_sdk.types import JsonObject

INTEGRATION, ACTION, SETTINGS = "integration_disabled", "action_disabled", "settings_missing"


def integration_of(hub: Hub, tenant_id: str, connector: str) -> IntegrationState:
    """Return a connector as the tenant has set it; another process's change counts within a second."""
    known = hub.store.companion(KnownIntegrations).of(tenant_id)
    return known.get(connector) or IntegrationState(tenant_id=tenant_id, connector=connector)


def is_enabled(hub: Hub, tenant_id: str, connector: str) -> bool:
    """Tell whether a tenant lets a connector work."""
    return integration_of(hub, tenant_id, connector).enabled


def require_enabled(hub: Hub, tenant_id: str, connector: Connector, action: str) -> JsonObject:
    """Return the settings for an action of a connector; raise ConflictError if the tenant does not allow it.

    That is asked right before each call, so it counts for what was queued before as well.
    """
    integration = integration_of(hub, tenant_id, connector.name)
    refusal = refusal_of(integration, action)
    if refusal is not None:
        raise refusal
    return settings_for(connector, integration)


def refusal_of(integration: IntegrationState, action: str) -> ConflictError | None:
    """Return why an action does not work for a tenant, None if it does."""
    if not integration.enabled:
        told = f"the integration {integration.connector!r} is disabled in this tenant"
        return ConflictError(told, code=INTEGRATION)
    if action in integration.disabled_actions:
        told = f"the action {integration.connector}.{action} is disabled in this tenant"
        return ConflictError(told, code=ACTION)
    return None


def settings_for(connector: Connector, integration: IntegrationState) -> JsonObject:
    """Return what a connector is handed as its settings; raise ConflictError if one it needs is missing."""
    config = config_of(connector.settings, integration.settings)
    missing = [name for name in connector.settings.get("required", ()) if name not in config]
    if missing:
        told = f"the integration {connector.name!r} needs the settings {', '.join(missing)} first"
        raise ConflictError(told, code=SETTINGS)
    return config
