"""Which addresses are public and how a host is spelled: the corpus of disguises."""

import ipaddress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.egress.addresses import is_local_name, is_public, normal_host

NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255"),
    *("172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "169.254.0.1"),
    *("100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"),
    *("192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "168.63.129.16"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"),
    *("::127.0.0.1", "::8.8.8.8", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1"),
    *("64:ff9b:1::8.8.8.8", "2002:a9fe:a9fe::", "2002:7f00:1::1", "2002:c0a8:1::1", "2002:6464:64c8::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:7f00:1::ffff:ffff", "2001:db8::1", "2001:2::1"),
    *("2001:10::1", "3fff::1", "100::1", "5f00::1", "4000::1", "1::1"),
    *("", "localhost", "example.com", "127.1", "2130706433", "0x7f000001", "1.2.3.4:80", "[::1]", "8.8.8.8 "),
]

PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"),
    *("169.253.255.255", "11.0.0.1", "192.169.0.1", "223.255.255.255", "168.63.129.15", "192.0.1.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "2620:fe::fe", "2001:4860:4860::8888"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_global_unicast_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_global_unicast_address_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_ipv4_inside_ipv6_is_judged_like_the_ipv4_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    high, low = number >> 16, number & 0xFFFF
    for disguise in [f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1"]:
        assert is_public(disguise) == is_public(str(address))


@given(st.ip_addresses())
def test_whatever_is_public_is_global_to_the_standard_library_too(address: ipaddress.IPv4Address) -> None:
    if is_public(str(address)):
        assert not any([address.is_loopback, address.is_link_local, address.is_multicast])


MISSPELLED = [
    *("2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "127.0.1", "127.0.0.1.1", "1.2.3"),
    *("0177.0.0.1", "127.000.000.001", "0x7f.0.0.1", "256.0.0.1", "127.0.0.0x1", "1e3.5", "example.0x10"),
    *("example.123", "①②⑦.0.0.1", "１２７.0.0.1", "127。0。0。1", "localhoſt", "exämple.com", "\u212a.com"),
    *("", ".", "..", "a..b", ".a.com", "a.com..", "-a.com", "a-.com", "a b.com", "a\tb.com", "a\nb.com"),
    *(
        "a.com\x00",
        "good@bad.com",
        "good\\bad.com",
        "a/b.com",
        "a?b",
        "a#b",
        "a.com:80",
        "a%2ecom",
        "a%00.com",
    ),
    *("fe80::1%eth0", "[fe80::1%25eth0]", "::1%lo", ":", ":::", "[::1", "::1]", "[::1]:80", "1:2", "::g"),
    *("[127.0.0.1]", "[localhost]", "a" * 64 + ".com", "a." * 127 + "com", "*.com", "$(x).com", "{a}.com"),
]


@pytest.mark.parametrize("host", MISSPELLED)
def test_a_host_two_programs_could_read_differently_is_refused(host: str) -> None:
    with pytest.raises(ValueError):
        normal_host(host)


@pytest.mark.parametrize(
    ("host", "expect"),
    [
        ("api.acme.com", "api.acme.com"),
        ("API.Acme.COM", "api.acme.com"),
        ("api.acme.com.", "api.acme.com"),
        ("127.0.0.1.", "127.0.0.1"),
        ("xn--exmple-cua.com", "xn--exmple-cua.com"),
        ("_dmarc.acme.com", "_dmarc.acme.com"),
        ("1and1.com", "1and1.com"),
        ("8.8.8.8", "8.8.8.8"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::FFFF:127.0.0.1", str(ip_address("::ffff:7f00:1"))),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io"),
    ],
)
def test_a_host_has_one_spelling(host: str, expect: str) -> None:
    assert normal_host(host) == expect
    assert normal_host(expect) == expect


@given(st.text(max_size=30))
def test_any_text_is_a_normal_host_or_refused(text: str) -> None:
    try:
        host = normal_host(text)
    except ValueError:
        return
    assert host.isascii()
    assert host == host.lower()
    assert normal_host(host) == host


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "redis", "metadata", "a.localhost", "metadata.google.internal", "printer.local"),
        *("nas.home.arpa", "x.lan", "x.localdomain", "x.onion", "x.intranet"),
    ],
)
def test_a_name_that_can_only_mean_something_near_is_local(host: str) -> None:
    assert is_local_name(host)


@pytest.mark.parametrize("host", ["acme.com", "local.acme.com", "mylocal.io", "8.8.8.8", "::1"])
def test_other_names_are_left_to_the_resolver(host: str) -> None:
    assert not is_local_name(host)
