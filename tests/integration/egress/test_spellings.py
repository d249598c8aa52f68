"""Eighty ways to spell an address inside: none leads to a socket that listens there."""

import socket
from typing import Any

import pytest

from revolution_sdk.errors import ConnectorError, RejectedError

LOOPBACK = [
    *("127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001"),
    *("0x7f000001", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1", "127.000.000.001", "127.0.0.0x1"),
    *("0.0.0.0", "0", "0x0", "00", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "a.localhost"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::ffff:0:127.0.0.1]", "[::1%25lo]"),
    *("①②⑦.0.0.1", "１２７.0.0.1", "127。0。0。1", "localhoſt", "ⓛocalhost", "127%2e0.0.1", "%6cocalhost"),
    *("good.com@127.0.0.1", "127.0.0.1@good.com", "user:pw@127.0.0.1", "good.com%2f@127.0.0.1"),
    *("127.0.0.1\\.good.com", "good.com\\@127.0.0.1", "127.0.0.1%00.good.com", "127.0.0.1%09", "*.127.0.0.1"),
]
INSIDE = [
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]"),
    *("[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[ff02::1]", "[3fff::1]"),
    *("metadata.google.internal", "metadata", "100.100.100.200", "168.63.129.16", "192.0.0.192", "10.0.0.1"),
    *("172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "0.1.2.3"),
    *("redis", "postgres", "printer.local", "nas.home.arpa", "x.internal", "x.lan", "x.onion"),
]


def test_there_are_at_least_eighty_of_them() -> None:
    assert len(LOOPBACK) + len(INSIDE) >= 80
    assert len({*LOOPBACK, *INSIDE}) == len(LOOPBACK) + len(INSIDE)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("spelling", LOOPBACK)
def test_no_spelling_leads_to_what_listens_on_this_machine(way: Any, spelling: str, scheme: str) -> None:
    server = way.serve()
    client = way.client(f"{scheme}://{spelling}:{server.port}", pool=way.pool())
    with pytest.raises(ConnectorError) as refused:
        client.get("/x")
    assert isinstance(refused.value, RejectedError)
    assert refused.value.code in ("address_blocked", "request_invalid", "host_not_allowed")
    assert server.connections == 0


@pytest.mark.parametrize("spelling", INSIDE)
def test_no_spelling_leads_inside(way: Any, spelling: str) -> None:
    with pytest.raises(RejectedError) as refused:
        way.client(f"https://{spelling}", pool=way.pool()).get("/x")
    assert refused.value.code in ("address_blocked", "request_invalid", "host_not_allowed")


def test_the_name_of_this_machine_leads_nowhere(way: Any) -> None:
    server = way.serve()
    own = socket.gethostname()
    pool = way.pool(resolve=lambda *_: ["127.0.0.1"])
    for name in (own, f"{own}.example.com"):
        with pytest.raises(RejectedError):
            way.client(f"https://{name}:{server.port}", pool=pool).get("/x")
    assert server.connections == 0


@pytest.mark.parametrize(
    "scheme", ["file", "ftp", "gopher", "dict", "data", "unix", "ws", "ldap", "tftp", "jar"]
)
def test_only_http_leads_anywhere(way: Any, scheme: str) -> None:
    server = way.serve()
    with pytest.raises(RejectedError):
        way.client(f"{scheme}://127.0.0.1:{server.port}", pool=way.pool(server)).get("/x")
    assert server.connections == 0


@pytest.mark.parametrize(
    "port", [1, 22, 23, 25, 53, 80, 110, 445, 587, 1023, 3306, 5432, 6379, 9042, 11211, 27017]
)
def test_ports_where_something_else_is_at_home_are_refused(way: Any, port: int) -> None:
    pool = way.pool(resolve=lambda *_: ["93.184.216.34"])
    with pytest.raises(RejectedError) as refused:
        way.client(f"https://api.acme.com:{port}", pool=pool).get("/x")
    assert refused.value.code == "address_blocked"


def test_the_refusal_names_the_setting_that_would_allow_it_and_nothing_it_has_found(way: Any) -> None:
    told = set()
    for answer in (["127.0.0.1"], ["10.0.0.1", "93.184.216.34"], ["::1"]):
        pool = way.pool(resolve=lambda *_, answer=answer: answer)
        with pytest.raises(RejectedError) as refused:
            way.client("https://evil.example.com", pool=pool).get("/x")
        told.add((refused.value.code, refused.value.message, str(refused.value.details)))
    ((_, message, _),) = told
    assert "REVOLUTION_EGRESS_ALLOW" in message


def test_what_cannot_be_reached_reads_the_same_whatever_is_behind_it(way: Any, certificates: Any) -> None:
    """A closed port, a name that is not there, and a server whose certificate is not its own."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    other = way.serve(tls=certificates.server("other.example.com"))

    def unknown(*_: Any) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    told = set()
    for url, options in (
        (f"http://127.0.0.1:{port}", {"allow": frozenset({("127.0.0.1", port)})}),
        ("https://nowhere.example.com", {"resolve": unknown}),
        (f"https://127.0.0.1:{other.port}", {"allow": frozenset({("127.0.0.1", other.port)})}),
    ):
        with pytest.raises(ConnectorError) as failed:
            way.client(url, pool=way.pool(**options)).get("/x")
        told.add((type(failed.value), failed.value.code, failed.value.message, str(failed.value.details)))
    assert len(told) == 1, told
