"""Plans, and the limits of tenants and principals. A plan that came with the hub has a row once changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.errors import NotFoundError
from revolution_hub.model.plan import BUILT_IN, Plan, charge_json, charge_of, combined
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import put
from revolution_hub.store.tx import AcrossTx, Store, Tx

Overrides = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPlan:
    """What a tenant has: its plan, None for the default one, and limits of its own instead of the plan's."""

    plan: str | None = None
    limits: Overrides = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What counts for a tenant: its plan, and the limits that come of it and of the tenant's own."""

    plan: Plan
    limits: Mapping[str, float]


def list_plans(tx: Tx | AcrossTx) -> list[Plan]:
    """Return every plan, by name."""
    stored = {row["name"]: _plan_of(row) for row in tx.conn.execute(sa.select(t.plans)).mappings()}
    return [one for _, one in sorted({**BUILT_IN, **stored}.items())]


def find_plan(tx: Tx | AcrossTx, name: str) -> Plan | None:
    """Return a plan by its name, or None."""
    row = tx.conn.execute(sa.select(t.plans).where(t.plans.c.name == name)).mappings().one_or_none()
    return _plan_of(row) if row else BUILT_IN.get(name)


def get_plan(tx: Tx | AcrossTx, name: str) -> Plan:
    """Return a plan or raise NotFoundError."""
    found = find_plan(tx, name)
    if found is None:
        raise NotFoundError("there is no such plan")
    return found


def put_plan(tx: AcrossTx, plan: Plan, now: datetime) -> None:
    """Keep a plan in the place of the one of this name."""
    row = {
        "name": plan.name,
        "limits": dict(plan.limits),
        "charge": charge_json(plan.charge),
        "warn_percent": plan.warn_percent,
        "revision": plan.revision,
        "updated_at": now,
    }
    put(tx.conn, t.plans, [row])


def remove_plan(tx: AcrossTx, name: str) -> bool:
    """Delete a plan; False if there is none stored. One that comes with the hub is then as it came."""
    return tx.conn.execute(sa.delete(t.plans).where(t.plans.c.name == name)).rowcount == 1


def uses_of(tx: AcrossTx, name: str) -> int:
    """Count the tenants that have this plan."""
    query = sa.select(sa.func.count()).select_from(t.tenant_plans).where(t.tenant_plans.c.plan == name)
    return int(tx.conn.execute(query).scalar_one())


def get_tenant_plan(tx: Tx) -> TenantPlan:
    """Return what the tenant has."""
    query = sa.select(t.tenant_plans).where(t.tenant_plans.c.tenant_id == tx.tenant_id)
    row = tx.conn.execute(query).mappings().one_or_none()
    if row is None:
        return TenantPlan()
    return TenantPlan(plan=row["plan"], limits=row["limits"], revision=row["revision"])


def put_tenant_plan(tx: Tx, given: TenantPlan, now: datetime) -> None:
    """Keep what the tenant has."""
    row: dict[str, Any] = {
        "tenant_id": tx.tenant_id,
        "plan": given.plan,
        "limits": dict(given.limits),
        "revision": given.revision,
        "updated_at": now,
    }
    put(tx.conn, t.tenant_plans, [row])


def in_force(tx: Tx, default: str) -> InForce:
    """Return what counts for the tenant. A plan that is gone is as good as the default one."""
    own = get_tenant_plan(tx)
    plan = (find_plan(tx, own.plan) if own.plan else None) or find_plan(tx, default) or BUILT_IN["unlimited"]
    return InForce(plan=plan, limits=combined(plan.limits, own.limits))


def principal_limits(tx: Tx, principal_id: str) -> Mapping[str, float]:
    """Return the limits a principal has of its own."""
    table = t.principal_limits
    query = sa.select(table.c.limits).where(
        table.c.tenant_id == tx.tenant_id, table.c.principal_id == principal_id
    )
    return tx.conn.execute(query).scalar_one_or_none() or {}


def put_principal_limits(tx: Tx, principal_id: str, limits: Mapping[str, float], now: datetime) -> None:
    """Keep the limits a principal has of its own."""
    row = {"tenant_id": tx.tenant_id, "principal_id": principal_id, "limits": dict(limits), "updated_at": now}
    put(tx.conn, t.principal_limits, [row])


def running_caps(store: Store, default: str) -> tuple[float | None, dict[str, float | None]]:
    """Return how many executions may be driven at a time: by default, and of tenants that have another limit.

    None is no limit.
    """
    with store.read_across() as tx:
        plans = {one.name: one for one in list_plans(tx)}
        usual = plans.get(default, BUILT_IN["unlimited"])
        rows = tx.conn.execute(sa.select(t.tenant_plans)).mappings().all()
    caps = {
        row["tenant_id"]: combined(plans.get(row["plan"] or default, usual).limits, row["limits"])
        for row in rows
    }
    return usual.limits.get("executions_running"), {
        tenant_id: limits.get("executions_running") for tenant_id, limits in caps.items()
    }


def _plan_of(row: RowMapping) -> Plan:
    return Plan(
        name=row["name"],
        limits=row["limits"],
        charge=charge_of(row["charge"]),
        warn_percent=row["warn_percent"],
        revision=row["revision"],
    )
