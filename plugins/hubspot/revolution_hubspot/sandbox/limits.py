"""HubSpot's rate limit: so many requests of one account in any ten seconds."""

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

INTERVAL_S = 10.0
MOST_REQUESTS = 110


@dataclass(slots=True, kw_only=True)
class RateLimit:
    """`most` requests per account in ten seconds; a refused request does not count. Safe to use from threads.

    `policy` names the limit in the answer: TEN_SECONDLY_ROLLING or DAILY.
    Source: HubSpot "Usage guidelines", marketplace apps with OAuth, read 2026-11-22.
    """

    most: int = MOST_REQUESTS
    policy: str = "TEN_SECONDLY_ROLLING"
    _seen: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, portal_id: str) -> int | None:
        """Count one request and return how many are left, or None if it is one too many."""
        with self._lock:
            seen, now_s = self._seen[portal_id], time.monotonic()
            while seen and seen[0] <= now_s - INTERVAL_S:
                seen.popleft()
            if len(seen) >= self.most:
                return None
            seen.append(now_s)
            return self.most - len(seen)

    def headers(self, left: int) -> dict[str, str]:
        """Return the headers that tell a caller where it stands; HubSpot sends none for the daily limit."""
        if self.policy == "DAILY":
            return {}
        return {
            "X-HubSpot-RateLimit-Max": str(self.most),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(INTERVAL_S * 1000)),
        }
