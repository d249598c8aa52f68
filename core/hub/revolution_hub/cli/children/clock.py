"""The clock process: sweeps, and ends the leases of workers the supervisor knows to be dead."""

import logging
import signal
import threading

from revolution_hub.cli.children.start import Started
from revolution_hub.clock import run_clock as tick
from revolution_hub.engine.recover import replace_worker
from revolution_hub.errors import HubError
from revolution_hub.store.polls import end_leases_of

_log = logging.getLogger("revolution.clock")


def run_clock(child: Started) -> None:
    """Sweep until told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_hear_of_deaths, args=(child,), daemon=True).start()
    child.tell("alive")
    tick(child.hub, stop)


def _hear_of_deaths(child: Started) -> None:
    heard = b""
    while part := child.post.recv(4096):
        *names, heard = (heard + part).split(b"\n")
        for owner in names:
            _end_leases(child, owner.decode("ascii"))


def _end_leases(child: Started, owner: str) -> None:
    try:
        replace_worker(child.hub, owner)
        end_leases_of(child.hub.store, owner, child.hub.now())
    except HubError as error:
        _log.warning("the leases of %s run out by themselves: %s", owner, error.message)
