"""A worker of its own process that drives what is queued, and may die at a crash point.

Run as `python -m rig.approving DATABASE FOLDER MOMENT [CRASH_POINT]`. Its bank writes a line for every call.
"""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from revolution_hub.catalog import Catalog
from revolution_hub.crashpoint import arm, parse_crash_point
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.drive import drive
from revolution_hub.engine.watch import Watch
from revolution_hub.hub import Hub
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from rig.approvals import bank
from rig.forked import run_forked

TESTS = Path(__file__).parents[1]
WORKER = "wrk_child"


def work_in_process(database: str, folder: Path, moment: datetime, point: str = "") -> int:
    """Work in a process of its own; returns how it ended, negative for the signal that ended it."""
    arguments = [database, str(folder), rfc3339(moment), point]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = run_forked("rig.approving", arguments, environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def calls_in(folder: Path) -> list[str]:
    """The actions that were called, in order."""
    path = folder / "calls"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


class Ledger:
    """Writes every call down before it answers."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "calls"

    def play(self, name: str, ctx: Any, value: Any) -> Any:
        """Note the call."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        return {"did": name}


def main(database: str, folder: str, moment: str, point: str = "") -> None:
    """Drive what is queued."""
    if point:
        arm(parse_crash_point(point), "worker", Path(folder))
    store, now, catalog = Store(database), parse_moment(moment), Catalog()
    catalog.add(bank(Ledger(Path(folder))))
    with SharedPool(Guard()) as pool:
        hub = Hub(
            settings=Settings(lease_s=30),
            store=store,
            vault=Vault(MasterKey(bytes(range(100, 132))), store, lambda: now),
            catalog=catalog,
            egress=Egress(pool),
            wake=lambda: None,
            now=lambda: now,
            process=WORKER,
        )
        watch, claimer = Watch(hub, WORKER), Claimer(hub=hub, owner=WORKER)
        while taken := claimer.take(1):
            drive(hub, watch, taken[0])
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
