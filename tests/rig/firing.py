"""A clock of its own process that fires what is due at one moment, and may die at a crash point.

Run as `python -m rig.firing DATABASE FOLDER MOMENT [CRASH_POINT]`; a rig makes a hub without the parts that
firing does not touch.
"""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

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

TESTS = Path(__file__).parents[1]


def fire_in_process(database: str, folder: Path, moment: datetime, point: str = "") -> int:
    """Fire in a process of its own; returns how it ended, negative for the signal that ended it."""
    command = [sys.executable, "-m", "rig.firing", database, str(folder), rfc3339(moment), point]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


def main(database: str, folder: str, moment: str, point: str) -> None:
    """Fire what is due."""
    if point:
        arm(parse_crash_point(point), "clock", Path(folder))
    store, now = Store(database), parse_moment(moment)
    with SharedPool(Guard()) as pool:
        hub = Hub(
            settings=Settings(),
            store=store,
            vault=Vault(MasterKey(bytes(range(32))), store, lambda: now),
            catalog=Catalog(),
            egress=Egress(pool),
            wake=lambda: None,
            now=lambda: now,
            process="clock",
        )
        fire_due(hub)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
