"""The guard: decides, before anything is connected, where the hub may go. On by default, for every host.

One refusal serves every case, so that its text tells nobody what stands behind a name.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx2

from revolution_hub.egress.addresses import is_local_name, is_public, normal_host
from revolution_sdk.errors import RejectedError

Resolve: TypeAlias = Callable[[str, int, float], list[str]]
"""(host, port, limit in seconds) to addresses as text. Raises OSError when there are none in time."""

RESOLVE_LIMIT_S = 5.0
_HTTPS_PORT = 443
_FIRST_OPEN_PORT = 1024
_OTHER_PROTOCOLS = frozenset(
    {1433, 1521, 2049, 2375, 2379, 3306, 3389, 4369, 5060, 5061, 5432, 5672, 5900, 6000, 6379}
    | {6667, 9042, 10250, 11211, 27017}
)
"""Ports from 1024 up where something other than HTTPS is at home."""


def resolve_with_system(host: str, port: int, limit_s: float) -> list[str]:
    """Look a host up as the system does, but give up after `limit_s` seconds.

    The system's own look-up knows no limit, so it runs in a thread that is left behind when it is late.
    Raises OSError when the name has no address, or TimeoutError.
    """
    answers: list[list[str] | OSError] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append(list(dict.fromkeys(str(one[4][0]) for one in found)))
        except (OSError, UnicodeError) as error:
            answers.append(error if isinstance(error, OSError) else OSError("the name cannot be encoded"))

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(max(limit_s, 0.0))
    if not answers:
        raise TimeoutError("the name was not resolved in time")
    if isinstance(answers[0], OSError):
        raise answers[0]
    return answers[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Where the hub may go. `allow` holds `(host, port)` pairs the operator lets through although private."""

    allow: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve = resolve_with_system

    def check_url(self, url: httpx2.URL) -> None:
        """Refuse by the URL alone: scheme, user name, port and the spelling of the host. Looks nothing up.

        Plain http is for allow-listed targets. Raises RejectedError `address_blocked`.
        """
        if url.scheme not in ("http", "https") or url.userinfo:
            raise blocked()
        port = url.port or (_HTTPS_PORT if url.scheme == "https" else 80)
        host = self._host(url.raw_host.decode("ascii", "replace"))
        if (host, port) in self.allow:
            return
        usual = port == _HTTPS_PORT or (_FIRST_OPEN_PORT <= port <= 65535 and port not in _OTHER_PROTOCOLS)
        if url.scheme != "https" or not usual or is_local_name(host):
            raise blocked()

    def check(self, host: str, port: int, *, limit_s: float = RESOLVE_LIMIT_S) -> list[str]:
        """Resolve the host once and return its addresses, all of them public or the target allow-listed.

        Connect to one of these and to nothing else: a second look-up may answer differently. Raises
        RejectedError `address_blocked` if any address is not public, and OSError if there is none.
        """
        name = self._host(host)
        allowed = (name, port) in self.allow
        if not allowed and is_local_name(name):
            raise blocked()
        addresses = self.resolve(name, port, limit_s)
        if not addresses:
            raise OSError("the name has no address")
        if not allowed and not all(is_public(address) for address in addresses):
            raise blocked()
        return addresses

    def _host(self, host: str) -> str:
        try:
            return normal_host(host)
        except ValueError:
            raise blocked() from None


def blocked() -> RejectedError:
    """Return the one refusal. It says nothing about what was found, and who could allow it."""
    return RejectedError(
        "the address is not allowed; who runs the hub can allow host:port with REVOLUTION_EGRESS_ALLOW",
        code="address_blocked",
    )
