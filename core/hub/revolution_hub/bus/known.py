"""known: the webhook addresses this process has seen, so that a delivery need not look its own up again.

What is remembered may be out of date, for any process may change a workflow. So nothing is accepted by it
unless the commit finds the hook at the same revision, and nobody is refused by it before a second look.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from revolution_hub.bus.proof import Keyed
from revolution_hub.bus.secrets import HookSecrets
from revolution_hub.model.connection import Hook
from revolution_hub.model.event import Listener
from revolution_hub.model.parse_webhook import webhook_of
from revolution_hub.model.webhook import Webhook
from revolution_hub.store import across
from revolution_hub.store.tx import Store

MOST = 4096


@dataclass(kw_only=True)
class Known:
    """A hook, the trigger it belongs to, and its secrets once they were opened.

    `keys` are those of them that a delivery may be signed with, as its trigger asks. An earlier address leads
    to it only `until` a moment.
    """

    hook: Hook
    listener: Listener
    until: datetime | None = None
    secrets: HookSecrets | None = field(default=None, repr=False)
    keys: Sequence[Keyed] | None = field(default=None, repr=False)

    @cached_property
    def webhook(self) -> Webhook:
        """What the trigger says."""
        return webhook_of(self.listener.settings)

    @cached_property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """From where alone it may be asked, if it says so."""
        return tuple(ip_network(one) for one in self.webhook.allow)

    def leads_on(self, now: datetime) -> bool:
        """Tell whether the address it was found by still leads to it."""
        return self.until is None or now < self.until


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

    def read(self, keys: set[str], now: datetime) -> dict[str, Known]:
        """Read these addresses from the database and remember them; those that are not there are left out."""
        found = {
            key: Known(hook=hook, listener=listener, until=until)
            for key, (hook, listener, until) in across.find_hooks(self._store, keys, now).items()
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
