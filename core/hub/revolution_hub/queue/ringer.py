"""Ringer and Listener: the threads between a process and a server that carries rings.

Neither lets a server that is away, slow or odd reach the process: rings are sent from one thread, heard
in another, and an outage is one line in the log.
"""

import logging
import threading
import time
from collections.abc import Callable

from revolution_hub.queue.wake import HeardEar
from revolution_hub.store.errors import one_line

GAP_S = 0.01
"""Between two rings of one process: what comes meanwhile collapses into the next."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

_log = logging.getLogger("revolution.queue")


class Outage:
    """Tells once that a server is away, and once that it is back. `pause_s` grows meanwhile."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.pause_s = 0.0

    def begin(self, error: Exception) -> None:
        """Note one more failure; only the first of an outage is told."""
        if not self.pause_s:
            reason = getattr(error, "reason", None) or one_line(error)
            _log.warning("%s: %s; workers find their work by looking for it meanwhile", self._what, reason)
        self.pause_s = min(max(self.pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)

    def end(self) -> None:
        """Note a success."""
        if self.pause_s:
            _log.warning("%s: it works again", self._what)
        self.pause_s = 0.0


class Ringer:
    """A waker that calls `send` in a thread of its own. Rings that come while one is sent become one more."""

    def __init__(self, what: str, send: Callable[[], None]) -> None:
        self._send = send
        self._outage = Outage(what)
        self._change = threading.Condition()
        self._rung = 0
        self._sent = 0
        threading.Thread(target=self._run, name="ringer", daemon=True).start()

    def ring(self) -> None:
        """Say that there may be work."""
        with self._change:
            self._rung += 1
            self._change.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until every ring so far is sent, at most that long."""
        with self._change:
            rung = self._rung
            return self._change.wait_for(lambda: self._sent >= rung, timeout_s)

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._rung > self._sent)
                rung = self._rung
            if self._try():
                with self._change:
                    self._sent = rung
                    self._change.notify_all()
            time.sleep(self._outage.pause_s or GAP_S)

    def _try(self) -> bool:
        try:
            self._send()
        except Exception as error:
            # Whatever it is: without this thread the process would be silent for good.
            self._outage.begin(error)
            return False
        self._outage.end()
        return True


class Listener(HeardEar):
    """An ear that calls `listen` again and again in a thread of its own; it returns True when somebody rang.

    `listen` returns within about a second and raises when its server is away; `end` is called at the end.
    """

    def __init__(self, what: str, listen: Callable[[], bool], end: Callable[[], None]) -> None:
        super().__init__()
        self._listen = listen
        self._end = end
        self._outage = Outage(what)
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def close(self) -> None:
        """Stop listening; what is under way ends by itself."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                if self._listen():
                    self.heard.set()
            except Exception as error:
                # Whatever it is: the worker goes on by looking, and hears again when it is over.
                self._outage.begin(error)
                self._closed.wait(self._outage.pause_s)
            else:
                self._outage.end()
        self._end()
