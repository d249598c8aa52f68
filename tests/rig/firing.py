"""A clock of its own process that fires what is due at the moments it is told, and may die at a crash point.

Run as `python -m rig.firing DATABASE FOLDER MOMENT [CRASH_POINT]`, or with `-` as the moment to read moments
from standard input; a rig makes a hub without the parts that firing does not touch.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from revolution_hub.bus.schedule import fire_due
from revolution_hub.catalog import Catalog
from revolution_hub.crashpoint import arm, parse_crash_point
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from rig.forked import run_forked

TESTS = Path(__file__).parents[1]


def fire_in_process(database: str, folder: Path, moment: datetime, point: str = "") -> int:
    """Fire in a process of its own; returns how it ended, negative for the signal that ended it."""
    arguments = [database, str(folder), rfc3339(moment), point]
    done = run_forked("rig.firing", arguments, {**os.environ, "PYTHONPATH": str(TESTS)})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


class ClockProcess:
    """A clock in a process of its own that is told what time it is, and can be frozen."""

    def __init__(self, database: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rig.firing", database, str(folder), "-", ""],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, moment: datetime) -> None:
        """Say what time it is; the process fires what is due."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rfc3339(moment)}\n")
        self._process.stdin.flush()

    def answer(self) -> int:
        """Return how many executions it has started at the moment it was told."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def freeze(self) -> None:
        """Stop it wherever it is."""
        self._process.send_signal(SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(SIGCONT)

    def close(self) -> None:
        """End it."""
        self._process.send_signal(SIGCONT)
        self._process.communicate(timeout=30)


def main(database: str, folder: str, moment: str, point: str) -> None:
    """Fire what is due."""
    if point:
        arm(parse_crash_point(point), "clock", Path(folder))
    store, now = Store(database), [datetime.min.replace(tzinfo=UTC)]
    with SharedPool(Guard()) as pool:
        hub = Hub(
            settings=Settings(),
            store=store,
            vault=Vault(MasterKey(bytes(range(32))), store, lambda: now[0]),
            catalog=Catalog(),
            egress=Egress(pool),
            wake=lambda: None,
            now=lambda: now[0],
            process="clock",
        )
        for line in sys.stdin if moment == "-" else [moment]:
            now[0] = parse_moment(line.strip())
            count = fire_due(hub)
            if moment == "-":
                print(count, flush=True)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
