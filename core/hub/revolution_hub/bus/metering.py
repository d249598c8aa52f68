"""metering: what began is counted a little later, and who has used most of a limit is warned once."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

from revolution_hub.hub import Hub
from revolution_hub.model.plan import AI_SPEND, EXECUTIONS, Window, begin_of, spend_of
from revolution_hub.store import plans, usage
from revolution_hub.store.plans import InForce
from revolution_hub.store.tx import Tx

_log = logging.getLogger("revolution.quota")


def count_usage(hub: Hub) -> int:
    """Count the executions that began since the last time; returns how many warnings there are to be seen.

    Of a limit a tenant is warned once in its window; of one per minute once a day.
    """
    now, warned = hub.now(), 0
    for tenant_id in sorted(usage.count_executions(hub.store, now)):
        with hub.store.read(tenant_id) as tx:
            near = dict(_near(tx, plans.in_force(tx, hub.settings.default_plan), now))
        if near:
            warned += _warn(hub, tenant_id, near)
    return warned


def _near(tx: Tx, counted: InForce, now: datetime) -> Iterator[tuple[str, tuple[datetime, str]]]:
    """Yield the limits of which most is used, with the beginning of their window and how much it is."""
    share = counted.plan.warn_percent / 100
    for name, most in counted.limits.items():
        window = EXECUTIONS.get(name)
        if window is not None:
            begin = begin_of(window, now)
            used: float = usage.executions_since(tx, begin, most)
        elif name == AI_SPEND:
            begin = begin_of(Window.MONTH, now)
            used = spend_of(counted.plan.charge, usage.ai_of(tx, now))
        else:
            continue
        if used >= most * share:
            yield name, (begin, f"{min(used, most):,g} of {most:,g}")


def _warn(hub: Hub, tenant_id: str, near: Mapping[str, tuple[datetime, str]]) -> int:
    warned = 0
    with hub.store.begin(tenant_id) as tx:
        for name, (begin, told) in near.items():
            if usage.first_warning(tx, name, begin):
                warned += 1
                _log.warning("the tenant %s has used %s %s", tenant_id, told, name)
    return warned
