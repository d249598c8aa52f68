"""Integrations: connectors as one tenant sees them, and running one action by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from revolution_hub.access.rbac import require
from revolution_hub.bus.backlog import require_room
from revolution_hub.bus.poll import arrange
from revolution_hub.engine.enabled import integration_of, refusal_of
from revolution_hub.engine.start import start_by_hand
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.execution import ACTION_PREFIX
from revolution_hub.model.integration import IntegrationState, config_of
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import dump_json
from revolution_hub.services.guard import require_through
from revolution_hub.store import audit, connections, integrations
from revolution_hub.store.integrations import KnownIntegrations
from revolution_hub.store.tx import Tx
from revolution_sdk import Connector, NoAuth
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a tenant wants a connector from now on. What it does not say is as it is without a word of it."""

    enabled: bool = True
    disabled_actions: list[str] = field(default_factory=list)
    settings: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A connector as the tenant set it, and the health of its connections to it, counted by status.

    `version` is that of the installed plugin.
    """

    connector: Connector
    state: IntegrationState
    connections: dict[str, int] = field(default_factory=dict)
    version: str = ""

    @property
    def needs_connection(self) -> bool:
        """Whether nothing works before an account is connected."""
        return not isinstance(self.connector.auth, NoAuth)


def list_integrations(hub: Hub, principal: Principal) -> list[Integration]:
    """Return every usable connector, by name."""
    require(principal, "integration:read")
    with hub.store.read(principal.tenant_id) as tx:
        seen = _seen(hub, tx)
    return [seen(one) for one in sorted(hub.catalog.connectors.values(), key=lambda one: one.name)]


def get_integration(hub: Hub, principal: Principal, name: str) -> Integration:
    """Return one connector or raise NotFoundError."""
    require(principal, "integration:read")
    connector = hub.catalog.get_connector(name)
    with hub.store.read(principal.tenant_id) as tx:
        return _seen(hub, tx)(connector)


def replace_integration(
    hub: Hub, principal: Principal, name: str, wanted: Wanted, *, revision: int
) -> Integration:
    """Turn a connector and its actions on or off, and keep its settings, all of them anew.

    Raises InputError if the settings do not follow the connector's schema, ConflictError if `revision` is not
    the present one.
    """
    require(principal, "integration:write")
    connector = hub.catalog.get_connector(name)
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        present = integrations.find(tx, connector.name)
        _check(hub, connector, wanted, present)
        changed = IntegrationState(
            tenant_id=principal.tenant_id,
            connector=connector.name,
            enabled=wanted.enabled,
            disabled_actions=sorted(set(wanted.disabled_actions)),
            settings=wanted.settings,
            revision=revision + 1,
            updated_at=now,
        )
        if not integrations.put(tx, changed, revision):
            raise ConflictError("the integration was changed meanwhile; read it again", code="stale_revision")
        entry = entry_of(
            principal, "integration.change", name, now, before=_fields(present), after=_fields(changed)
        )
        audit.append(tx, entry)
        if changed.enabled:
            arrange(hub, tx)
        seen = _seen(hub, tx)(connector)
    hub.store.companion(KnownIntegrations).forget(principal.tenant_id)
    return seen


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
    require_through(hub, principal, "connection:use", uses.partition(".")[0], connection)
    action = hub.catalog.find_action(uses)
    if action is None:
        raise NotFoundError(f"there is no action {uses[:160]!r}")
    connector, _, name = uses.partition(".")
    refusal = refusal_of(integration_of(hub, principal.tenant_id, connector), name)
    if refusal is not None:
        raise refusal
    if connection is not None:
        with hub.store.read(principal.tenant_id) as tx:
            if connections.find_for(tx, connector, connection) is None:
                raise NotFoundError(f"there is no {connector} connection {connection!r}")
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
    require_room(hub, principal.tenant_id, principal.id)
    execution_id, _ = start_by_hand(
        hub,
        tenant_id=principal.tenant_id,
        workflow_id=f"{ACTION_PREFIX}{uses}",
        version=0,
        definition={"name": f"Action {uses}", "on": [{"manual": {}}], "steps": [step]},
        data=value,
        principal_id=principal.id,
        idempotency_key=idempotency_key,
    )
    return execution_id


def _seen(hub: Hub, tx: Tx) -> Callable[[Connector], Integration]:
    """Return what makes of a connector what the tenant sees of it."""
    known, counted = integrations.find_all(tx), connections.count_by_connector(tx)

    def see(connector: Connector) -> Integration:
        untouched = IntegrationState(tenant_id=tx.tenant_id, connector=connector.name)
        return Integration(
            connector=connector,
            state=known.get(connector.name, untouched),
            connections=counted.get(connector.name, {}),
            version=hub.catalog.version_of(connector.name),
        )

    return see


def _check(hub: Hub, connector: Connector, wanted: Wanted, present: IntegrationState) -> None:
    problems = []
    for index, one in enumerate(wanted.disabled_actions):
        # An action that a new version of the plugin has no more may stay where it is.
        if one not in connector.actions and one not in present.disabled_actions:
            message = f"{connector.name} has no action {one[:80]!r}"
            path = f"disabled_actions[{index}]"
            problems.append(Problem(path=path, message=message, code="unknown_action"))
    # What is turned off may be turned off before it is set up.
    if wanted.enabled or wanted.settings:
        config = config_of(connector.settings, wanted.settings)
        problems += hub.catalog.check_settings(connector.name, config)
    if problems:
        raise InputError("the integration is not valid", problems)


def _fields(state: IntegrationState) -> JsonObject:
    actions = {f"disabled_actions.{one}": True for one in state.disabled_actions}
    return {"enabled": state.enabled, **actions, **{f"settings.{k}": v for k, v in state.settings.items()}}
