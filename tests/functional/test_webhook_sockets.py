"""W7, W11: what comes over a socket that no client would send; a running hub stays small and serves on."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from rig.hub import start_hub

SEE = {"id": "see", "set": {"a": 1}}
OPEN = {"name": "sockets", "on": [{"webhook": {"auth": "none"}}], "steps": [SEE]}
MB = 1024 * 1024
MOST_GROWTH_MB = 48
SLOWEST_BESIDE_S = 2.0


@pytest.fixture(scope="session")
def socket_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A hub whose patience is short."""
    started = start_hub(tmp_path_factory.mktemp("sockets"), "", REVOLUTION_BODY_S="3")
    yield started
    started.stop()


@pytest.fixture
def url(socket_hub: Any) -> str:
    """The address of a workflow that everybody may start."""
    listed = socket_hub.ask("GET", "/api/workflows?name=sockets")["items"]
    if not listed:
        listed = [socket_hub.ask("POST", "/api/workflows", {"document": OPEN})]
    return str(socket_hub.ask("POST", f"/api/workflows/{listed[0]['id']}/publish")["hook_url"])


@contextmanager
def wire(url: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as link:
        yield link


def head(url: str, *lines: str, method: str = "POST") -> bytes:
    parts = urlsplit(url)
    return "\r\n".join([f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *lines, "", ""]).encode(
        "latin-1"
    )


def answer_of(link: socket.socket) -> bytes:
    """Everything that comes until the other side says no more, or nothing has come for long."""
    found = b""
    with suppress(OSError):
        while part := link.recv(65_536):
            found += part
    return found


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def api_memory_mb(hub: Any) -> float:
    return max(psutil.Process(pid).memory_info().rss / MB for pid in hub.children("api"))


@contextmanager
def others_are_served(url: str) -> Iterator[None]:
    """Post to the hub all the while, and require that nobody waits for long."""
    stop, first = threading.Event(), threading.Event()
    waited: list[float] = []
    wrong: list[str] = []

    def post() -> None:
        with httpx2.Client(trust_env=False, timeout=30) as client:
            while not stop.is_set():
                begun_s = time.monotonic()
                answer = client.post(url, content=b"{}", headers={"content-type": "application/json"})
                waited.append(time.monotonic() - begun_s)
                if answer.status_code != 202:
                    wrong.append(answer.text)
                first.set()
                stop.wait(0.05)

    thread = threading.Thread(target=post)
    thread.start()
    assert first.wait(30)
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert max(waited) < SLOWEST_BESIDE_S


def flood(link: socket.socket, piece: bytes, total: int) -> int:
    """Send the same piece again and again until the other side has had enough; returns how much was sent."""
    sent = 0
    with suppress(OSError):
        while sent < total:
            link.sendall(piece)
            sent += len(piece)
    return sent


CHUNK = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
FLOODS: dict[str, tuple[tuple[str, ...], bytes]] = {
    "endless chunks": (("Transfer-Encoding: chunked",), CHUNK),
    "tiny chunks": (("Transfer-Encoding: chunked",), b"1\r\na\r\n" * 4096),
    "chunks with endless extensions": (("Transfer-Encoding: chunked",), b"1;" + b"x" * 65_536),
    "a length of a gigabyte": (("Content-Length: 1073741824",), b"a" * 65_536),
}


@pytest.mark.parametrize("name", FLOODS)
def test_w7_a_body_without_end_is_cut_off_at_the_cap_and_memory_stays_flat(
    name: str, url: str, socket_hub: Any
) -> None:
    lines, piece = FLOODS[name]
    before = api_memory_mb(socket_hub)
    with others_are_served(url):
        for _ in range(3):
            with wire(url) as link:
                link.sendall(head(url, *lines))
                flood(link, piece, 64 * MB)
                # What was said may be lost with the connection, which the sender has kept filling.
                assert status_of(answer_of(link)) in (0, 413, 400, 431)
    assert api_memory_mb(socket_hub) - before < MOST_GROWTH_MB


def test_w7_a_length_above_the_cap_is_refused_before_anything_is_read(url: str) -> None:
    for more in ((), ("Expect: 100-continue",)):
        with wire(url) as link:
            link.sendall(head(url, "Content-Length: 1073741824", *more))
            answer = answer_of(link)
        assert status_of(answer) == 413
        assert b"100 Continue" not in answer
        assert b"body_too_large" in answer


def test_w7_who_asks_first_is_told_to_go_on(url: str) -> None:
    with wire(url) as link:
        link.sendall(head(url, "Content-Length: 2", "Content-Type: application/json", "Expect: 100-continue"))
        assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        link.sendall(b"{}")
        assert status_of(link.recv(65_536)) == 202


def test_w7_a_body_that_never_comes_is_given_up(url: str) -> None:
    with others_are_served(url), ExitStack() as stack:
        links = [stack.enter_context(wire(url)) for _ in range(60)]
        begun_s = time.monotonic()
        for link in links:
            link.sendall(head(url, "Content-Length: 1000") + b"{")
        answers = [answer_of(link) for link in links]
    assert {status_of(one) for one in answers} == {408}
    assert all(b"slow_body" in one for one in answers)
    assert 2.5 < time.monotonic() - begun_s < 15


@pytest.mark.faults
def test_w7_a_head_that_never_ends_is_given_up(url: str) -> None:
    with others_are_served(url), ExitStack() as stack:
        silent = [stack.enter_context(wire(url)) for _ in range(60)]
        begun = [stack.enter_context(wire(url)) for _ in range(60)]
        begun_s = time.monotonic()
        for link in begun:
            link.sendall(b"POST / HTTP/1.1\r\nHost: ")
        # Nothing is said to who has not asked anything yet.
        assert {answer_of(link) for link in (*silent, *begun)} == {b""}
        assert 8 < time.monotonic() - begun_s < 25


@pytest.mark.faults
def test_w7_drop_by_drop_is_too_slow(url: str) -> None:
    text = head(url, "Content-Length: 2", *(f"X-{n}: y" for n in range(20)))
    with wire(url) as link:
        begun_s = time.monotonic()
        with suppress(OSError):
            for at in range(len(text)):
                link.sendall(text[at : at + 1])
                time.sleep(0.2)
                if time.monotonic() - begun_s > 25:
                    break
        assert time.monotonic() - begun_s < 20


def test_w7_a_body_that_would_unfold_is_not_unfolded(url: str, socket_hub: Any) -> None:
    bomb = gzip.compress(b"a" * 200 * MB, 9)
    before = api_memory_mb(socket_hub)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = httpx2.post(url, content=bomb, headers=headers, timeout=30, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (415, "content_type")
    assert api_memory_mb(socket_hub) - before < MOST_GROWTH_MB


def long_heads(url: str) -> dict[str, bytes]:
    return {
        "1,000 headers": head(url, *(f"X-{n}: y" for n in range(1000)), "Content-Length: 0"),
        "64 kB in one": head(url, "X-Long: " + "y" * 65_536, "Content-Length: 0"),
        "64 kB of a name": head(url, "X" * 65_536 + ": y", "Content-Length: 0"),
        "64 kB of address": head(url + "x" * 65_536, "Content-Length: 0"),
        "64 kB of query": head(url, "Content-Length: 0").replace(
            b" HTTP/1.1", b"?" + b"q" * 65_536 + b" HTTP/1.1"
        ),
    }


@pytest.mark.parametrize("name", ["1,000 headers", "64 kB in one", "64 kB of a name", "64 kB of address"])
def test_w11_a_head_that_is_too_large_is_refused(name: str, url: str) -> None:
    with wire(url) as link:
        link.sendall(long_heads(url)[name])
        assert status_of(answer_of(link)) in (431, 404)


def test_w11_a_second_head_on_a_connection_is_held_to_the_same(url: str) -> None:
    second = head(url, "X-Long: " + "y" * 40_000, "Content-Length: 0")
    with wire(url) as link:
        # It begins in the piece that ends the first one, so that neither piece alone is too large.
        link.sendall(head(url, "Content-Length: 0") + second[:20_000])
        time.sleep(0.2)
        link.sendall(second[20_000:])
        assert b"HTTP/1.1 431 " in answer_of(link)


def test_w11_a_header_without_end_neither_fills_memory_nor_holds_up_others(url: str, socket_hub: Any) -> None:
    before = api_memory_mb(socket_hub)
    with others_are_served(url):
        for begun in (
            b"POST / HTTP/1.1\r\nX: ",
            b"POST /",
            head(url, "Transfer-Encoding: chunked") + b"0\r\nX: ",
        ):
            with wire(url) as link:
                link.sendall(begun)
                assert flood(link, b"a" * 65_536, 64 * MB) < 32 * MB
    assert api_memory_mb(socket_hub) - before < MOST_GROWTH_MB


MALFORMED = {
    "a line break in a header": "X-A: b\nSet-Cookie: c=d\rX: y",
    "a folded header": "X-A: b\r\n c",
    "a NUL in a header": "X-A: b\0c",
    "two lengths": "Content-Length: 2\r\nContent-Length: 3",
    "a length that is none": "Content-Length: 2x",
    "a negative length": "Content-Length: -1",
    "a length and chunks": "Content-Length: 2\r\nTransfer-Encoding: chunked",
    "unknown chunks": "Transfer-Encoding: chunked, gzip",
    "a space before the colon": "Content-Length : 2",
    "no colon": "nonsense",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_w11_what_two_servers_would_read_differently_is_read_by_none(
    name: str, url: str, socket_hub: Any
) -> None:
    def count() -> int:
        return len(socket_hub.ask("GET", "/api/workflow-executions?limit=200")["items"])

    before = count()
    with wire(url) as link:
        link.sendall(head(url, "Content-Type: application/json", MALFORMED[name]) + b"{}")
        link.shutdown(socket.SHUT_WR)
        assert status_of(answer_of(link)) in (0, 400)
    assert count() == before


def test_w11_a_forwarded_address_counts_for_nothing_without_a_proxy(url: str, socket_hub: Any) -> None:
    only = {"name": "only", "on": [{"webhook": {"auth": "none", "allow": ["203.0.113.7"]}}], "steps": [SEE]}
    made = socket_hub.ask("POST", "/api/workflows", {"document": only})
    hook = socket_hub.ask("POST", f"/api/workflows/{made['id']}/publish")["hook_url"]
    for lie in ("X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "X-Real-IP: 203.0.113.7"):
        with wire(hook) as link:
            link.sendall(head(hook, "Content-Length: 2", lie, "Connection: close") + b"{}")
            answer = answer_of(link)
        assert status_of(answer) == 403
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "address_not_allowed"
