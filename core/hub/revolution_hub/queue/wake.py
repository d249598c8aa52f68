"""Wakers and ears: how one process tells another that there may be work. Losing a ring only makes work late.

A waker rings after a commit, never waits and never raises. An ear waits for a ring; workers look into the
database several times a second all the same. Here are the two words and their simplest form, a socket
between the processes of one supervisor.
"""

import selectors
import socket
import threading
from typing import Protocol


class Waker(Protocol):
    """Tells every process that listens that there may be work."""

    def ring(self) -> None:
        """Say that there may be work. Returns at once, from any thread, whatever is out of order."""

    def flush(self, timeout_s: float) -> bool:
        """Wait until every ring so far has left this process, at most that long; False if one has not."""


class Ear(Protocol):
    """Hears wakers. One thread waits; any thread may nudge."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody rings or nudges, at most that long; True if somebody did."""

    def nudge(self) -> None:
        """End this process's own wait."""

    def close(self) -> None:
        """Stop listening, without waiting for servers that do not answer."""


class HeardEar:
    """What ears have in common whose rings arrive in a thread of their own: that thread sets `heard`."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring or a nudge."""
        heard = self.heard.wait(timeout_s)
        self.heard.clear()
        return heard

    def nudge(self) -> None:
        """End this process's own wait."""
        self.heard.set()


class Bell:
    """A waker over a socket. Safe to share between threads."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def ring(self) -> None:
        """Say that there may be work. A full channel means that others already said so."""
        try:
            self._end.send(b"!")
        except OSError:
            # The database still knows; workers look there several times a second.
            return

    def flush(self, timeout_s: float) -> bool:
        """A ring is with the system when `ring` returns."""
        return True


class SocketEar:
    """An ear for bells. Several processes may share `end`: each ring then wakes one of those that wait.

    Without an end it hears nothing but nudges.
    """

    def __init__(self, end: socket.socket | None = None) -> None:
        self._own, self._own_end = channel()
        self._own_bell = Bell(self._own_end)
        self._selector = selectors.DefaultSelector()
        for one in (self._own, end):
            if one is not None:
                one.setblocking(False)
                self._selector.register(one, selectors.EVENT_READ, one)

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring or a nudge. Further ones that came meanwhile are used up."""
        heard = [_use_up(key.data) for key, _ in self._selector.select(timeout_s)]
        return any(heard)

    def nudge(self) -> None:
        """End this process's own wait."""
        self._own_bell.ring()

    def close(self) -> None:
        """Stop listening. The end that was given stays open."""
        self._selector.close()
        self._own.close()
        self._own_end.close()


def _use_up(end: socket.socket) -> bool:
    heard = False
    try:
        while end.recv(1):
            heard = True
    except BlockingIOError:
        # Another process may have been quicker.
        return heard
    return heard


def channel() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a channel: one for bells, one for ears. Both can be inherited."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
