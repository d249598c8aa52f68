"""Quotas: plans, who has which, and what was used of what a tenant or a principal may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.access.rbac import require
from revolution_hub.bus.quota import Quotas
from revolution_hub.errors import ConflictError, InputError, LimitError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.plan import (
    BUILT_IN,
    EXECUTIONS,
    LIMITS,
    OF_PRINCIPALS,
    Charge,
    Plan,
    Window,
    begin_of,
    end_of,
    limit_problems,
    spend_of,
)
from revolution_hub.model.principal import Principal
from revolution_hub.store import across, audit, connections, people, plans, principals, usage
from revolution_hub.store.plans import InForce, TenantPlan
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject

AT_COST = Charge()
_COUNTED = 10**9
"""Where there is no limit, so many are counted at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How much of something was used: of `most`, if there is a limit, until counting begins anew.

    `warning` says that most of it is used, `exceeded` that nothing more is accepted.
    """

    limit: str
    used: float | None
    most: float | None
    resets_at: datetime | None = None
    warning: bool = False
    exceeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a tenant has used, by its plan, and the principal who asks."""

    plan: Plan
    tenant: tuple[Measure, ...]
    principal: tuple[Measure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """What a plan is to be."""

    limits: JsonObject
    charge: Charge = AT_COST
    warn_percent: int = 80


def list_plans(hub: Hub, principal: Principal) -> list[Plan]:
    """Return every plan of the installation."""
    require(principal, "plan:write")
    with hub.store.read(principal.tenant_id) as tx:
        return plans.list_plans(tx)


def get_plan(hub: Hub, principal: Principal, name: str) -> Plan:
    """Return a plan or raise NotFoundError."""
    require(principal, "plan:write")
    with hub.store.read(principal.tenant_id) as tx:
        return plans.get_plan(tx, name)


def put_plan(hub: Hub, principal: Principal, name: str, given: NewPlan) -> Plan:
    """Make a plan, or change the one of this name for every tenant that has it."""
    require(principal, "plan:write")
    _require_limits(given.limits, "limits", LIMITS, lifting=False)
    with hub.store.begin_across() as tx:
        known = plans.find_plan(tx, name)
        plan = Plan(
            name=name,
            limits=given.limits,
            charge=given.charge,
            warn_percent=given.warn_percent,
            revision=known.revision + 1 if known else 1,
        )
        plans.put_plan(tx, plan, hub.now())
        before = dict(known.limits) if known else {}
        entry = entry_of(principal, "plan.put", name, hub.now(), before=before, after=given.limits)
        audit.append(tx.of(principal.tenant_id), entry)
    hub.store.companion(Quotas).forget()
    return plan


def remove_plan(hub: Hub, principal: Principal, name: str) -> None:
    """Delete a plan that no tenant has. One that comes with the hub is then as it came.

    Raises ConflictError if tenants have it.
    """
    require(principal, "plan:write")
    with hub.store.begin_across() as tx:
        plans.get_plan(tx, name)
        used = plans.uses_of(tx, name)
        if used and name not in BUILT_IN:
            raise ConflictError(
                f"{used} tenants have this plan; give them another one first", code="plan_in_use"
            )
        if plans.remove_plan(tx, name):
            audit.append(tx.of(principal.tenant_id), entry_of(principal, "plan.remove", name, hub.now()))
    hub.store.companion(Quotas).forget()


def get_tenant_plan(hub: Hub, principal: Principal, tenant_id: str) -> tuple[TenantPlan, InForce]:
    """Return the plan and limits a tenant was given, and what counts for it."""
    require(principal, "plan:write")
    with hub.store.read(_known(hub, tenant_id)) as tx:
        return plans.get_tenant_plan(tx), plans.in_force(tx, hub.settings.default_plan)


def put_tenant_plan(
    hub: Hub, principal: Principal, tenant_id: str, plan: str | None, limits: JsonObject
) -> tuple[TenantPlan, InForce]:
    """Give a tenant a plan, None for the default one, and limits of its own; None lifts one of the plan's."""
    require(principal, "plan:write")
    _require_limits(limits, "limits", LIMITS)
    _known(hub, tenant_id)
    with hub.store.begin_across() as tx:
        of = tx.of(tenant_id)
        if plan is not None and plans.find_plan(of, plan) is None:
            raise InputError("there is no such plan", [Problem(path="plan", message="is no plan's name")])
        known = plans.get_tenant_plan(of)
        given = TenantPlan(plan=plan, limits=limits, revision=known.revision + 1)
        plans.put_tenant_plan(of, given, hub.now())
        before, after = ({"plan": one.plan, **one.limits} for one in (known, given))
        entry = entry_of(principal, "tenant.plan", tenant_id, hub.now(), before=before, after=after)
        for one in sorted({tenant_id, principal.tenant_id}):
            audit.append(tx.of(one), replace(entry, tenant_id=one))
        found = given, plans.in_force(of, hub.settings.default_plan)
    hub.store.companion(Quotas).forget()
    return found


def get_principal_limits(hub: Hub, principal: Principal, principal_id: str) -> Mapping[str, float]:
    """Return the limits a principal of the tenant has of its own."""
    require(principal, "key:write")
    with hub.store.read(principal.tenant_id) as tx:
        _require_principal(tx, principal_id)
        return plans.principal_limits(tx, principal_id)


def put_principal_limits(
    hub: Hub, principal: Principal, principal_id: str, limits: JsonObject
) -> Mapping[str, float]:
    """Give a principal of the tenant limits of its own. They narrow the tenant's, and never widen them."""
    require(principal, "key:write")
    _require_limits(limits, "limits", OF_PRINCIPALS, lifting=False)
    with hub.store.begin(principal.tenant_id) as tx:
        _require_principal(tx, principal_id)
        known = plans.principal_limits(tx, principal_id)
        plans.put_principal_limits(tx, principal_id, limits, hub.now())
        differing = {"before": dict(known), "after": limits}
        audit.append(tx, entry_of(principal, "principal.limits", principal_id, hub.now(), **differing))
    hub.store.companion(Quotas).forget()
    return limits


def get_usage(hub: Hub, principal: Principal) -> Usage:
    """Return what the tenant and the principal who asks have used, against their limits."""
    require(principal, "usage:read")
    now = hub.now()
    with hub.store.read(principal.tenant_id) as tx:
        counted = plans.in_force(tx, hub.settings.default_plan)
        own = plans.principal_limits(tx, principal.id)
        warn = counted.plan.warn_percent
        return Usage(
            plan=counted.plan,
            tenant=tuple(_of_tenant(tx, counted, now)),
            principal=tuple(_windows(tx, own, now, warn, principal.id)),
        )


def require_within(hub: Hub, tx: Tx, limit: str, used: float, adding: float = 1) -> None:
    """Raise LimitError `quota_exceeded` if so much more of something would be beyond the tenant's limit.

    For what does not begin anew, such as `connections`, `members` and `stored_bytes`; within the transaction
    that adds it, so that two that come at once do not both fit in.
    """
    most = plans.in_force(tx, hub.settings.default_plan).limits.get(limit)
    if most is not None and used + adding > most:
        raise LimitError(
            f"the tenant has {used:,g} of {most:,g} {limit} that it may have",
            code="quota_exceeded",
            details={"limit": limit, "used": used, "most": most, "resets_at": None},
        )


def _of_tenant(tx: Tx, counted: InForce, now: datetime) -> Iterable[Measure]:
    limits, warn = counted.limits, counted.plan.warn_percent
    yield from _windows(tx, limits, now, warn)
    month = end_of(Window.MONTH, now)
    spent = spend_of(counted.plan.charge, usage.ai_of(tx, now))
    yield _measure("ai_spend_per_month", spent, limits, warn, month)
    yield _measure("connections", connections.count_all(tx), limits, warn)
    yield _measure("members", people.count_members(tx), limits, warn)
    yield _measure("stored_bytes", usage.gauge_of(tx, usage.STORED), limits, warn)
    for name in ("executions_running", "requests_per_minute"):
        if name in limits:
            yield Measure(limit=name, used=None, most=limits[name])


def _windows(
    tx: Tx, limits: Mapping[str, float], now: datetime, warn: int, principal_id: str = usage.EVERYBODY
) -> Iterable[Measure]:
    for name, window in EXECUTIONS.items():
        most = limits.get(name, _COUNTED)
        used = usage.executions_since(tx, begin_of(window, now), most, principal_id)
        yield _measure(name, used, limits, warn, end_of(window, now))


def _measure(
    name: str, used: float, limits: Mapping[str, float], warn: int, resets_at: datetime | None = None
) -> Measure:
    most = limits.get(name)
    return Measure(
        limit=name,
        used=used if most is None else min(used, most) if name in EXECUTIONS else used,
        most=most,
        resets_at=resets_at,
        warning=most is not None and used >= most * warn / 100,
        exceeded=most is not None and used >= most,
    )


def _require_limits(
    given: JsonObject, at: str, known: tuple[str, ...] | Mapping[str, str], *, lifting: bool = True
) -> None:
    problems = limit_problems(given, at, known)
    lifted = [] if lifting else [name for name, most in given.items() if most is None]
    problems += [Problem(path=f"{at}.{one[:80]}", message="leave it out instead") for one in lifted]
    if problems:
        raise InputError("the limits are not valid", problems)


def _require_principal(tx: Tx, principal_id: str) -> None:
    if not principals.is_known(tx, principal_id):
        raise NotFoundError("there is no such principal")


def _known(hub: Hub, tenant_id: str) -> str:
    if not across.is_tenant(hub.store, tenant_id):
        raise NotFoundError("there is no such tenant")
    return tenant_id
