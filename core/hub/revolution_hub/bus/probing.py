"""probing: every connection is looked at now and then, so that a broken one shows before it is needed."""

import random
from datetime import datetime, timedelta

from revolution_hub.engine.probe import LIMIT_S, probe
from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, health, integrations
from revolution_hub.store.health import Due

SLACK_S = 60.0
"""How much longer than its probe a lease lasts: for a renewal before it, and for what comes behind."""
SPREAD = 0.2
"""By this share of the interval the next probe comes sooner or later."""


def claim(hub: Hub, limit: int) -> list[Due]:
    """Take connections that are to be probed; none if the operator wants no probes."""
    if not hub.settings.probe_s:
        return []
    return health.claim_probes(hub.store, hub.now(), timedelta(seconds=LIMIT_S + SLACK_S), limit)


def look_after(hub: Hub, due: Due) -> bool:
    """Probe one connection that was taken, and say when it is to be probed next; False if it is not ours."""
    try:
        with hub.store.read(due.tenant_id) as tx:
            connection = connections.get(tx, due.connection_id)
            enabled = integrations.find(tx, connection.connector).enabled
    except NotFoundError:
        return False
    problem = connection.problem
    if enabled and connection.status is ConnectionStatus.CONNECTED:
        problem = _problem(hub, connection)
    now = hub.now()
    with hub.store.begin(due.tenant_id) as tx:
        return health.probed(
            tx, connection.id, due.lease, now=now, next_at=next_probe(hub, now), problem=problem
        )


def next_probe(hub: Hub, now: datetime) -> datetime:
    """Return when a connection that was just looked at is to be looked at again."""
    return now + timedelta(seconds=hub.settings.probe_s * random.uniform(1 - SPREAD, 1 + SPREAD))


def _problem(hub: Hub, connection: Connection) -> str | None:
    connector = hub.catalog.find_connector(connection.connector)
    if connector is None:
        return f"no installed plugin offers {connection.connector}"
    return probe(hub, connector, connection)
