"""What the supervisor's children run, by role. Importing this imports all of the hub."""

from collections.abc import Callable, Mapping
from typing import Final

from revolution_hub.cli.children.api import run_api
from revolution_hub.cli.children.clock import run_clock
from revolution_hub.cli.children.start import Started, run_child
from revolution_hub.cli.children.worker import run_worker
from revolution_hub.supervisor import Given

_PROGRAMS: Final[Mapping[str, Callable[[Started], None]]] = {
    "api": run_api,
    "clock": run_clock,
    "worker": run_worker,
    "isolated": run_worker,
}


def run(given: Given) -> None:
    """Be a child in the role that was given."""
    run_child(given, _PROGRAMS[given.role])
