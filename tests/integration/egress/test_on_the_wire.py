"""What exactly leaves, and what exactly comes back: framing, headers, encodings, TLS."""

import gzip
import tracemalloc
import zlib
from typing import Any

import httpx2
import pytest

from revolution_sdk.errors import RejectedError, RetryableError, UnknownOutcomeError

INJECTIONS = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\x00b", "\r\n\r\nGET /evil HTTP/1.1"]


@pytest.mark.parametrize("value", INJECTIONS)
def test_a_header_that_would_be_two_is_refused_before_anything_is_sent(way: Any, value: str) -> None:
    server = way.serve()
    for headers in [{"X-Own": value}, {value: "x"}, {"Content-Type": value}, {"Cookie": value}]:
        with pytest.raises(RejectedError) as refused:
            way.client(server).post("/x", headers=headers)
        assert refused.value.code == "request_invalid"
    assert server.connections == 0


@pytest.mark.parametrize(
    "method", ["GET /evil HTTP/1.1\r\nHost: x\r\n\r\nGET", "GE T", "CONNECT", "TRACE", "", "G\x00"]
)
def test_an_odd_method_is_refused(way: Any, method: str) -> None:
    server = way.serve()
    with pytest.raises(RejectedError) as refused:
        way.client(server).request(method, "/x")
    assert refused.value.code == "request_invalid"
    assert server.connections == 0


@pytest.mark.parametrize("path", ["/a b", "/ä?q=ü", "/a%0d%0aX-Evil:1", "/a?b=c d&e=%0a", "/\u2028", "/a#b"])
def test_a_path_stays_one_line(way: Any, path: str) -> None:
    server = way.serve()
    assert way.client(server).get(path).status_code == 200
    assert server.requests[0].target.isascii()
    assert "x-evil" not in server.requests[0].headers


@pytest.mark.parametrize("path", ["/a\r\nX-Evil: 1", "/a\x00", "/a\tb"])
def test_a_control_character_in_a_path_never_leaves(way: Any, path: str) -> None:
    server = way.serve()
    with pytest.raises(httpx2.InvalidURL):
        way.client(server).get(path)
    assert server.connections == 0


def test_framing_and_connection_headers_are_ours(way: Any) -> None:
    server = way.serve()
    forged = {
        **{
            "Host": "evil.com",
            "Content-Length": "3",
            "Transfer-Encoding": "chunked",
            "Expect": "100-continue",
        },
        **{
            "Connection": "upgrade",
            "Upgrade": "websocket",
            "TE": "trailers",
            "Proxy-Authorization": "Basic x",
        },
    }
    way.client(server).post("/x", content=b"0123456789", headers=forged)
    sent = server.requests[0]
    assert sent.body == b"0123456789"
    assert sent.headers["content-length"] == "10"
    assert sent.headers["host"] == f"127.0.0.1:{server.port}"
    gone = {"transfer-encoding", "expect", "connection", "upgrade", "te", "proxy-authorization"}
    assert not gone & set(sent.headers)


def test_an_empty_post_says_so_and_a_get_says_nothing(way: Any) -> None:
    server = way.serve()
    client = way.client(server)
    client.post("/x")
    client.get("/x")
    assert [one.headers.get("content-length") for one in server.requests] == ["0", None]
    assert server.requests[0].headers["user-agent"] == "revolution-hub"


def test_what_the_caller_wrote_arrives(way: Any) -> None:
    server = way.serve()
    files = {"file": ("ä.txt", b"content", "text/plain")}
    client = way.client(server)
    client.post("/up?a=1&a=2", files=files)
    client.put("/form", data={"a": "ü&b"})
    assert server.requests[0].target == "/up?a=1&a=2"
    assert b'filename="' in server.requests[0].body
    assert server.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert server.requests[1].body == b"a=%C3%BC%26b"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", "identity"])
def test_a_compressed_answer_is_decoded_and_says_it_is_plain(way: Any, reply: Any, encoding: str) -> None:
    text = b'{"a":"' + b"x" * 5000 + b'"}'
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text)}.get(encoding.lower(), text)
    server = way.serve(reply(packed, 200, {"Content-Encoding": encoding, "Content-Type": "application/json"}))
    answer = way.client(server).get("/x")
    assert answer.content == text
    assert answer.json() == {"a": "x" * 5000}
    assert "content-encoding" not in answer.headers
    assert server.requests[0].headers["accept-encoding"] == "gzip"


def test_the_answer_to_head_keeps_its_headers(way: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nContent-Encoding: gzip\r\n\r\n"
    server = way.serve(head)
    client = way.client(server, limit_bytes=10)
    for _ in range(2):
        answer = client.head("/x")
        assert (answer.headers["content-length"], answer.content) == ("12345", b"")
    assert server.connections == 1


def test_an_answer_knows_how_long_it_took(way: Any) -> None:
    client = way.client(way.serve())
    assert 0 < client.get("/x").elapsed.total_seconds() < 5


def test_a_streaming_connector_reads_the_same_bytes(way: Any, reply: Any) -> None:
    body = b"data: 1\n\ndata: 2\n\n"
    server = way.serve(reply(body, 200, {"Content-Type": "text/event-stream"}))
    with way.client(server).stream("GET", "/x") as answer:
        assert [line for line in answer.iter_lines() if line] == ["data: 1", "data: 2"]


def test_an_answer_that_ends_with_the_connection_is_read(way: Any) -> None:
    def handle(link: Any, request: Any) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        link.close()

    assert way.client(way.serve(handle)).get("/x").text == "all of it"


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """300 MB of nothing, packed by gzip into 300 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    nothing = bytes(1_000_000)
    return b"".join(packer.compress(nothing) for _ in range(300)) + packer.flush()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_gzip_bomb_stops_at_the_limit_and_costs_little_memory(
    way: Any, reply: Any, bomb: bytes, method: str
) -> None:
    client = way.client(way.serve(reply(bomb, 200, {"Content-Encoding": "gzip"})))
    tracemalloc.start()
    try:
        with pytest.raises(RejectedError if method == "GET" else UnknownOutcomeError) as refused:
            client.request(method, "/x")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.code == "answer_too_large"
    assert peak_bytes < 30_000_000


def test_garbage_behind_a_gzip_stream_counts_against_the_limit(way: Any, reply: Any) -> None:
    body = gzip.compress(b"{}") + bytes(2_000_000)
    server = way.serve(reply(body, 200, {"Content-Encoding": "gzip"}))
    with pytest.raises(RejectedError) as refused:
        way.client(server, limit_bytes=1_000_000).get("/x")
    assert refused.value.code == "answer_too_large"


def test_an_endless_answer_stops_at_the_limit(way: Any) -> None:
    def handle(link: Any, request: Any) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            link.sendall(b"8000\r\n" + bytes(0x8000) + b"\r\n")

    with pytest.raises(RejectedError) as refused:
        way.client(way.serve(handle)).get("/x")
    assert refused.value.code == "answer_too_large"


def test_tls_verifies_the_name_asked_for_not_the_address(way: Any, certificates: Any) -> None:
    server = way.serve(tls=certificates.server("api.acme.test"))
    pool = way.pool(
        tls=certificates.trust(),
        allow=frozenset({("api.acme.test", server.port), ("other.acme.test", server.port)}),
        resolve=lambda *_: ["127.0.0.1"],
    )
    assert way.client(f"https://api.acme.test:{server.port}", pool=pool).get("/x").status_code == 200
    with pytest.raises(RetryableError) as failed:
        way.client(f"https://other.acme.test:{server.port}", pool=pool).post("/x")
    assert failed.value.code == "unreachable"
    assert len(server.requests) == 1


@pytest.mark.parametrize("flaw", ["expired", "unknown authority"])
def test_a_bad_certificate_means_nothing_is_sent(way: Any, certificates: Any, flaw: str) -> None:
    server = way.serve(tls=certificates.server("api.acme.test", expired=flaw == "expired"))
    trust = certificates.trust() if flaw == "expired" else None
    allow = frozenset({("api.acme.test", server.port)})
    pool = way.pool(tls=trust, allow=allow, resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(RetryableError) as failed:
        way.client(f"https://api.acme.test:{server.port}", pool=pool).post("/x", json={"secret": 1})
    assert failed.value.code == "unreachable"
    assert server.requests == []


def test_the_environment_cannot_name_an_authority(
    way: Any, certificates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = way.serve(tls=certificates.server("api.acme.test"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.root_file()))
    allow = frozenset({("api.acme.test", server.port)})
    pool = way.pool(tls=None, allow=allow, resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(RetryableError):
        way.client(f"https://api.acme.test:{server.port}", pool=pool).get("/x")
    assert server.requests == []
