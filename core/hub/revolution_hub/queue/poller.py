"""The poller of a worker process: takes polls that are due and looks, each in a thread of its own.

A look that is far past its deadline has failed, whatever its thread still does; the process is then replaced,
as it is when a step hangs.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from revolution_hub.bus import poll
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.poll import StoredPoll
from revolution_sdk.errors import RetryableError

TICK_S = 0.5
MOST_AT_A_TIME = 8
GRACE_S = 5.0
"""How far past its deadline a look must be before it is given up."""

_log = logging.getLogger("revolution.queue")


class Poller:
    """Looks for what is due until stopped. `replace` is called when a look hangs."""

    def __init__(
        self, hub: Hub, replace: Callable[[], None], *, tick_s: float = TICK_S, grace_s: float = GRACE_S
    ) -> None:
        self._hub = hub
        self._replace = replace
        self._tick_s = tick_s
        self._grace_s = grace_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._looks: dict[str, tuple[StoredPoll, datetime]] = {}
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Take nothing more, and wait for the looks under way, at most that long."""
        give_up_s = time.monotonic() + timeout_s
        self._stop.set()
        self._thread.join(timeout_s)
        while self._busy() and time.monotonic() < give_up_s:
            time.sleep(0.02)

    def _run(self) -> None:
        arranged = False
        while not self._stop.wait(self._tick_s):
            try:
                if not arranged:
                    poll.arrange_everywhere(self._hub)
                    arranged = True
                self._give_up_overdue()
                self._take()
            except HubError as error:
                _log.warning("no poll could be taken: %s", error.message)
            except Exception:
                _log.exception("taking polls failed; it is tried again")

    def _take(self) -> None:
        room = MOST_AT_A_TIME - self._busy()
        for stored in poll.claim(self._hub, room) if room > 0 else ():
            with self._lock:
                self._looks[stored.id] = (stored, self._overdue_at(stored))
            threading.Thread(
                target=self._look, args=(stored,), name=f"poll {stored.name}", daemon=True
            ).start()

    def _look(self, stored: StoredPoll) -> None:
        try:
            poll.look(self._hub, stored)
        except HubError as error:
            _log.warning("the poll %s is looked at again: %s", stored.name, error.message)
        except Exception:
            _log.exception("the poll %s of %s failed", stored.name, stored.connection_id)
        finally:
            with self._lock:
                self._looks.pop(stored.id, None)

    def _give_up_overdue(self) -> None:
        now = self._hub.now()
        with self._lock:
            overdue = [stored for stored, until in self._looks.values() if now > until]
            for stored in overdue:
                self._looks.pop(stored.id)
        for stored in overdue:
            _log.error("the poll %s of %s hangs; it is given up", stored.name, stored.connection_id)
            error = RetryableError("the poll did not return in time", code="timeout")
            poll.keep(self._hub, poll.failed(stored, error, now, every=self._every(stored)))
        if overdue:
            self._replace()

    def _busy(self) -> int:
        with self._lock:
            return len(self._looks)

    def _overdue_at(self, stored: StoredPoll) -> datetime:
        declared = poll.declared(self._hub, stored.name)
        timeout_s = declared[1].timeout_s if declared else 0.0
        return self._hub.now() + timedelta(seconds=timeout_s + self._grace_s)

    def _every(self, stored: StoredPoll) -> timedelta:
        declared = poll.declared(self._hub, stored.name)
        return declared[1].every if declared else poll.CONNECTION_AGAIN
