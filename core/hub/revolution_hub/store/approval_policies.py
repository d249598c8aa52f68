"""A tenant's own rules of what needs an approval, and how every process knows of them without asking anew."""

import secrets
import threading
import time

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.approval import ApprovalPolicy
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import put
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Store, Tx

FACT = "approval_policies"
"""The fact of the installation that is another one after every change of a policy."""
KNOWN_S = 1.0
"""How long another process goes on by what it knows."""

_TABLE = t.approval_policies


def add(tx: Tx, policy: ApprovalPolicy) -> None:
    """Keep a policy."""
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(policy)))
    _announce(tx)


def get(tx: Tx, policy_id: str) -> ApprovalPolicy:
    """Return a policy or raise NotFoundError."""
    return _policy(found(one_row(tx, _TABLE, _TABLE.c.id == policy_id), "approval policy"))


def list_page(tx: Tx, page: Page) -> tuple[list[ApprovalPolicy], str | None]:
    """Return one page of the tenant's policies, and the cursor for the next."""
    rows, cursor = page_rows(tx, _TABLE, page, {})
    return [_policy(row) for row in rows], cursor


def list_all(tx: Tx) -> tuple[ApprovalPolicy, ...]:
    """Return every policy of the tenant."""
    rows = tx.conn.execute(sa.select(_TABLE).where(_TABLE.c.tenant_id == tx.tenant_id).order_by(_TABLE.c.id))
    return tuple(_policy(row) for row in rows.mappings())


def remove(tx: Tx, policy_id: str) -> bool:
    """Delete a policy; False if it was not there."""
    done = tx.conn.execute(
        sa.delete(_TABLE).where(_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == policy_id)
    )
    _announce(tx)
    return done.rowcount == 1


class Policies:
    """What this process knows of the tenants' policies. Safe to share between threads.

    A single fact of the installation is looked at once a second, however many actions are called; only when
    it is another one the policies are read anew. Without any change a call costs no statement.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[ApprovalPolicy, ...]] = {}
        self._fact: bytes | None = None
        self._looked_s = float("-inf")

    def close(self) -> None:
        """Forget everything."""
        self.forget()

    def forget(self) -> None:
        """Look anew the next time; for the process that has changed a policy itself."""
        with self._lock:
            self._looked_s = float("-inf")

    def of(self, tenant_id: str) -> tuple[ApprovalPolicy, ...]:
        """Return the tenant's policies as they were at most a second ago."""
        with self._lock:
            self._look()
            known = self._known.get(tenant_id)
        if known is not None:
            return known
        return self._learn(tenant_id)

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s <= KNOWN_S:
            return
        fact = _read_fact(self._store)
        if fact != self._fact:
            self._known.clear()
            self._fact = fact
        self._looked_s = now_s

    def _learn(self, tenant_id: str) -> tuple[ApprovalPolicy, ...]:
        with self._lock:
            fact = self._fact
        with self._store.read(tenant_id) as tx:
            policies = list_all(tx)
        with self._lock:
            # What was read before a change that is known of by now is not kept.
            if fact == self._fact:
                self._known[tenant_id] = policies
        return policies


def policies_of(store: Store) -> Policies:
    """Return the process's one knowledge of policies."""
    return store.companion(Policies)


def _read_fact(store: Store) -> bytes | None:
    table = t.installation
    with store.read_across() as tx:
        return tx.conn.execute(sa.select(table.c.value).where(table.c.name == FACT)).scalar_one_or_none()


def _announce(tx: Tx) -> None:
    put(tx.conn, t.installation, [{"name": FACT, "value": secrets.token_bytes(16)}])


def _policy(row: RowMapping) -> ApprovalPolicy:
    return value_of(
        ApprovalPolicy, row, assignees=tuple(row["assignees"]), escalate_to=tuple(row["escalate_to"])
    )
