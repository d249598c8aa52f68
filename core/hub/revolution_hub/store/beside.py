"""beside: what requests only say, and a thread of the process writes every few seconds.

So no request waits for it, and nobody can tell from a request's time whether there was anything to write.
What a crash loses is at most that of a few seconds.
"""

import logging
import threading
from abc import ABC, abstractmethod
from typing import ClassVar

from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store

PAUSE_S = 5.0

_log = logging.getLogger("revolution.store")


class Beside(ABC):
    """What one process was told and has not written yet. A companion of the store."""

    what: ClassVar[str]
    """What it writes, for the log."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def write(self) -> None:
        """Write what was said; raises StoreError if the database takes nothing, and keeps it then."""

    def begin(self) -> None:
        """See to it that what was said is written soon."""
        with self.lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on, name=type(self).__name__, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write the last of it, if the database takes it."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        self._try_to_write()

    def _go_on(self) -> None:
        while not self._end.wait(PAUSE_S):
            self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            self.write()
        except StoreError as error:
            _log.warning("%s is not written yet: %s", self.what, error.reason)
