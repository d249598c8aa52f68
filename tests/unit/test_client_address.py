"""Who a client is: by what a trusted proxy says, and by nothing anybody else does."""

from ipaddress import ip_network

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.api.client_address import bucket_of, client_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def asked(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode("latin-1", "replace")) for one in forwarded]
    return Request({"type": "http", "client": (peer, 1) if peer is not None else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("203.0.113.9",), "192.0.2.1"),
        ("10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("::ffff:10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("fd00::1", ("2001:db8::1",), "2001:db8::1"),
        ("10.0.0.1", ("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.1.1.1", "203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", ("203.0.113.9, 10.0.0.2, 10.0.0.3",), "203.0.113.9"),
        ("10.0.0.1", ("10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("203.0.113.9:55",), "203.0.113.9"),
        ("10.0.0.1", ("[2001:db8::1]:55",), "2001:db8::1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.9, _hidden",), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.9, unknown, 10.0.0.2",), "10.0.0.2"),
        (None, ("203.0.113.9",), ""),
    ],
)
def test_the_last_address_before_the_trusted_proxies_counts(
    peer: str | None, forwarded: tuple[str, ...], client: str
) -> None:
    assert client_of(asked(peer, *forwarded), TRUSTED) == client


def test_without_trusted_proxies_nobody_speaks_for_anybody() -> None:
    assert client_of(asked("10.0.0.1", "203.0.113.9"), ()) == "10.0.0.1"


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_is_said_about_a_client_does_no_harm(forwarded: list[str]) -> None:
    assert isinstance(client_of(asked("10.0.0.1", *forwarded), TRUSTED), str)


def test_an_address_of_ipv6_is_counted_with_its_neighbors() -> None:
    assert bucket_of("2001:db8::1") == bucket_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert bucket_of("2001:db8:0:1::1") != bucket_of("2001:db8::1")
    assert bucket_of("::ffff:192.0.2.1") == bucket_of("192.0.2.1") == "192.0.2.1"
    assert bucket_of("nonsense") == "nonsense"
