"""The clock process: timers, expired leases. Any number may run; each row is moved by one of them."""

import logging
import threading

from revolution_hub.engine.recover import sweep
from revolution_hub.hub import Hub

TICK_S = 0.25
THOROUGH_TICKS = 20

_log = logging.getLogger("revolution.clock")


def run_clock(hub: Hub, stop: threading.Event) -> None:
    """Sweep four times a second until stopped, thoroughly every five seconds.

    A database that is gone is tried again every second.
    """
    ticks = 0
    while not stop.wait(TICK_S):
        try:
            sweep(hub, thorough=ticks % THOROUGH_TICKS == 0)
            ticks += 1
        except Exception:
            # Nothing is lost by waiting: the rows stay as they are until the next sweep succeeds.
            _log.exception("the sweep failed and is tried again")
            stop.wait(1.0)
