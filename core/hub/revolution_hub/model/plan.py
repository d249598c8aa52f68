"""Plan: a named set of limits, and how the use of AI is charged. Windows are those of UTC. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from revolution_hub.errors import Problem
from revolution_sdk.types import JsonObject

LARGEST = 10**15
MICRO = 1_000_000
"""Money is counted in millionths of the plan's currency, in whole numbers."""

UNLIMITED = "unlimited"
AI_SPEND = "ai_spend_per_month"


class Window(StrEnum):
    """Over what time is counted."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"


EXECUTIONS = {
    "executions_per_minute": Window.MINUTE,
    "executions_per_day": Window.DAY,
    "executions_per_month": Window.MONTH,
}
LIMITS = {
    "executions_per_minute": "executions begun in a minute",
    "executions_per_day": "executions begun on a day",
    "executions_per_month": "executions begun in a month",
    "executions_running": "executions that are driven at a time",
    "ai_spend_per_month": "what AI may cost in a month, in the plan's currency",
    "stored_bytes": "bytes of large payloads and received files",
    "connections": "connections to accounts at providers",
    "members": "people who belong to the tenant",
    "requests_per_minute": "requests to the API in a minute",
}
"""Every limit a plan or a tenant may have. One that is not named does not limit."""

OF_PRINCIPALS = (*EXECUTIONS, "requests_per_minute")
"""Those a single principal may have as well."""

Limits = Mapping[str, float]


class Unit(StrEnum):
    """By what the use of AI is charged: a thousand tokens, a request, or what the provider takes for it."""

    TOKENS = "thousand_tokens"
    REQUEST = "request"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """How a month of AI is charged: `flat` in any case, and each unit beyond those `included` at `price`.

    Per token, per request and flat are this with one of them alone. Of `cost` the price is a factor, and what
    is included is money.
    """

    per: Unit = Unit.COST
    price: float = 1.0
    included: float = 0.0
    flat: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A named set of limits. From `warn_percent` of a limit on, the tenant is warned."""

    name: str
    limits: Limits = field(default_factory=dict)
    charge: Charge = Charge()
    warn_percent: int = 80
    revision: int = 0


BUILT_IN = {
    UNLIMITED: Plan(name=UNLIMITED),
    "free": Plan(
        name="free",
        limits={
            "executions_per_minute": 60,
            "executions_per_day": 1_000,
            "executions_per_month": 10_000,
            "executions_running": 5,
            "ai_spend_per_month": 5,
            "stored_bytes": 1_000_000_000,
            "connections": 5,
            "members": 3,
            "requests_per_minute": 600,
        },
    ),
    "team": Plan(
        name="team",
        limits={
            "executions_per_minute": 1_200,
            "executions_per_month": 500_000,
            "executions_running": 50,
            "ai_spend_per_month": 200,
            "stored_bytes": 50_000_000_000,
            "connections": 100,
            "members": 50,
            "requests_per_minute": 6_000,
        },
    ),
}
"""The plans that come with the hub; one that is stored under the same name takes their place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AiUse:
    """What AI was used in a month: tokens, requests, and what providers took for it in millionths."""

    tokens: int = 0
    requests: int = 0
    cost_micros: int = 0


def spend_of(charge: Charge, used: AiUse) -> float:
    """Return what a month's use of AI comes to, in the plan's currency. More use never costs less."""
    units = {
        Unit.TOKENS: used.tokens / 1000,
        Unit.REQUEST: float(used.requests),
        Unit.COST: used.cost_micros / MICRO,
    }[charge.per]
    return round(charge.flat + charge.price * max(0.0, units - charge.included), 6)


def begin_of(window: Window, now: datetime) -> datetime:
    """Return when the present minute, day or month began."""
    minute = now.replace(second=0, microsecond=0)
    if window is Window.MINUTE:
        return minute
    day = minute.replace(hour=0, minute=0)
    return day if window is Window.DAY else day.replace(day=1)


def end_of(window: Window, now: datetime) -> datetime:
    """Return when the present minute, day or month ends and counting begins anew."""
    begin = begin_of(window, now)
    if window is Window.MINUTE:
        return begin + timedelta(minutes=1)
    return begin + timedelta(days=1) if window is Window.DAY else (begin + timedelta(days=32)).replace(day=1)


def combined(plan: Limits, overrides: Mapping[str, float | None]) -> dict[str, float]:
    """Return the limits of a tenant: its plan's, but for those it has of its own; None lifts one."""
    together: dict[str, float | None] = {**plan, **overrides}
    return {name: most for name, most in together.items() if most is not None}


def limit_problems(given: JsonObject, at: str, known: tuple[str, ...] | Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with limits as they came in, where None lifts one."""
    problems = []
    for name, most in given.items():
        path = f"{at}.{name[:80]}"
        if name not in known:
            message = f"is no such limit; there are {', '.join(known)}"
            problems.append(Problem(path=path, message=message, code="unknown_limit"))
        elif most is not None and not _is_limit(name, most):
            sort = "number" if name == AI_SPEND else "whole number"
            problems.append(Problem(path=path, message=f"a {sort} from 0 to {LARGEST:,} is needed"))
    return problems


def _is_limit(name: str, most: Any) -> bool:
    whole = isinstance(most, int) and not isinstance(most, bool)
    money = name == AI_SPEND and isinstance(most, float)
    return (whole or money) and 0 <= most <= LARGEST


def charge_json(charge: Charge) -> JsonObject:
    """Return how AI is charged as it is stored and shown."""
    return {
        "per": str(charge.per),
        "price": charge.price,
        "included": charge.included,
        "flat": charge.flat,
    }


def charge_of(stored: Mapping[str, Any]) -> Charge:
    """Build it from what is stored."""
    return Charge(
        per=Unit(stored["per"]), price=stored["price"], included=stored["included"], flat=stored["flat"]
    )
