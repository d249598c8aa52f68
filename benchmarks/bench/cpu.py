"""How much processor time each kind of process used, from /proc; nothing where there is none."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")
_CHILD = "revolution "


def used_s(parents: dict[int, str]) -> dict[str, float]:
    """Return the processor seconds so far of the children of these processes.

    The hub's children go by their role, those of any other process by the name given for it.
    """
    seconds: dict[str, float] = defaultdict(float)
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdigit():
            continue
        try:
            # The name, in parentheses, may hold anything; what follows it is fields and spaces.
            told = (entry / "stat").read_text().rpartition(")")[2].split()
            parent = int(told[1])
            if parent in parents:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                ticks = int(told[11]) + int(told[12])
                seconds[_role(line, parents[parent])] += ticks / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            # It ended meanwhile.
            continue
    return dict(seconds)


def _role(line: str, name: str) -> str:
    return line.removeprefix(_CHILD).partition(" ")[0] if line.startswith(_CHILD) else name


def per_request_us(before: Mapping[str, float], after: Mapping[str, float], requests: int) -> dict[str, int]:
    """Return microseconds a request by kind of process; what used none is left out."""
    spent = {name: (after[name] - before.get(name, 0.0)) / max(requests, 1) * 1e6 for name in after}
    return {name: round(us) for name, us in sorted(spent.items()) if us >= 1}
