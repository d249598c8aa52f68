"""Request rates: a bucket of tokens per principal. Pure but for the table of buckets."""

import threading
from dataclasses import dataclass

LARGEST_TABLE = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request: `remaining` of `limit`, full again in `reset_s` seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: float


class RateLimiter:
    """Lets each principal make `per_minute` requests a minute, as many at once. One per process."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, principal_id: str, now_s: float) -> Allowance:
        """Count one request at the monotonic second `now_s`."""
        rate = self._per_minute / 60
        with self._lock:
            tokens, at_s = self._buckets.pop(principal_id, (float(self._per_minute), now_s))
            tokens = min(self._per_minute, tokens + (now_s - at_s) * rate)
            allowed = tokens >= 1
            tokens -= 1 if allowed else 0
            self._buckets[principal_id] = (tokens, now_s)
            if len(self._buckets) > LARGEST_TABLE:
                self._buckets.pop(next(iter(self._buckets)))
        wait_s = (self._per_minute - tokens) / rate if allowed else (1 - tokens) / rate
        return Allowance(allowed, self._per_minute, int(tokens), wait_s)

    @property
    def unused(self) -> bool:
        """Whether nobody has been counted yet."""
        return not self._buckets

    def is_spent(self, principal_id: str, now_s: float) -> bool:
        """Tell, without counting, whether the next request of this principal would be one too many."""
        bucket = self._buckets.get(principal_id)
        return bucket is not None and bucket[0] + (now_s - bucket[1]) * self._per_minute / 60 < 1
