"""A provider's rate limit: what it lets through, whom it refused, and when it asked them to come again."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that was told to come again, and not before `until_s`. `dated` if that was told as a date."""

    key: str
    at_s: float
    until_s: float
    dated: bool


class RateLimit:
    """Lets so many calls per second through. Every other refusal says in seconds when to come again, every
    other one as a date. Not safe to share between threads: whoever asks holds a lock.
    """

    def __init__(self, per_s: int, wait_s: int, statuses: Sequence[int] = (429,)) -> None:
        self.refusals: list[Refusal] = []
        self._per_s = per_s
        self._wait_s = wait_s
        self._statuses = statuses
        self._passed: deque[float] = deque()

    def refuse(self, key: str, at_s: float) -> tuple[int, dict[str, str]] | None:
        """Return status and headers for a call that comes now, None if it is let through."""
        while self._passed and self._passed[0] <= at_s - 1:
            self._passed.popleft()
        if len(self._passed) < self._per_s:
            self._passed.append(at_s)
            return None
        number = len(self.refusals)
        dated = number % 2 == 1
        # A date has whole seconds, so it may ask for a little more.
        until_s = math.ceil(at_s + self._wait_s) if dated else at_s + self._wait_s
        self.refusals.append(Refusal(key=key, at_s=at_s, until_s=until_s, dated=dated))
        asked = formatdate(until_s, usegmt=True) if dated else str(self._wait_s)
        return self._statuses[number // 2 % len(self._statuses)], {"retry-after": asked}

    def came_back(self, calls: Mapping[str, Sequence[float]]) -> list[tuple[Refusal, float]]:
        """Return each refusal with how long after the moment it named its caller came again.

        `calls` are the moments of all calls by key, in order; who never came again is left out.
        """
        found = []
        for one in self.refusals:
            later = next((at_s for at_s in calls[one.key] if at_s > one.at_s), None)
            if later is not None:
                found.append((one, later - one.until_s))
        return found
