"""metered: what calls use, kept per day and tenant, and refused where the plan's spend is used up.

It is kept in a transaction of its own right behind the call, and not with the step's outcome: what was used
was used, whatever becomes of the step.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.plan import AI_SPEND, MICRO, Window, end_of, spend_of
from revolution_hub.model.time import rfc3339
from revolution_hub.store import plans, usage
from revolution_hub.store.errors import StoreError
from revolution_sdk.usage import Usage

_log = logging.getLogger("revolution.quota")


class Metered(Usage):
    """What one call uses in the name of a tenant."""

    def __init__(self, hub: Hub, tenant_id: str) -> None:
        super().__init__()
        self._hub = hub
        self._tenant_id = tenant_id

    def require(self) -> None:
        """Raise LimitError `quota_exceeded` if the tenant has spent what it may in a month."""
        now = self._hub.now()
        with self._hub.store.read(self._tenant_id) as tx:
            counted = plans.in_force(tx, self._hub.settings.default_plan)
            most = counted.limits.get(AI_SPEND)
            if most is None:
                return
            spent = spend_of(counted.plan.charge, usage.ai_of(tx, now))
        if spent >= most:
            resets_at = end_of(Window.MONTH, now)
            raise LimitError(
                f"the tenant has spent {spent:,g} of {most:,g} {AI_SPEND}; no model is asked before "
                f"{rfc3339(resets_at)}",
                code="quota_exceeded",
                retry_after_s=(resets_at - now).total_seconds(),
                details={"limit": AI_SPEND, "used": spent, "most": most, "resets_at": rfc3339(resets_at)},
            )


@contextmanager
def metering(hub: Hub, connection: Connection | None) -> Iterator[Usage]:
    """Keep what the block uses. What goes through no connection belongs to nobody, and is not kept."""
    if connection is None:
        yield Usage()
        return
    metered = Metered(hub, connection.tenant_id)
    try:
        yield metered
    finally:
        if metered.added:
            _keep(hub, connection.tenant_id, metered)


def _keep(hub: Hub, tenant_id: str, metered: Usage) -> None:
    day = usage.day_of(hub.now())
    rows = [
        usage.Used(tenant_id=tenant_id, day=day, meter=usage.meter_of(one.unit), quantity=one.quantity)
        for one in metered.added
    ]
    cost = round(sum(one.cost for one in metered.added) * MICRO)
    if cost:
        rows.append(usage.Used(tenant_id=tenant_id, day=day, meter=usage.AI_COST, quantity=cost))
    try:
        with hub.store.begin(tenant_id) as tx:
            usage.add(tx.conn, rows)
    except StoreError as error:
        # The call was made, and its outcome must not be lost over what it cost.
        _log.warning("what a call of %s used could not be kept: %s", tenant_id, error.reason)
