"""uses: when keys and sessions were last used, written beside the requests and never by them."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.beside import Beside
from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store

NEWS_AFTER = timedelta(seconds=60)
"""So much later than the last time a use is worth being written again."""


class Uses(Beside):
    """What one process has seen being used and not written yet. The store's companion."""

    what = "when keys and sessions were last used"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._keys: dict[str, datetime] = {}
        self._sessions: dict[str, datetime] = {}

    def note_key(self, key_id: str, last: datetime | None, now: datetime) -> None:
        """Say that an API key was used now, and for the last time before at `last`."""
        if last is None or now - last >= NEWS_AFTER:
            self._note(self._keys, key_id, now)

    def note_session(self, session_id: str, last: datetime, now: datetime) -> None:
        """Say that a session was used now, and for the last time before at `last`."""
        if now - last >= NEWS_AFTER:
            self._note(self._sessions, session_id, now)

    def write(self) -> None:
        """Write what was said; raises StoreError if the database takes nothing, and keeps it then."""
        with self.lock:
            keys, self._keys = self._keys, {}
            sessions, self._sessions = self._sessions, {}
        if not keys and not sessions:
            return
        try:
            with self.store.begin_across() as tx:
                # In the order of their ids, as everybody does who writes several rows.
                for table, column, seen in (
                    (t.api_keys, t.api_keys.c.last_used_at, keys),
                    (t.sessions, t.sessions.c.seen_at, sessions),
                ):
                    for row_id, at in sorted(seen.items()):
                        tx.conn.execute(sa.update(table).where(table.c.id == row_id).values({column: at}))
        except StoreError:
            with self.lock:
                self._keys = keys | self._keys
                self._sessions = sessions | self._sessions
            raise

    def _note(self, seen: dict[str, datetime], row_id: str, now: datetime) -> None:
        with self.lock:
            seen[row_id] = now
        self.begin()
