"""Which spellings name a host, and which addresses are public. Pure: nothing is looked up here."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMERIC = re.compile(r"[0-9]+\Z|0x[0-9a-f]*\Z")
_LONGEST_HOST = 253

_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion")
"""Endings that never name a public host. Source: RFC 6761, 6762, 7686, 8375 and ICANN's `internal` (2024)."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's host, reachable from every virtual machine there
        "192.0.0.0/24",  # protocol assignments, of which Python knows only a part
        "192.88.99.0/24",  # 6to4 relays, deprecated by RFC 7526
        "3fff::/20",  # documentation, RFC 9637
    )
)


def normal_host(host: str) -> str:
    """Return the one spelling of a host: lower case, no trailing dot, addresses in their usual form.

    Raises ValueError for everything two programs could read differently: letters outside ASCII, user names,
    zone ids, ports, escapes, blanks, and numbers that are not four plain ones (`127.1`, `0x7f.1`).
    """
    if ":" in host:
        return _normal_ipv6(host)
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_HOST or not host.isascii() or not all(_LABEL.match(label) for label in labels):
        raise ValueError("not a host name")
    if _NUMERIC.match(labels[-1]):
        return str(ipaddress.IPv4Address(name))
    return name


def is_local_name(host: str) -> bool:
    """Tell whether a normal host name can only mean something near: one label, or a local ending."""
    if ":" in host or _NUMERIC.match(host.rpartition(".")[2]):
        return False
    return "." not in host or any(host.endswith("." + ending) for ending in _LOCAL_NAMES)


def is_public(text: str) -> bool:
    """Tell whether an address is global unicast, judging IPv4 inside IPv6 by the IPv4 address.

    False for what is no address at all.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    inner = _embedded(address)
    return all(_is_global_unicast(one) for one in inner or [address])


def _normal_ipv6(host: str) -> str:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        raise ValueError("a zone id names an interface of this machine")
    return str(ipaddress.IPv6Address(bare))


def _embedded(address: Address) -> list[Address]:
    """Return the IPv4 addresses an IPv6 address stands for: mapped, 6to4, Teredo (both), NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)]
    return []


def _is_global_unicast(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    special = (
        not address.is_global
        or address.is_private
        or address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )
    return not special and not any(address in network for network in _NOT_PUBLIC)
