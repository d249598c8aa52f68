"""Integrations: connectors as each tenant set them, and what one process remembers of that."""

import threading
import time
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from revolution_hub.model.integration import IntegrationState
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import Store, Tx

AGE_S = 1.0
"""For how long a process goes by what it read, so that a step costs no query."""
MOST = 4096


def find(tx: Tx, connector: str) -> IntegrationState:
    """Return a connector as the tenant set it, or as it is without that."""
    return find_all(tx).get(connector, IntegrationState(tenant_id=tx.tenant_id, connector=connector))


def find_all(tx: Tx) -> dict[str, IntegrationState]:
    """Return by their names the connectors of which the tenant has set anything."""
    query = sa.select(t.integrations).where(t.integrations.c.tenant_id == tx.tenant_id)
    return {row["connector"]: value_of(IntegrationState, row) for row in tx.conn.execute(query).mappings()}


def put(tx: Tx, integration: IntegrationState, revision: int) -> bool:
    """Keep a connector as the tenant sets it if `revision` is still the present one; True if it was."""
    table = t.integrations
    if revision == 0 and find(tx, integration.connector).revision == 0:
        tx.conn.execute(sa.insert(table).values(columns_of(integration)))
        return True
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.connector == integration.connector,
            table.c.revision == revision,
        )
        .values(columns_of(integration, without=("tenant_id", "connector")))
    )
    return done.rowcount == 1


class KnownIntegrations:
    """What one process remembers of one store for a second. Safe to share between threads."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, Mapping[str, IntegrationState]]] = {}
        self._lock = threading.Lock()

    def of(self, tenant_id: str) -> Mapping[str, IntegrationState]:
        """Return the connectors of which a tenant has set anything, as they were at most a second ago."""
        known = self._known.get(tenant_id)
        now_s = self._clock()
        if known is not None and now_s - known[0] < AGE_S:
            return known[1]
        with self._store.read(tenant_id) as tx:
            found = find_all(tx)
        with self._lock:
            self._known.pop(tenant_id, None)
            self._known[tenant_id] = (now_s, found)
            # The oldest go first; whoever comes back is read again.
            for name in list(self._known)[: max(0, len(self._known) - MOST)]:
                del self._known[name]
        return found

    def forget(self, tenant_id: str) -> None:
        """Read a tenant anew the next time."""
        self._known.pop(tenant_id, None)

    def close(self) -> None:
        """Forget everything."""
        self._known.clear()
