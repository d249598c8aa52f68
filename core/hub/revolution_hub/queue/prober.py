"""The prober of a worker process: looks after connections that are due, a few at a time, each in a thread.

A probe that is far past its lease is somebody else's by now, whatever its thread still does; the process is
then replaced, as it is when a step hangs.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from revolution_hub.bus import probing
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.store.health import Due

TICK_S = 1.0
MOST_AT_A_TIME = 4
GRACE_S = 5.0
"""How long behind the end of its lease a probe is given up."""

_log = logging.getLogger("revolution.queue")


class Prober:
    """Probes what is due until stopped. `replace` is called when a probe hangs."""

    def __init__(
        self, hub: Hub, replace: Callable[[], None], *, tick_s: float = TICK_S, grace_s: float = GRACE_S
    ) -> None:
        self._hub = hub
        self._replace = replace
        self._tick_s = tick_s
        self._grace_s = grace_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._probes: dict[str, datetime] = {}
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Take nothing more, and wait for the probes under way, at most that long."""
        give_up_s = time.monotonic() + timeout_s
        self._stop.set()
        self._thread.join(timeout_s)
        while self._busy() and time.monotonic() < give_up_s:
            time.sleep(0.02)

    def _run(self) -> None:
        while not self._stop.wait(self._tick_s):
            try:
                self._give_up_overdue()
                self._take()
            except HubError as error:
                _log.warning("no connection could be probed: %s", error.message)
            except Exception:
                _log.exception("taking connections to be probed failed; it is tried again")

    def _take(self) -> None:
        room = MOST_AT_A_TIME - self._busy()
        for due in probing.claim(self._hub, room) if room > 0 else ():
            with self._lock:
                self._probes[due.connection_id] = due.lease + timedelta(seconds=self._grace_s)
            name = f"probe {due.connection_id}"
            threading.Thread(target=self._probe, args=(due,), name=name, daemon=True).start()

    def _probe(self, due: Due) -> None:
        try:
            probing.look_after(self._hub, due)
        except HubError as error:
            _log.warning("the connection %s is probed again: %s", due.connection_id, error.message)
        except Exception:
            _log.exception("probing the connection %s failed", due.connection_id)
        finally:
            with self._lock:
                self._probes.pop(due.connection_id, None)

    def _give_up_overdue(self) -> None:
        now = self._hub.now()
        with self._lock:
            overdue = [connection_id for connection_id, until in self._probes.items() if now > until]
            for connection_id in overdue:
                self._probes.pop(connection_id)
        for connection_id in overdue:
            _log.error("the probe of the connection %s hangs; it is given up", connection_id)
        if overdue:
            self._replace()

    def _busy(self) -> int:
        with self._lock:
            return len(self._probes)
