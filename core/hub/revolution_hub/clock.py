"""The clock process: timers, leases, schedules, retention. Any number may run; one of them moves each row."""

import logging
import threading

from revolution_hub.bus.metering import count_usage
from revolution_hub.bus.replay import advance_replays
from revolution_hub.bus.schedule import fire_due
from revolution_hub.engine.recover import sweep
from revolution_hub.engine.retain import Rounds, retain
from revolution_hub.hub import Hub

TICK_S = 0.25
THOROUGH_TICKS = 20
COUNT_TICKS = 40
RETAIN_S = 60.0

_log = logging.getLogger("revolution.clock")


def run_clock(hub: Hub, stop: threading.Event) -> None:
    """Sweep and fire schedules four times a second until stopped; sweep thoroughly every five seconds.

    A database that is gone is tried again every second. What is due to be removed is, beside it, each minute.
    """
    remover = threading.Thread(target=_remove, args=(hub, stop), name="retention", daemon=True)
    remover.start()
    ticks = 0
    while not stop.wait(TICK_S):
        try:
            sweep(hub, thorough=ticks % THOROUGH_TICKS == 0)
            ticks += 1
            fire_due(hub)
            advance_replays(hub)
            if ticks % COUNT_TICKS == 0:
                count_usage(hub)
        except Exception:
            # Nothing is lost by waiting: the rows stay as they are until the next try succeeds.
            _log.exception("what is due could not all be brought on; it is tried again")
            stop.wait(1.0)
    remover.join()


def _remove(hub: Hub, stop: threading.Event) -> None:
    rounds = Rounds()
    while not stop.wait(RETAIN_S):
        try:
            retain(hub, rounds, stop)
        except Exception:
            _log.exception("what is due to be removed is looked for again")
