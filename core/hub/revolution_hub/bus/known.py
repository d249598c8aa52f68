"""known: the webhook addresses this process has seen, so that a delivery need not look its own up again.

What is remembered may be out of date, for any process may change a workflow. So nothing is accepted by it
unless the commit finds the hook at the same revision, and nobody is refused by it before a second look.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from revolution_hub.model.connection import Hook
from revolution_hub.model.event import Listener
from revolution_hub.store import across
from revolution_hub.store.tx import Store
from revolution_sdk import Secret

MOST = 4096


@dataclass(slots=True, kw_only=True)
class Known:
    """A hook, the trigger it belongs to, and its signing secret once it was opened."""

    hook: Hook
    listener: Listener
    secret: Secret | None = None


class KnownHooks:
    """What one process remembers of one store. Safe to share between threads."""

    def __init__(self, store: Store, *, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def remembered(self, keys: Iterable[str]) -> dict[str, Known]:
        """Return what is remembered of these addresses, without asking the database."""
        return {key: known for key in keys if (known := self._known.get(key)) is not None}

    def read(self, keys: set[str]) -> dict[str, Known]:
        """Read these addresses from the database and remember them; those that are not there are left out."""
        found = {
            key: Known(hook=hook, listener=listener)
            for key, (hook, listener) in across.find_hooks(self._store, keys).items()
        }
        with self._lock:
            for key in keys:
                self._known.pop(key, None)
            self._known |= found
            # The oldest go first; whoever comes back is read again.
            for key in list(self._known)[: max(0, len(self._known) - self._most)]:
                del self._known[key]
        return found

    def close(self) -> None:
        """Forget everything."""
        self._known.clear()
