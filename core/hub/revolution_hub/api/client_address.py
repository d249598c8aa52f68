"""client_address: who is at the other end. What a request says about it counts only from a trusted proxy."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from fastapi import Request

Network = IPv4Network | IPv6Network

_LONGEST = 2000


def client_of(request: Request, trusted: Sequence[Network]) -> str:
    """Return the client's address, empty if it is not known.

    Behind a trusted proxy it is the last address in X-Forwarded-For that is not a trusted proxy itself:
    whatever stands before it was written by whoever sent the request.
    """
    peer = request.client.host if request.client is not None else ""
    if not trusted or not _is_in(peer, trusted):
        return peer
    said = ",".join(request.headers.getlist("x-forwarded-for"))[-_LONGEST:]
    for part in reversed(said.split(",")):
        address = _bare(part.strip())
        if _read(address) is None:
            # Nobody knows who that was: it is the proxy that answers for it.
            return peer
        if not _is_in(address, trusted):
            return address
        peer = address
    return peer


def bucket_of(client: str) -> str:
    """Return by what a client is counted: an address, or of IPv6 the network a single customer is given."""
    address = _read(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or client)


def _is_in(text: str, networks: Sequence[Network]) -> bool:
    address = _read(text)
    return address is not None and any(address.version == one.version and address in one for one in networks)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _bare(text: str) -> str:
    """Return an address as a proxy may write it, without its port."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
