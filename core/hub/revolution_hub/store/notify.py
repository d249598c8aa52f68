"""Notices between processes through PostgreSQL, by LISTEN and NOTIFY. A lost notice only makes work late.

Each end has a connection of its own outside the pool, and makes it again when it broke. An end belongs to
one thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from revolution_hub.store.connect import CONNECT_TIMEOUT_S
from revolution_hub.store.errors import AWAY, StoreError, one_line

CHANNEL = "revolution_work"
APPLICATION = "revolution-hub notices"


class _End:
    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _connect(self) -> "psycopg.Connection[Any]":
        if self._conn is None:
            self._conn = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name=APPLICATION,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
        return self._conn

    @contextmanager
    def _healing(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            self.close()
            raise StoreError(AWAY, reason=one_line(error)) from error


class NoticeSender(_End):
    """Sends notices to every process that listens."""

    def send(self) -> None:
        """Send one notice. Raises StoreError if the database is away; the next call connects again."""
        with self._healing():
            self._connect().execute(f"NOTIFY {CHANNEL}")


class NoticeListener(_End):
    """Hears the notices of every process."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for a notice, at most that long; True if one came, or may have come while not connected.

        Raises StoreError if the database is away; the next call connects again.
        """
        with self._healing():
            if self._conn is None:
                self._connect().execute(f"LISTEN {CHANNEL}")
                return True
            return bool(list(self._conn.notifies(timeout=timeout_s, stop_after=1)))
