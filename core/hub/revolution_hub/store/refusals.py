"""refusals: wrong logins as a user that there is, entered in the audit log beside the requests.

Whoever tries learns nothing by it: a request says the same whether there is such a user or not, and waits for
nothing. Of one user there is at most one entry a minute in each tenant, however often and from wherever
somebody tries.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.principal import Origin
from revolution_hub.store import across, audit
from revolution_hub.store.audit import AuditFilter
from revolution_hub.store.beside import Beside
from revolution_hub.store.errors import StoreError
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Store

ACTION = "session.refuse"
QUIET = timedelta(minutes=1)
"""So long nothing more is entered about the same user."""
MOST = 1_000
"""Of so many users is remembered at a time that somebody tried; of more, nothing is entered."""
NOBODY = ""

_log = logging.getLogger("revolution.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """The first wrong login as a user since the last time anything was written."""

    at: datetime
    origin: Origin


class Refusals(Beside):
    """The wrong logins one process has seen and not entered yet. The store's companion."""

    what = "who was not signed in"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._tries: dict[str, _Try] = {}
        self._left_out = 0
        self._writing = threading.Lock()

    def note(self, user_id: str | None, origin: Origin, now: datetime) -> None:
        """Say that somebody was not signed in as this user, or as one that there is not."""
        seen = _Try(at=now, origin=origin)
        with self.lock:
            if len(self._tries) < MOST:
                self._tries.setdefault(user_id or NOBODY, seen)
            else:
                self._left_out += (user_id or NOBODY) not in self._tries
        self.begin()

    def write(self) -> None:
        """Enter what was said; raises StoreError if the database takes nothing, and keeps the rest then."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        with self.lock:
            tries, self._tries = self._tries, {}
            left_out, self._left_out = self._left_out, 0
        if left_out:
            _log.warning("of %s users whom somebody tried to be nothing is entered", left_out)
        tries.pop(NOBODY, None)
        for user_id in sorted(tries):
            try:
                self._enter(user_id, tries[user_id])
            except StoreError:
                with self.lock:
                    self._tries = tries | self._tries
                raise
            del tries[user_id]

    def _enter(self, user_id: str, seen: _Try) -> None:
        for membership, _ in across.list_memberships(self.store, user_id):
            with self.store.begin(membership.tenant_id) as tx:
                # The newest one alone: how many there were before makes no difference.
                told, _ = audit.list_page(tx, Page(limit=1), AuditFilter(action=ACTION, target=user_id))
                if not told or seen.at - told[0].at >= QUIET:
                    audit.append(tx, entry_of_hub(tx.tenant_id, ACTION, user_id, seen.at, origin=seen.origin))
