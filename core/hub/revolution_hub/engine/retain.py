"""retain: what has ended is kept as long as the settings say, then removed with all that belongs to it."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.settings import Settings
from revolution_hub.store import across, audit, usage
from revolution_hub.store.prune import PAUSE_S, Before, Walk, prune_events, prune_executions, remove_strays
from revolution_hub.store.tx import Store

STRAYS_EVERY = timedelta(days=1)
AUDIT_EVERY = timedelta(days=1)
SIZES_EVERY = timedelta(minutes=10)
STRAY_AFTER = timedelta(days=1)
"""A file is written before the row that names it, within moments; after a day nobody will name it."""

_log = logging.getLogger("revolution.engine")


@dataclass(slots=True)
class Rounds:
    """What a process remembers between its rounds: how far it has looked, and when it looked for strays."""

    walk: Walk = field(default_factory=Walk)
    strays_at: datetime | None = None
    audit_at: datetime | None = None
    sizes_at: datetime | None = None


def retain(hub: Hub, rounds: Rounds, stop: threading.Event) -> int:
    """Remove what is due, as much as one round may; returns how many executions and events.

    Any number of processes may do so at once. Ends soon after `stop`.
    """
    now, settings = hub.now(), hub.settings
    removed = prune_executions(hub.store, before_of(settings, now), stop, rounds.walk)
    if settings.keep_events_days and not stop.is_set():
        removed += prune_events(hub.store, now - timedelta(days=settings.keep_events_days), stop)
    if not stop.is_set() and (rounds.strays_at is None or now - rounds.strays_at >= STRAYS_EVERY):
        strays = remove_strays(hub.store, now - STRAY_AFTER, stop)
        rounds.strays_at = now
        if strays:
            _log.info("%d folders of payloads that belonged to nothing were removed", strays)
    if not stop.is_set() and (rounds.sizes_at is None or now - rounds.sizes_at >= SIZES_EVERY):
        rounds.sizes_at = now
        note_sizes(hub.store)
    if settings.keep_audit_days and (rounds.audit_at is None or now - rounds.audit_at >= AUDIT_EVERY):
        rounds.audit_at = now
        retain_audit(hub.store, audit.before_of(settings.keep_audit_days, now), now, stop)
    return removed


def note_sizes(store: Store) -> None:
    """Note how many bytes of large payloads every tenant has."""
    for tenant_id, size in store.files.sizes() if store.files is not None else ():
        with store.begin(tenant_id) as tx:
            usage.put_gauge(tx, usage.STORED, size)


def retain_audit(
    store: Store, before: datetime, now: datetime, stop: threading.Event, tenants: Iterable[str] | None = None
) -> int:
    """Remove the audit entries of these tenants, else of all, made before this moment; returns how many."""
    removed = 0
    for tenant_id in across.audited_tenants(store) if tenants is None else tenants:
        while not stop.wait(PAUSE_S):
            with store.begin(tenant_id) as tx:
                gone = audit.prune(tx, entry_of_hub(tenant_id, audit.PRUNE, "", now), before)
            removed += gone
            if gone < audit.MOST_REMOVED:
                break
    return removed


def before_of(settings: Settings, now: datetime) -> Before:
    """Return what is due by the settings."""
    days = {
        ExecutionStatus.SUCCEEDED: settings.keep_days,
        ExecutionStatus.CANCELLED: settings.keep_days,
        ExecutionStatus.FAILED: settings.keep_failed_days,
    }
    return {status: now - timedelta(days=count) for status, count in days.items() if count}


def all_before(statuses: Iterable[ExecutionStatus], moment: datetime) -> Before:
    """Return as due whatever has ended in one of these statuses before a moment."""
    return dict.fromkeys(statuses, moment)
