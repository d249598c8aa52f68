"""uses: when keys, sessions and connections were last used, written beside the requests and never by them."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from revolution_hub.model.connection import Connection
from revolution_hub.store import tables as t
from revolution_hub.store.beside import Beside
from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store

NEWS_AFTER = timedelta(seconds=60)
"""So much later than the last time a use is worth being written again."""
MOST_TOLD = 10_000


class Uses(Beside):
    """What one process has seen being used and not written yet. The store's companion."""

    what = "when keys, sessions and connections were last used"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._keys: dict[str, datetime] = {}
        self._sessions: dict[str, datetime] = {}
        self._connections: dict[str, datetime] = {}
        self._told: dict[str, datetime] = {}

    def note_key(self, key_id: str, last: datetime | None, now: datetime) -> None:
        """Say that an API key was used now, and for the last time before at `last`."""
        if last is None or now - last >= NEWS_AFTER:
            self._note(self._keys, key_id, now)

    def note_session(self, session_id: str, last: datetime, now: datetime) -> None:
        """Say that a session was used now, and for the last time before at `last`."""
        if now - last >= NEWS_AFTER:
            self._note(self._sessions, session_id, now)

    def note_connection(self, connection: Connection, now: datetime) -> None:
        """Say that an action calls through a connection now, which may have been read a while ago."""
        last = self._told.get(connection.id) or connection.last_used_at
        if last is None or now - last >= NEWS_AFTER:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[connection.id] = now
            self._note(self._connections, connection.id, now)

    def write(self) -> None:
        """Write what was said; raises StoreError if the database takes nothing, and keeps it then."""
        with self.lock:
            keys, self._keys = self._keys, {}
            sessions, self._sessions = self._sessions, {}
            through, self._connections = self._connections, {}
        if not keys and not sessions and not through:
            return
        try:
            with self.store.begin_across() as tx:
                # In the order of their ids, as everybody does who writes several rows.
                for table, column, seen in (
                    (t.api_keys, t.api_keys.c.last_used_at, keys),
                    (t.sessions, t.sessions.c.seen_at, sessions),
                    (t.connections, t.connections.c.last_used_at, through),
                ):
                    for row_id, at in sorted(seen.items()):
                        tx.conn.execute(sa.update(table).where(table.c.id == row_id).values({column: at}))
        except StoreError:
            with self.lock:
                self._keys = keys | self._keys
                self._sessions = sessions | self._sessions
                self._connections = through | self._connections
            raise

    def _note(self, seen: dict[str, datetime], row_id: str, now: datetime) -> None:
        with self.lock:
            seen[row_id] = now
        self.begin()
