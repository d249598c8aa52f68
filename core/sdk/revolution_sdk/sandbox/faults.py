"""Faults on demand: what a provider does on a bad day, asked for one operation at a time."""

import threading
from dataclasses import dataclass
from typing import Literal

from revolution_sdk.types import JsonObject

Kind = Literal["slow", "status", "withhold"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One kind of trouble for the next `times` calls of `operation` (`*` means any).

    slow      wait `seconds`, then answer as usual
    status    answer `status` at once and do nothing; 429 carries `Retry-After: retry_after_s` if given
    withhold  do the work, wait `seconds`, then answer `status` instead of the result
    """

    operation: str
    kind: Kind
    times: int = 1
    seconds: float = 0.0
    status: int = 503
    retry_after_s: int | None = None

    @classmethod
    def from_json(cls, value: JsonObject) -> "Fault":
        """Build a fault from a JSON object with the same names; raises ValueError naming what is wrong."""
        unknown = set(value) - set(cls.__slots__)
        if unknown or value.get("kind") not in ("slow", "status", "withhold") or not value.get("operation"):
            raise ValueError("a fault has operation, kind (slow, status, withhold), times, seconds, status")
        return cls(**value)


class Faults:
    """The faults still to come, taken one by one. Safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Arm a fault behind those already armed."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all armed faults."""
        with self._lock:
            self._waiting.clear()

    def take(self, operation: str) -> Fault | None:
        """Return the first armed fault for this operation and use up one of its times."""
        with self._lock:
            for fault in self._waiting:
                if fault.operation in (operation, "*"):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None
