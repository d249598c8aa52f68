"""Bell and Ear: how one process tells another that there is work. Losing a ring only makes work late."""

import socket


class Bell:
    """Rings without ever waiting. Safe to share between threads."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def ring(self) -> None:
        """Say that there may be work. A full channel means that others already said so."""
        try:
            self._end.send(b"!")
        except (BlockingIOError, ConnectionError, OSError):
            # The database still knows; workers look there several times a second.
            return


class Ear:
    """Waits for a ring."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody rings, at most that long; True if somebody did. Further rings are used up."""
        self._end.settimeout(timeout_s)
        try:
            self._end.recv(1)
            self._end.setblocking(False)
            while self._end.recv(1):
                pass
        except TimeoutError:
            return False
        except BlockingIOError:
            return True
        return True


def channel() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a channel: one for bells, one for ears. Both can be inherited."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
