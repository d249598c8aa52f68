"""recover: every row whose time has come or whose worker is gone is queued again. The only way back."""

import logging

from revolution_hub.hub import Hub
from revolution_hub.store import across

_log = logging.getLogger("revolution.engine")


def sweep(hub: Hub) -> int:
    """Queue due timers and expired leases, wake workers if anything is queued; returns how many were.

    Safe to run in any number of processes at once: each row is moved by a conditional update.
    """
    now = hub.now()
    due = across.wake_due(hub.store, now)
    expired = across.recover_expired(hub.store, now)
    if expired:
        _log.warning("%d executions were taken over: the leases of their workers ran out", expired)
    if due or expired:
        hub.wake()
    return due + expired


def replace_worker(hub: Hub, owner: str) -> int:
    """Queue at once what a worker held that is known to be dead; returns how many executions."""
    count = across.end_leases_of(hub.store, owner)
    if count:
        _log.warning("%d executions of the worker %s were queued again", count, owner)
        hub.wake()
    return count
