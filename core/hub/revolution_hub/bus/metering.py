"""metering: what began is counted a little later, and who has used most of a limit is warned once.

A warning is a line in the log and an event on the tenant's bus, kept in the very commit that says that it was
given: whatever it starts may use some of the limit as well, and brings no second one.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from revolution_hub.bus.quota import count_anyway
from revolution_hub.engine.match import names_of
from revolution_hub.engine.react import react
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.hub_events import QUOTA_WARNING
from revolution_hub.model.ids import new_id
from revolution_hub.model.plan import AI_SPEND, EXECUTIONS, Window, begin_of, end_of, spend_of
from revolution_hub.model.time import rfc3339
from revolution_hub.store import plans, usage, workflows
from revolution_hub.store.apply import apply_within
from revolution_hub.store.plans import InForce
from revolution_hub.store.tx import Tx

SOURCE = "hub"

_log = logging.getLogger("revolution.quota")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """A limit of which most is used: how much of how much, since when, and until when."""

    limit: str
    used: float
    most: float
    begin: datetime
    end: datetime


def count_usage(hub: Hub) -> int:
    """Count the executions that began since the last time; returns how many warnings there are to be seen.

    Of a limit a tenant is warned once in its window; of one per minute once a day.
    """
    now, warned = hub.now(), 0
    for tenant_id in sorted(usage.count_executions(hub.store, now)):
        with hub.store.read(tenant_id) as tx:
            near = list(_near(tx, plans.in_force(tx, hub.settings.default_plan), now))
        if near:
            warned += _warn(hub, tenant_id, near, now)
    return warned


def _near(tx: Tx, counted: InForce, now: datetime) -> Iterator[_Near]:
    """Yield the limits of which most is used."""
    share = counted.plan.warn_percent / 100
    for name, most in counted.limits.items():
        window = Window.MONTH if name == AI_SPEND else EXECUTIONS.get(name)
        if window is None:
            continue
        begin = begin_of(window, now)
        if name == AI_SPEND:
            used = spend_of(counted.plan.charge, usage.ai_of(tx, now))
        else:
            used = usage.executions_since(tx, begin, most)
        if used >= most * share:
            yield _Near(limit=name, used=min(used, most), most=most, begin=begin, end=end_of(window, now))


def _warn(hub: Hub, tenant_id: str, near: Sequence[_Near], now: datetime) -> int:
    with hub.store.begin(tenant_id) as tx:
        first = [one for one in near if usage.first_warning(tx, one.limit, one.begin)]
        started = sum(_tell(tx, hub, one, now) for one in first)
    for one in first:
        told = f"{one.used:,g} of {one.most:,g} {one.limit}"
        _log.warning("the tenant %s has used %s", tenant_id, told)
    for _ in range(started):
        count_anyway(hub, tenant_id)
    if started:
        hub.wake()
    return len(first)


def _tell(tx: Tx, hub: Hub, near: _Near, now: datetime) -> int:
    """Keep the event of a warning with what it starts; returns how many executions that is."""
    event = Event(
        id=new_id("evt"),
        tenant_id=tx.tenant_id,
        source_id=SOURCE,
        source=EventSource.HUB,
        connector="",
        type=QUOTA_WARNING,
        canonical=None,
        dedup_key=f"{near.limit}:{usage.day_of(near.begin)}",
        data={
            "limit": near.limit,
            "used": near.used,
            "most": near.most,
            "resets_at": rfc3339(near.end),
        },
        received_at=now,
    )
    listeners = workflows.list_listeners(tx, names_of(event))
    outcome = apply_within(tx, react(hub.catalog, event, listeners))
    return len(outcome.execution_ids) if isinstance(outcome, Applied) else 0
