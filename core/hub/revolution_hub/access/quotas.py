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


def tighter(first: Allowance, second: Allowance) -> Allowance:
    """Return which of two a client comes up against first."""
    if first.allowed != second.allowed:
        return second if first.allowed else first
    return first if first.remaining <= second.remaining else second


class RateLimiter:
    """Lets each principal make `per_minute` requests a minute, as many at once. One per process."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, principal_id: str, now_s: float, per_minute: int | None = None) -> Allowance:
        """Count one request at the monotonic second `now_s`; some may have a rate of their own."""
        most = self._per_minute if per_minute is None else max(per_minute, 1)
        rate = most / 60
        with self._lock:
            tokens, at_s = self._buckets.pop(principal_id, (float(most), now_s))
            tokens = min(most, tokens + (now_s - at_s) * rate)
            allowed = tokens >= 1
            tokens -= 1 if allowed else 0
            self._buckets[principal_id] = (tokens, now_s)
            if len(self._buckets) > LARGEST_TABLE:
                self._buckets.pop(next(iter(self._buckets)))
        wait_s = (most - tokens) / rate if allowed else (1 - tokens) / rate
        return Allowance(allowed, most, int(tokens), wait_s)

    @property
    def unused(self) -> bool:
        """Whether nobody has been counted yet."""
        return not self._buckets

    def is_spent(self, principal_id: str, now_s: float) -> bool:
        """Tell, without counting, whether the next request of this principal would be one too many."""
        bucket = self._buckets.get(principal_id)
        return bucket is not None and bucket[0] + (now_s - bucket[1]) * self._per_minute / 60 < 1
