"""Integrations: connectors as one tenant sees them, and running one action by itself."""

from dataclasses import dataclass, field

from revolution_hub.access.rbac import require
from revolution_hub.bus.backlog import require_room
from revolution_hub.engine.start import start_by_hand
from revolution_hub.errors import InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import dump_json
from revolution_hub.store import connections
from revolution_sdk import Connector, NoAuth
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A connector and the health of the tenant's connections to it, counted by status."""

    connector: Connector
    connections: dict[str, int] = field(default_factory=dict)

    @property
    def needs_connection(self) -> bool:
        """Whether nothing works before an account is connected."""
        return not isinstance(self.connector.auth, NoAuth)


def list_integrations(hub: Hub, principal: Principal) -> list[Integration]:
    """Return every usable connector, by name."""
    require(principal, "integration:read")
    with hub.store.read(principal.tenant_id) as tx:
        counted = connections.count_by_connector(tx)
    return [
        Integration(connector=one, connections=counted.get(one.name, {}))
        for one in sorted(hub.catalog.connectors.values(), key=lambda one: one.name)
    ]


def get_integration(hub: Hub, principal: Principal, name: str) -> Integration:
    """Return one connector or raise NotFoundError."""
    require(principal, "integration:read")
    connector = hub.catalog.find_connector(name)
    if connector is None:
        raise NotFoundError(f"there is no connector {name[:80]!r}")
    with hub.store.read(principal.tenant_id) as tx:
        counted = connections.count_by_connector(tx)
    return Integration(connector=connector, connections=counted.get(name, {}))


def run_action(
    hub: Hub,
    principal: Principal,
    uses: str,
    value: JsonObject,
    *,
    connection: str | None,
    idempotency_key: str | None,
) -> str:
    """Run one action as a one-step execution; returns the execution's id. It is durable like any other."""
    require(principal, "connection:use")
    action = hub.catalog.find_action(uses)
    if action is None:
        raise NotFoundError(f"there is no action {uses[:160]!r}")
    problems = hub.catalog.check_input(uses, value)
    if problems:
        prefixed = [
            Problem(path=f"input.{one.path}" if one.path else "input", message=one.message, code=one.code)
            for one in problems
        ]
        raise InputError(f"the input of {uses} is not valid", prefixed)
    names = {key: "{{ inputs[" + dump_json(key) + "] }}" for key in value}
    step: JsonObject = {"id": "action", "uses": uses, "with": names}
    if connection is not None:
        step["connection"] = connection
    require_room(hub, principal.tenant_id)
    execution_id, _ = start_by_hand(
        hub,
        tenant_id=principal.tenant_id,
        workflow_id=f"action:{uses}",
        version=0,
        definition={"name": f"Action {uses}", "on": [{"manual": {}}], "steps": [step]},
        data=value,
        principal_id=principal.id,
        idempotency_key=idempotency_key,
    )
    return execution_id
