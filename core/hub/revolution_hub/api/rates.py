"""Rates: requests are counted per principal and per tenant, and per client address where no key is valid.

Whoever makes more keys gets no more requests for the tenant by that, and an address is of IPv6 the network a
single customer is given.
"""

import time
from dataclasses import dataclass, field

from fastapi import Request

from revolution_hub.access.quotas import Allowance, RateLimiter, tighter
from revolution_hub.api.client_address import bucket_of, client_of
from revolution_hub.bus.quota import Quotas
from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.settings import Settings
from revolution_hub.store.usage import EVERYBODY

_REQUESTS = "requests_per_minute"


@dataclass(frozen=True, slots=True)
class Rates:
    """What one API process has counted."""

    settings: Settings
    principals: RateLimiter = field(init=False)
    tenants: RateLimiter = field(init=False)
    strangers: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "principals", RateLimiter(self.settings.requests_per_minute))
        object.__setattr__(self, "tenants", RateLimiter(self.settings.tenant_requests_per_minute))
        object.__setattr__(self, "strangers", RateLimiter(self.settings.anonymous_per_minute))


def count_request(request: Request, hub: Hub, principal: Principal) -> None:
    """Count a request of a principal and its tenant; LimitError `rate_limited` if it is one too many."""
    rates: Rates = request.app.state.rates
    now_s = time.monotonic()
    own = rates.principals.take(principal.id, now_s, _most(hub, principal, principal.id))
    if own.allowed:
        whole = rates.tenants.take(principal.tenant_id, now_s, _most(hub, principal, EVERYBODY))
        own = tighter(own, whole)
    _let_in(request, own)


def count_stranger(request: Request, hub: Hub) -> None:
    """Count a request without a valid key; raises LimitError `rate_limited` if the address sent too many."""
    rates: Rates = request.app.state.rates
    client = bucket_of(client_of(request, hub.settings.trusted_proxies))
    _let_in(request, rates.strangers.take(client, time.monotonic()))


def _most(hub: Hub, principal: Principal, which: str) -> int | None:
    """Return what the plan, or a limit of the principal's own, says about its requests; None if nothing."""
    key = (principal.tenant_id, which)
    limits = hub.store.companion(Quotas).limits_of(key, hub.settings.default_plan, hub.now)
    most = limits.get(_REQUESTS)
    return None if most is None else int(most)


def _let_in(request: Request, allowance: Allowance) -> None:
    request.state.allowance = allowance
    if not allowance.allowed:
        raise LimitError("too many requests", code="rate_limited", retry_after_s=allowance.reset_s)
