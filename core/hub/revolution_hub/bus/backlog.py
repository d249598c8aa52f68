"""backlog: a tenant that has more waiting than its limit is told so before anything of it is accepted.

What was accepted is never taken back. The count is a process's own estimate: what the database said at the
last look, and what this process accepted since.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from revolution_hub.bus.quota import require_quota
from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_hub.store import executions
from revolution_hub.store.tx import Store

SETTING = "REVOLUTION_TENANT_BACKLOG"
RETRY_AFTER_S = 5.0

LOOK_S = 0.5
"""So often, at most, is counted what a tenant has waiting that may be near its limit."""
REST_S = 60.0
"""So long a count is good for a tenant that is far below it."""
FEW = 20
"""A tenant that was accepted a twentieth of its limit since the last look may be near it."""
MOST_TENANTS = 10_000


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What is known of a tenant: what waited at the last look, and what was accepted since."""

    waiting: int
    at_s: float
    accepted: int = 0

    def is_stale(self, most: int, now_s: float) -> bool:
        age_s = now_s - self.at_s
        near = self.waiting + self.accepted >= most / 2 or self.accepted >= most / FEW
        return age_s >= REST_S or (near and age_s >= LOOK_S)


class Backlog:
    """What one process knows of the tenants' backlogs. Safe to share between threads."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def take(self, tenant_id: str, most: int) -> bool:
        """Count one more execution of a tenant, unless it has as much waiting as it may have."""
        now_s = self._clock()
        seen = self._seen.get(tenant_id)
        if seen is None or seen.is_stale(most, now_s):
            seen = self._look(tenant_id, most, now_s)
        # Threads may count one too few between them; the next look knows.
        if seen.waiting + seen.accepted >= most:
            return False
        seen.accepted += 1
        return True

    def _look(self, tenant_id: str, most: int, now_s: float) -> _Seen:
        with self._store.read(tenant_id) as tx:
            waiting = executions.count_waiting(tx, most)
        with self._lock:
            self._seen.pop(tenant_id, None)
            while len(self._seen) >= MOST_TENANTS:
                del self._seen[next(iter(self._seen))]
            found = self._seen[tenant_id] = _Seen(waiting=waiting, at_s=now_s)
        return found

    def close(self) -> None:
        """Forget everything."""
        self._seen.clear()


class NoRoomError(LimitError):
    """Raised when a tenant has as many executions waiting as it may have. Nothing was accepted."""

    code = "backlog_full"


def require_room(hub: Hub, tenant_id: str, principal_id: str | None = None) -> None:
    """Count one more execution, or raise NoRoomError if the tenant has enough waiting.

    Raises LimitError `quota_exceeded` if it, or the principal who asks, has used up what it may begin in a
    minute, on a day or in a month.
    """
    require_quota(hub, tenant_id, principal_id)
    most = hub.settings.tenant_backlog
    if not hub.store.companion(Backlog).take(tenant_id, most):
        raise NoRoomError(
            f"{most:,} executions wait already; nothing was accepted, send it again later ({SETTING})",
            retry_after_s=RETRY_AFTER_S,
            details={"limit": "tenant_backlog", "setting": SETTING, "most": most},
        )
