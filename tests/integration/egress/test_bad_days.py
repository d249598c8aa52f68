"""What a provider does on a bad day, and which error it becomes: was nothing done, or does nobody know?"""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from revolution_sdk.errors import ConnectorError, RejectedError, RetryableError, UnknownOutcomeError

READING = ["GET", "HEAD", "OPTIONS"]
WRITING = ["POST", "PUT", "PATCH", "DELETE"]


def failure(client: httpx2.Client, method: str, **options: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as failed:
        client.request(method, "/x", **options)
    return failed.value


def took_s(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def hang_up(link: socket.socket, request: Any) -> None:
    link.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("method", READING)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_5xx_to_a_reading_request_may_be_repeated(way: Any, reply: Any, method: str, status: int) -> None:
    server = way.serve(reply(b"" if method == "HEAD" else b"<html>", status, {"Retry-After": "7"}))
    error = failure(way.client(server), method)
    assert isinstance(error, RetryableError)
    assert (error.code, error.retry_after_s, error.details) == ("provider_failed", 7.0, {"status": status})


@pytest.mark.parametrize("method", WRITING)
@pytest.mark.parametrize("status", [500, 503])
def test_a_5xx_to_a_writing_request_leaves_the_outcome_unknown(
    way: Any, reply: Any, method: str, status: int
) -> None:
    error = failure(way.client(way.serve(reply(b"oops", status))), method)
    assert isinstance(error, UnknownOutcomeError)
    assert error.details == {"status": status}


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 304, 400, 403, 404, 409, 422, 429])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_other_answer_is_the_connectors_to_read(way: Any, reply: Any, method: str, status: int) -> None:
    body = b"" if status in (204, 304) else b'{"why":"because"}'
    answer = way.client(way.serve(reply(body, status, {"X-Id": "7"}))).request(method, "/x")
    assert (answer.status_code, answer.content, answer.headers["x-id"]) == (status, body, "7")


def test_a_401_without_authentication_is_an_answer(way: Any, reply: Any) -> None:
    assert way.client(way.serve(reply(b"no", 401))).get("/x").text == "no"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_means_nothing_was_sent(way: Any, method: str) -> None:
    server = way.serve()
    server.stop()
    error = failure(way.client(server), method)
    assert isinstance(error, RetryableError)
    assert error.code == "unreachable"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_hangs_up_after_reading(way: Any, method: str) -> None:
    server = way.serve(hang_up)
    error = failure(way.client(server), method)
    assert isinstance(error, RetryableError if method == "GET" else UnknownOutcomeError)
    assert error.code == "no_answer"
    assert len(server.requests) == 1


BROKEN = {
    "cut off in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut off in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "cut off in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n123",
    "no HTTP at all": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "bad chunk length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,
    "many heads": b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 50_000,
    "broken gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n12345",
    "unasked encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\n12345",
    "ten encodings": b"HTTP/1.1 200 OK\r\nContent-Encoding: "
    + b"gzip," * 10
    + b"\r\nContent-Length: 1\r\n\r\n1",
    "unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer(way: Any, name: str, method: str) -> None:
    def handle(link: socket.socket, request: Any) -> None:
        link.sendall(BROKEN[name])
        link.shutdown(socket.SHUT_RDWR)

    error = failure(way.client(way.serve(handle)), method)
    assert isinstance(error, RetryableError if method == "GET" else UnknownOutcomeError)
    assert error.code == "no_answer"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("status", "kind"), [(404, RejectedError), (429, RetryableError)])
def test_a_refusal_counts_even_if_its_body_breaks_off(way: Any, method: str, status: int, kind: Any) -> None:
    def handle(link: socket.socket, request: Any) -> None:
        link.sendall(b"HTTP/1.1 %d No\r\nRetry-After: 3\r\nContent-Length: 100\r\n\r\nhalf" % status)
        link.shutdown(socket.SHUT_RDWR)

    error = failure(way.client(way.serve(handle)), method)
    assert isinstance(error, kind)
    assert error.details == {"status": status}


def drip(link: socket.socket, request: Any, *, head: bytes, piece: bytes) -> None:
    link.sendall(head)
    for _ in range(100):
        time.sleep(0.05)
        link.sendall(piece)


DRIPS: dict[str, tuple[bytes, bytes]] = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "head": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", DRIPS)
def test_a_dripping_answer_ends_at_the_deadline(way: Any, name: str, method: str) -> None:
    head, piece = DRIPS[name]
    server = way.serve(lambda link, request: drip(link, request, head=head, piece=piece))
    client = way.client(server, seconds=0.4)
    errors: list[ConnectorError] = []
    assert 0.3 < took_s(lambda: errors.append(failure(client, method))) < 1.0
    assert isinstance(errors[0], RetryableError if method == "GET" else UnknownOutcomeError)


def test_a_server_that_does_not_read_ends_at_the_deadline(way: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    client = way.client(
        f"http://127.0.0.1:{port}", pool=way.pool(allow=frozenset({("127.0.0.1", port)})), seconds=0.4
    )
    errors: list[ConnectorError] = []
    took = took_s(lambda: errors.append(failure(client, "POST", content=b"x" * 30_000_000)))
    listener.close()
    assert took < 2.0
    assert isinstance(errors[0], UnknownOutcomeError)


def test_a_deadline_that_has_passed_sends_nothing(way: Any) -> None:
    server = way.serve()
    for method in ["GET", "POST"]:
        error = failure(way.client(server, seconds=-1), method)
        assert isinstance(error, RetryableError)
        assert error.code == "deadline"
    assert server.connections == 0


def test_the_deadline_is_one_for_all_requests_of_a_client(way: Any) -> None:
    server = way.serve()
    times = iter([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=61)])
    client = way.client(server, now=lambda: next(times), deadline=datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
    assert client.get("/x").status_code == 200
    assert failure(client, "GET").code == "deadline"


def test_a_timeout_asked_for_with_a_request_counts_when_it_is_shorter(way: Any) -> None:
    server = way.serve(lambda link, request: time.sleep(0.6))
    client = way.client(server, seconds=20)
    assert took_s(lambda: failure(client, "POST", timeout=0.2)) < 0.5


def test_a_full_pool_ends_at_the_deadline_with_nothing_sent(
    way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    server = way.serve(lambda link, request: link.sendall(b"") if release.wait(5) else None)
    pool = way.pool(server, max_connections=1)
    busy = threading.Thread(target=lambda: failure(way.client(server, pool=pool, seconds=1.0), "GET"))
    busy.start()
    while not server.requests:
        time.sleep(0.01)
    error = failure(way.client(server, pool=pool, seconds=0.2), "POST")
    release.set()
    busy.join()
    assert isinstance(error, RetryableError)
    assert len(server.requests) == 1


def test_a_connection_closed_while_idle_is_not_used_again(way: Any, reply: Any) -> None:
    """A keep-alive connection the server gave up must not turn a write into an unknown outcome."""

    def handle(link: socket.socket, request: Any) -> None:
        link.sendall(reply())
        link.shutdown(socket.SHUT_RDWR)

    server = way.serve(handle)
    client = way.client(server)
    for _ in range(5):
        assert client.post("/x").status_code == 200
        time.sleep(0.02)
    assert server.connections == 5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_above_the_limit(way: Any, reply: Any, method: str) -> None:
    server = way.serve(reply(b"x" * 1001))
    error = failure(way.client(server, limit_bytes=1000), method)
    assert isinstance(error, RejectedError if method == "GET" else UnknownOutcomeError)
    assert error.code == "answer_too_large"


def test_an_answer_at_the_limit_is_read(way: Any, reply: Any) -> None:
    assert len(way.client(way.serve(reply(b"x" * 1000)), limit_bytes=1000).get("/x").content) == 1000


def test_the_transport_never_closes_the_shared_connections(way: Any) -> None:
    server = way.serve()
    pool = way.pool(server)
    for _ in range(3):
        way.client(server, pool=pool).get("/x")
        way.clients.pop().close()
    assert (server.connections, len(server.requests)) == (1, 3)


def test_many_threads_share_one_pool_and_each_gets_its_own_answer(way: Any, reply: Any) -> None:
    server = way.serve(lambda link, request: link.sendall(reply(request.body)))
    pool = way.pool(server)
    mixed: list[str] = []

    def work(name: int) -> None:
        client = way.client(server, pool=pool, seconds=30)
        for turn in range(10):
            said = f"{name}.{turn}"
            if client.post("/x", content=said).text != said:
                mixed.append(said)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []
    assert len(server.requests) == 160
    assert server.connections <= 16
