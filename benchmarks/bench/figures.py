"""Small arithmetic and plain tables."""

import math
from collections.abc import Iterable, Sequence
from statistics import median

__all__ = ["median", "percentile", "table"]


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay texts out in columns; all but the first are set to the right."""
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
