"""recover: every row whose time has come or whose worker is gone is queued again. The only way back."""

import logging
from datetime import datetime, timedelta

from revolution_hub.crashpoint import reach
from revolution_hub.hub import Hub
from revolution_hub.store import across
from revolution_hub.store import sweep as sweeping

RING_AGAIN_S = 1.0
"""How old what is queued must be before workers are woken for it again."""

_log = logging.getLogger("revolution.engine")


def sweep(hub: Hub, *, thorough: bool = True) -> int:
    """Queue whatever is due, expired, connected or nobody's, and wake workers; returns how many executions.

    Without `thorough` only what time brings on: due moments and leases. The rest is brought on by others, and
    is looked for here because it may have slipped through.

    Workers are woken as well if something has been queued for a while, for a wake-up may have been lost. Safe
    to run in any number of processes at once: each row is moved by a conditional update.
    """
    now = hub.now()
    expired = sweeping.recover_expired(hub.store, now)
    due = sweeping.wake_due(hub.store, now)
    connected = sweeping.wake_connected(hub.store) if thorough else 0
    unowned = _wake_forgotten(hub, now) if thorough else 0
    if expired:
        _log.warning("%d executions were taken over: the leases of their workers ran out", expired)
    if unowned:
        _log.error("%d executions waited for nothing that would ever come; they were queued", unowned)
    moved = expired + due + connected + unowned
    if moved:
        reach("clock.after_sweep")
        hub.wake()
    elif sweeping.queued_since(hub.store, now - timedelta(seconds=RING_AGAIN_S)):
        hub.wake()
    return moved


def _wake_forgotten(hub: Hub, now: datetime) -> int:
    """Queue what waits for nothing that would ever come; that there is any would be a fault of the hub."""
    childless = sweeping.wake_childless(hub.store)
    in_line = sweeping.wake_in_line(hub.store, now)
    sweeping.cancel_approvals(hub.store, now)
    decided = sweeping.wake_decided(hub.store)
    return childless + in_line + decided + sweeping.wake_unowned(hub.store)


def replace_worker(hub: Hub, owner: str) -> int:
    """Queue at once what a worker held that is known to be dead; returns how many executions."""
    count = across.end_leases_of(hub.store, owner)
    if count:
        _log.warning("%d executions of the worker %s were queued again", count, owner)
        hub.wake()
    return count
