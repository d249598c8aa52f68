"""quota: who has used up what its plan allows is told so before anything is accepted.

What was accepted is never taken back. Like the backlog, the count is a process's own: what the database said
at the last look, and what this process accepted since. Near a limit it looks twice a second, so processes
that accept for one tenant at once may exceed a limit by what they accept between two looks.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.plan import EXECUTIONS, begin_of, end_of
from revolution_hub.model.time import rfc3339
from revolution_hub.store import plans, usage
from revolution_hub.store.tx import Store

LOOK_S = 0.5
"""So often, at most, is counted what a tenant has used that may be near a limit."""
REST_S = 10.0
"""So long a look is good for a tenant that is far below its limits, or has none."""
FEW = 20
MOST_KNOWN = 10_000

Key = tuple[str, str]
"""A tenant, and a principal of it; an empty one for the tenant as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A limit that is used up: how much of how much, and when counting begins anew, if it does by itself."""

    limit: str
    used: int
    most: int
    resets_at: datetime | None


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What is known of a tenant or principal: its limits, what was used at the last look, accepted since."""

    limits: Mapping[str, float]
    used: Mapping[str, int] = field(default_factory=dict)
    at_s: float
    until: datetime | None = None
    accepted: int = 0
    full: Spent | None = None

    def is_fresh(self, now_s: float, now: Callable[[], datetime]) -> bool:
        age_s = now_s - self.at_s
        # Nearly everybody has no limits at all, and then there is nothing to ask the clock for.
        if age_s >= REST_S or (self.until is not None and now() >= self.until):
            return False
        return age_s < LOOK_S or not any(self._is_near(name) for name in self.used)

    def _is_near(self, name: str) -> bool:
        most = self.limits[name]
        return self.used[name] + self.accepted >= most / 2 or self.accepted >= most / FEW

    @property
    def is_free(self) -> bool:
        """Whether nothing of it needs to be counted."""
        return not self.used and self.full is None

    def spent(self, now: datetime) -> Spent | None:
        if self.full is not None:
            return self.full
        for name, used in self.used.items():
            most = int(self.limits[name])
            if used + self.accepted >= most:
                resets_at = end_of(EXECUTIONS[name], now)
                return Spent(limit=name, used=used + self.accepted, most=most, resets_at=resets_at)
        return None


class Quotas:
    """What one process knows of limits and of what was used. Safe to share between threads."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[Key, _Seen] = {}
        self._lock = threading.Lock()
        self._looking = [threading.Lock() for _ in range(64)]

    def take(
        self, key: Key, default: str, now: Callable[[], datetime], *, force: bool = False
    ) -> Spent | None:
        """Count one more execution, or return what is used up; with `force` it is counted in any case."""
        seen = self._known(key, default, now)
        if seen.is_free:
            return None
        with self._lock:
            spent = seen.spent(now())
            if spent is None or force:
                seen.accepted += 1
        return spent

    def give_back(self, key: Key) -> None:
        """Take back one that was counted and then not accepted."""
        with self._lock:
            seen = self._seen.get(key)
            if seen is not None and seen.accepted:
                seen.accepted -= 1

    def limits_of(self, key: Key, default: str, now: Callable[[], datetime]) -> Mapping[str, float]:
        """Return the limits of a tenant or a principal as they were a moment ago."""
        return self._known(key, default, now).limits

    def forget(self) -> None:
        """Look anew at everybody: plans or limits were changed in this process."""
        with self._lock:
            self._seen.clear()

    def close(self) -> None:
        """Forget everything."""
        self.forget()

    def _known(self, key: Key, default: str, now: Callable[[], datetime]) -> _Seen:
        now_s = self._clock()
        seen = self._seen.get(key)
        if seen is not None and seen.is_fresh(now_s, now):
            return seen
        with self._looking[hash(key) % len(self._looking)]:
            # Whoever waited for another's look has what that one saw, and what was accepted since.
            seen = self._seen.get(key)
            if seen is not None and seen.is_fresh(now_s, now):
                return seen
            return self._look(key, default, now(), now_s)

    def _look(self, key: Key, default: str, now: datetime, now_s: float) -> _Seen:
        tenant_id, principal_id = key
        with self._store.read(tenant_id) as tx:
            if principal_id:
                limits = plans.principal_limits(tx, principal_id)
            else:
                limits = plans.in_force(tx, default).limits
            used = {
                name: usage.executions_since(tx, begin_of(window, now), limits[name], principal_id)
                for name, window in EXECUTIONS.items()
                if name in limits
            }
            full = _full(limits, usage.gauge_of(tx, usage.STORED)) if usage.STORED in limits else None
        windows = [EXECUTIONS[name] for name in used]
        until = min((end_of(window, now) for window in windows), default=None)
        found = _Seen(limits=limits, used=used, at_s=now_s, until=until, full=full)
        with self._lock:
            self._seen.pop(key, None)
            while len(self._seen) >= MOST_KNOWN:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = found
        return found


def _full(limits: Mapping[str, float], stored: int) -> Spent | None:
    most = int(limits[usage.STORED])
    return Spent(limit=usage.STORED, used=stored, most=most, resets_at=None) if stored > most else None


def require_quota(hub: Hub, tenant_id: str, principal_id: str | None = None) -> None:
    """Count one more execution, or raise LimitError `quota_exceeded` if a limit of its window is used up."""
    book, default = hub.store.companion(Quotas), hub.settings.default_plan
    spent = book.take((tenant_id, usage.EVERYBODY), default, hub.now)
    if spent is None and principal_id:
        spent = book.take((tenant_id, principal_id), default, hub.now)
        if spent is not None:
            book.give_back((tenant_id, usage.EVERYBODY))
            raise exceeded(spent, hub.now(), principal_id)
    if spent is not None:
        raise exceeded(spent, hub.now())


def count_anyway(hub: Hub, tenant_id: str) -> None:
    """Count one more execution that is accepted whatever the limits are."""
    key = (tenant_id, usage.EVERYBODY)
    hub.store.companion(Quotas).take(key, hub.settings.default_plan, hub.now, force=True)


def exceeded(spent: Spent, now: datetime, principal_id: str | None = None) -> LimitError:
    """Return the error of a limit that is used up."""
    whose = f"the principal {principal_id}" if principal_id else "the tenant"
    resets_at = None if spent.resets_at is None else rfc3339(spent.resets_at)
    anew = f", and counting begins anew at {resets_at}" if resets_at else ""
    message = f"{whose} has used {spent.used:,} of {spent.most:,} {spent.limit}; nothing was accepted{anew}"
    wait_s = None if spent.resets_at is None else max(1.0, (spent.resets_at - now).total_seconds())
    details = {"limit": spent.limit, "used": spent.used, "most": spent.most, "resets_at": resets_at}
    return LimitError(message, code="quota_exceeded", retry_after_s=wait_s, details=details)
