"""A proxy in front of PostgreSQL that cuts connections at their COMMIT: nobody knows the outcome."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cut = Literal["answer", "commit"]
"""What is lost: the answer to a commit that was made, or the commit itself."""

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_BEGIN = b"BEGIN"
_READ_ONLY = b"READ ONLY"


@dataclass(slots=True)
class _Pair:
    """One client and its server. `said` is what the client said since its transaction began."""

    client: socket.socket
    server: socket.socket
    said: bytes = b""
    swallow: bool = False

    def hang_up(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Proxy:
    """Listens on TCP, forwards to the server's Unix socket, and cuts when it was told to."""

    target: Path
    cuts: int = 0
    _plan: list[tuple[Cut, bytes]] = field(default_factory=list)
    _pairs: list[_Pair] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self, what: Cut, *, during: bytes = b"", times: int = 1) -> None:
        """Cut the next writing transactions that said `during`, each at its commit."""
        with self._lock:
            self._plan += [(what, during)] * times

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Forward until the block ends."""
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            # Closing alone would not wake the accepting thread.
            self._listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            self._listener.close()
            for pair in self._pairs:
                pair.hang_up()
            for thread in self._threads:
                thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.target))
            except OSError:
                # The server is away; so is the proxy, as far as this client can tell.
                client.close()
                server.close()
                continue
            pair = _Pair(client, server)
            self._pairs.append(pair)
            for work in (self._from_client, self._from_server):
                thread = threading.Thread(target=work, args=(pair,))
                self._threads.append(thread)
                thread.start()

    def _from_client(self, pair: _Pair) -> None:
        while said := _heard(pair.client):
            begun = said.rfind(_BEGIN)
            pair.said = said[begun:] if begun >= 0 else pair.said + said
            what = self._planned(pair) if _COMMIT in said else None
            if what == "commit":
                break
            # The answer is waited for, so that the commit was made for certain, and then lost.
            pair.swallow = what == "answer"
            if not _say(pair.server, said):
                break
        pair.hang_up()
        pair.client.close()

    def _from_server(self, pair: _Pair) -> None:
        while said := _heard(pair.server):
            if pair.swallow or not _say(pair.client, said):
                break
        pair.hang_up()
        pair.server.close()

    def _planned(self, pair: _Pair) -> Cut | None:
        if _READ_ONLY in pair.said:
            return None
        with self._lock:
            for one in self._plan:
                if one[1] in pair.said:
                    self._plan.remove(one)
                    self.cuts += 1
                    return one[0]
        return None


def _heard(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _say(end: socket.socket, what: bytes) -> bool:
    try:
        end.sendall(what)
    except OSError:
        return False
    return True
