"""attribute: whose an event of a provider's delivery is, by the provider's id of the account it belongs to.

An event of an account nobody is connected to is kept for the tenant whose app it came to. If the app belongs
to the installation there is no such tenant: then the delivery says so, and only who runs the installation
sees it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from revolution_hub.engine.enabled import is_enabled
from revolution_hub.hub import Hub
from revolution_hub.model.change import Intake
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.event import Event, EventOutcome, EventSource, StoredDelivery
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus, ExecutionStatus, WaitReason
from revolution_hub.store import across
from revolution_sdk import Connector, Emitted

MOST_NAMED = 5

Owned = tuple[Event, Connection | None]
"""An event, and the connection it came through, None if it can start nothing: nobody is connected to its
account, or the tenant has disabled the integration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """The events of a delivery by tenant; `problem` names accounts whose events belong to nobody."""

    events: list[Owned]
    problem: str | None = None


def attribute(
    hub: Hub, connector: Connector, app: ProviderApp, emitted: list[Emitted], stored: StoredDelivery
) -> Attributed:
    """Return an event for every tenant connected to the account of what was reported."""
    accounts = {one.account for one in emitted}
    owners: dict[str, dict[str, Connection]] = {}
    for connection in across.connections_of_account(hub.store, app, accounts):
        # The oldest connection of a tenant to the account speaks for it, so an event reaches it once.
        owners.setdefault(str(connection.account), {}).setdefault(connection.tenant_id, connection)
    events: list[Owned] = []
    for one in emitted:
        found = owners.get(one.account, {})
        for connection in found.values():
            # Where the integration is disabled the event is kept, and starts nothing.
            works = is_enabled(hub, connection.tenant_id, connector.name)
            event = _of(connector, one, connection, stored)
            events.append((event, connection) if works else (_of_disabled(event), None))
        if not found and app.owner_tenant_id is not None:
            events.append((_of_nobody(connector, one, app.owner_tenant_id, stored), None))
    return Attributed(events=events, problem=_problem(accounts - set(owners)))


def waiting_for(intake: Intake, connection: Connection) -> Intake:
    """Return the intake with what it starts waiting, if the connection it came through is broken.

    Whoever waits for its turn goes on waiting for that: it is let in by those before it.
    """
    if connection.status is ConnectionStatus.CONNECTED:
        return intake
    return replace(intake, executions=tuple(_waiting(one, connection) for one in intake.executions))


def _waiting(execution: Execution, connection: Connection) -> Execution:
    if execution.status is not ExecutionStatus.QUEUED:
        return execution
    return replace(
        execution,
        status=ExecutionStatus.WAITING,
        wait_reason=WaitReason.CONNECTION,
        wait_on=connection.id,
        connection_id=connection.id,
    )


def _of(connector: Connector, one: Emitted, connection: Connection, stored: StoredDelivery) -> Event:
    return replace(_event(connector, one, connection.tenant_id, stored), connection_id=connection.id)


def _of_nobody(connector: Connector, one: Emitted, tenant_id: str, stored: StoredDelivery) -> Event:
    return replace(_event(connector, one, tenant_id, stored), outcome=EventOutcome.NO_CONNECTION)


def _of_disabled(event: Event) -> Event:
    return replace(event, outcome=EventOutcome.DISABLED)


def _event(connector: Connector, one: Emitted, tenant_id: str, stored: StoredDelivery) -> Event:
    return Event(
        id=new_id("evt"),
        tenant_id=tenant_id,
        source_id=stored.source_id,
        source=EventSource.APP,
        delivery_id=stored.id,
        connector=connector.name,
        type=f"{connector.name}.{one.type}",
        canonical=connector.events[one.type].canonical,
        account=one.account,
        dedup_key=one.dedup_key[:300],
        data=one.data,
        occurred_at=one.occurred_at,
        received_at=stored.received_at,
    )


def _problem(unowned: Collection[str]) -> str | None:
    if not unowned:
        return None
    named = ", ".join(one[:80] for one in sorted(unowned)[:MOST_NAMED])
    more = f" and {len(unowned) - MOST_NAMED} more" if len(unowned) > MOST_NAMED else ""
    return f"nobody is connected to these accounts: {named}{more}"
