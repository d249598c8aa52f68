"""Usage: what a call has used of something that is counted or paid for, such as a model's tokens."""

import math
import re
from dataclasses import dataclass

_UNIT = re.compile(r"[a-z][a-z_]{0,29}")
_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Used:
    """So much of a unit, and what the provider takes for it, as far as that is known."""

    unit: str
    quantity: int
    cost: float = 0.0


class Usage:
    """What one call has used; the hub keeps it whether the call succeeds or not, for it was used."""

    def __init__(self) -> None:
        self.added: list[Used] = []

    def add(self, unit: str, quantity: int, cost: float = 0.0) -> None:
        """Take down that so much was used, such as 1,200 `tokens`, and what it cost. Raises ValueError.

        Every unit counts for itself: a request to a model adds one of `requests` and some of `tokens`.
        """
        if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
            raise ValueError("a unit is named in lower case letters, such as tokens")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= _MOST:
            raise ValueError(f"so much {unit} is no whole number from 0 to {_MOST:,}")
        if not math.isfinite(cost) or not 0 <= cost <= _MOST:
            raise ValueError(f"what {unit} cost is no amount")
        self.added.append(Used(unit, quantity, float(cost)))

    def require(self) -> None:
        """Ask, before something is used, whether any more may be; the hub raises its own error if not."""
