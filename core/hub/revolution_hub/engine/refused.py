"""refused: a connection whose credential the provider refuses for good is marked, and people can be told.

The mark and the event on the tenant's bus are one commit, so nobody is told twice, or not at all.
"""

from revolution_hub.engine.match import names_of
from revolution_hub.engine.react import react
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied
from revolution_hub.model.connection import Connection
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.hub_events import CONNECTION_NEEDS_REAUTH
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, workflows
from revolution_hub.store.apply import apply_within

SOURCE = "hub"
LONGEST_REASON = 500


def mark_refused(hub: Hub, connection: Connection, reason: str, *, this_very: bool = False) -> bool:
    """Say that a connection needs a person; False if somebody has authorized it anew since it was read.

    With `this_very` it is about the credential as it was read, and not about one that was renewed since.
    """
    if connection.status is not ConnectionStatus.CONNECTED:
        return True
    now, reason = hub.now(), reason[:LONGEST_REASON]
    version = connection.credential.version if this_very else None
    with hub.store.begin(connection.tenant_id) as tx:
        if not connections.set_status(
            tx, connection, ConnectionStatus.NEEDS_REAUTH, reason, now, version=version
        ):
            present = connections.find_all(tx, [connection.id]).get(connection.id)
            return present is None or present.status is not ConnectionStatus.CONNECTED
        event = _event(hub, connection, reason)
        listeners = workflows.list_listeners(tx, names_of(event))
        outcome = apply_within(tx, react(hub.catalog, event, listeners))
    if isinstance(outcome, Applied) and outcome.execution_ids:
        hub.wake()
    return True


def _event(hub: Hub, connection: Connection, reason: str) -> Event:
    return Event(
        id=new_id("evt"),
        tenant_id=connection.tenant_id,
        source_id=SOURCE,
        source=EventSource.HUB,
        connector="",
        type=CONNECTION_NEEDS_REAUTH,
        canonical=None,
        dedup_key=f"{connection.id}:{connection.revision}:{connection.credential.version}",
        data={
            "connection_id": connection.id,
            "connector": connection.connector,
            "name": connection.name,
            "reason": reason,
        },
        received_at=hub.now(),
    )
