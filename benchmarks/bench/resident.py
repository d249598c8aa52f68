"""How much memory processes hold, from /proc, and how it grows."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import linear_regression

from bench.ending import NotHere

_PROC = Path("/proc")
_KB = 1024


def resident_bytes(pids: Iterable[int], field: str = "VmRSS") -> int:
    """Return the memory these processes hold together; `VmHWM` is the most each has ever held."""
    if not _PROC.is_dir():
        raise NotHere("the memory of other processes is read from /proc, which is not here")
    return sum(_told(pid, field) for pid in pids)


def _told(pid: int, field: str) -> int:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * _KB
    raise ProcessLookupError(f"process {pid} has ended")


def growth(points: Sequence[tuple[int, int]]) -> float:
    """Return bytes an execution, of points of executions and bytes: the slope of the line nearest to them."""
    return linear_regression([float(done) for done, _ in points], [float(held) for _, held in points]).slope
