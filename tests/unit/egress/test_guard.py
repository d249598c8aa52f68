"""The guard: what it lets through, with a resolver that answers as told and remembers being asked."""

import socket
import threading
import time

import httpx2
import pytest

from revolution_hub.egress.guard import Guard, resolve_with_system
from revolution_sdk.errors import RejectedError

PUBLIC = "93.184.216.34"


class Zone:
    """A name server's zone. Each name has a row of answers; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): rows for name, rows in answers.items()}
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, limit_s: float) -> list[str]:
        self.asked.append((host, port))
        rows = self.answers.get(host, [[host]])
        return rows.pop(0) if len(rows) > 1 else rows[0]


def refusal(guard: Guard, host: str, port: int = 443) -> RejectedError:
    with pytest.raises(RejectedError) as refused:
        guard.check(host, port)
    return refused.value


def test_a_public_host_passes_with_all_its_addresses() -> None:
    zone = Zone(api_acme_com=[[PUBLIC, "2606:4700:4700::1111"]])
    assert Guard(resolve=zone).check("API.acme.com.", 443) == [PUBLIC, "2606:4700:4700::1111"]
    assert zone.asked == [("api.acme.com", 443)]


@pytest.mark.parametrize(
    "answer",
    [
        *(["127.0.0.1"], ["169.254.169.254"], ["10.0.0.5"], ["::1"], ["::ffff:169.254.169.254"]),
        *(["64:ff9b::a9fe:a9fe"], ["2002:a9fe:a9fe::"], ["fd00:ec2::254"], ["168.63.129.16"]),
        *([PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "fe80::1%eth0"], [PUBLIC, "garbage"]),
    ],
)
def test_one_bad_address_among_the_answers_blocks_the_host(answer: list[str]) -> None:
    assert refusal(Guard(resolve=Zone(api_acme_com=[answer])), "api.acme.com").code == "address_blocked"


@pytest.mark.parametrize(
    "host", ["localhost", "redis", "metadata.google.internal", "127.1", "2130706433", ""]
)
def test_local_names_and_odd_spellings_are_blocked_without_a_look_up(host: str) -> None:
    zone = Zone()
    assert refusal(Guard(resolve=zone), host).code == "address_blocked"
    assert zone.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1.", "169.254.169.254", "::1", "[::1]", "0.0.0.0"])
def test_an_address_that_is_not_public_is_blocked_as_a_host(host: str) -> None:
    assert refusal(Guard(resolve=Zone()), host).code == "address_blocked"


def test_a_host_is_looked_up_once_per_check_and_judged_anew_each_time() -> None:
    """DNS rebinding: the first answer is public, the second is not."""
    zone = Zone(evil_com=[[PUBLIC], ["127.0.0.1"]])
    guard = Guard(resolve=zone)
    assert guard.check("evil.com", 443) == [PUBLIC]
    assert len(zone.asked) == 1
    assert refusal(guard, "evil.com").code == "address_blocked"


def test_the_operator_lets_a_pair_of_host_and_port_through_and_nothing_near_it() -> None:
    guard = Guard(
        allow=frozenset({("127.0.0.1", 9101), ("sandbox", 80)}), resolve=Zone(sandbox=[["10.0.0.9"]])
    )
    assert guard.check("127.0.0.1", 9101) == ["127.0.0.1"]
    assert guard.check("SANDBOX.", 80) == ["10.0.0.9"]
    for host, port in [("127.0.0.1", 9102), ("127.0.0.2", 9101), ("localhost", 9101), ("sandbox", 81)]:
        assert refusal(guard, host, port).code == "address_blocked"


def test_every_refusal_reads_the_same() -> None:
    guard = Guard(resolve=Zone(evil_com=[["10.0.0.1"]], evil_org=[["::1"]]))
    told = [refusal(guard, host) for host in ["evil.com", "evil.org", "127.0.0.1", "redis", "0x7f.1", "a@b"]]
    assert len({(one.message, one.code, str(one.details)) for one in told}) == 1


def test_a_host_without_addresses_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no address"):
        Guard(resolve=Zone(empty_com=[[]])).check("empty.com", 443)


URL_ALLOWED = [
    "https://api.acme.com/",
    "https://api.acme.com:8443/x",
    "https://api.acme.com:1024/",
    "https://[2606:4700::1111]/",
    "http://127.0.0.1:9101/x",
    "https://127.0.0.1:9101/x",
]
URL_BLOCKED = [
    *("http://api.acme.com/", "http://api.acme.com:443/", "http://127.0.0.1:9102/", "ftp://api.acme.com/"),
    *(
        "gopher://api.acme.com:70/",
        "file:///etc/passwd",
        "unix:///run/x.sock",
        "data:text/plain,x",
        "/x",
        "//a.com",
    ),
    *("ws://api.acme.com/", "wss://api.acme.com/", "dict://api.acme.com:11211/", "javascript:alert(1)", ""),
    *(
        "https://api.acme.com:22/",
        "https://api.acme.com:25/",
        "https://api.acme.com:80/",
        "https://api.acme.com:1/",
    ),
    *("https://api.acme.com:6379/", "https://api.acme.com:5432/", "https://api.acme.com:11211/"),
    *("https://api.acme.com:70000/", "https://user@api.acme.com/", "https://user:pw@api.acme.com/"),
    *("http://user@127.0.0.1:9101/", "https://localhost/", "https://redis/", "https://x.internal/"),
    *("https://127.1/", "https://0x7f.1/", "https://2130706433/", "https://017700000001/"),
    *(
        "https://api.acme.com%00.evil.com/",
        "https://a\\b.com/",
        "https://[fe80::1%25eth0]/",
        "https://exa mple.com/",
    ),
]


@pytest.mark.parametrize("url", URL_ALLOWED)
def test_a_decent_url_passes_before_any_look_up(url: str) -> None:
    zone = Zone()
    Guard(allow=frozenset({("127.0.0.1", 9101)}), resolve=zone).check_url(httpx2.URL(url))
    assert zone.asked == []


@pytest.mark.parametrize("url", URL_BLOCKED)
def test_scheme_user_port_and_spelling_are_judged_by_the_url_alone(url: str) -> None:
    with pytest.raises(RejectedError) as refused:
        Guard(allow=frozenset({("127.0.0.1", 9101)}), resolve=Zone()).check_url(httpx2.URL(url))
    assert refused.value.code == "address_blocked"


def test_the_system_resolver_knows_literal_addresses() -> None:
    assert resolve_with_system("127.0.0.1", 443, 5.0) == ["127.0.0.1"]


def test_the_system_resolver_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        resolve_with_system("slow.example.com", 443, 0.1)
    released.set()
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_the_system_cannot_resolve_is_an_os_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(OSError):
        resolve_with_system("nowhere.example.com", 443, 5.0)


def test_the_system_resolver_returns_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (2, 1, 6, "", (PUBLIC, 443)),
        (2, 1, 6, "", (PUBLIC, 443)),
        (10, 1, 6, "", ("2606::1", 443, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert resolve_with_system("acme.com", 443, 5.0) == [PUBLIC, "2606::1"]
