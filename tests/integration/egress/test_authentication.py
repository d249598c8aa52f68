"""Authentication is put on the wire and nowhere else."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from revolution_hub.egress.client import Egress, token_client
from revolution_sdk.connector import Connector
from revolution_sdk.errors import ConnectorError, CredentialError, RetryableError

TOKEN = "canary-token-5150"
FRESH = "canary-token-fresh"

KEYED = Connector("keyed", title="Keyed", base_url="https://api.keyed.com")


def by_token(reply: Any, good: str, bad: int = 401) -> Any:
    """Make a handler that accepts one token and answers `bad` to any other, echoing what it got."""

    def handle(link: Any, request: Any) -> None:
        sent = request.headers.get("authorization", "")
        fine = sent == f"Bearer {good}"
        link.sendall(reply(b'{"ok":1}') if fine else reply(sent.encode(), bad, {"X-Echo": sent}))

    return handle


def shown(error: BaseException) -> Iterator[str]:
    """Everything a log, a crash report or a debugger would show of an error, local variables included."""
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    seen: BaseException | None = error
    while seen is not None:
        yield f"{seen} {seen!r} {seen.args} {getattr(seen, 'details', '')}"
        trace = seen.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename != __file__:
                yield repr(trace.tb_frame.f_locals)
            trace = trace.tb_next
        seen = seen.__cause__ or seen.__context__


def test_the_token_is_on_the_wire_and_not_on_any_object(way: Any, wallet: Any) -> None:
    server = way.serve()
    client = way.client(server, authorize=wallet(TOKEN))
    answer = client.post("/x", json={"a": 1}, headers={"X-Own": "kept"})
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert server.requests[0].headers["x-own"] == "kept"
    objects = [
        answer.request.headers,
        answer.headers,
        answer.extensions,
        answer.request.extensions,
        vars(answer),
    ]
    assert TOKEN not in repr([dict(one) for one in objects])
    assert str(answer.request.url) == "https://api.acme.com/v1/x"


def test_a_prepared_request_comes_back_unchanged(way: Any, wallet: Any) -> None:
    client = way.client(way.serve(), authorize=wallet(TOKEN))
    request = client.build_request("POST", "/x", json={"a": 1})
    before = (str(request.url), request.headers.raw, request.content)
    answer = client.send(request)
    assert answer.request is request
    assert (str(request.url), request.headers.raw, request.content) == before


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_callers_own_authorization_is_replaced(way: Any, wallet: Any, name: str) -> None:
    server = way.serve()
    way.client(server, authorize=wallet(TOKEN)).get("/x", headers={name: "Bearer added-on-the-wire"})
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert server.requests[0].names.count("authorization") == 1


def test_credentials_of_the_auth_argument_do_not_win(way: Any, wallet: Any) -> None:
    server = way.serve()
    way.client(server, authorize=wallet(TOKEN)).get("/x", auth=("user", "password"))
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_key_may_have_its_own_header_and_then_no_other_authorization_goes_out(
    way: Any, wallet: Any
) -> None:
    server = way.serve()
    key = wallet("k-1", header="X-Api-Key", prefix="")
    client = way.client(server, authorize=key, connector=KEYED)
    client.get("/x", headers={"x-api-key": "mine", "authorization": "Bearer mine"})
    assert server.requests[0].headers["x-api-key"] == "k-1"
    assert server.requests[0].names.count("x-api-key") == 1
    assert "authorization" not in server.requests[0].headers


def test_a_refused_token_is_refreshed_once_and_the_request_repeated_once(
    way: Any, wallet: Any, reply: Any
) -> None:
    server = way.serve(by_token(reply, FRESH))
    tokens = wallet("stale", FRESH)
    answer = way.client(server, authorize=tokens).post("/x", json={"a": 1})
    assert answer.json() == {"ok": 1}
    assert tokens.refreshed == 1
    assert [one.headers["authorization"] for one in server.requests] == ["Bearer stale", f"Bearer {FRESH}"]
    assert [one.body for one in server.requests] == [b'{"a":1}', b'{"a":1}']


def test_a_streamed_body_is_repeated_whole(way: Any, wallet: Any, reply: Any) -> None:
    server = way.serve(by_token(reply, FRESH))
    way.client(server, authorize=wallet("stale", FRESH)).post("/x", content=iter([b"one", b"two"]))
    assert [one.body for one in server.requests] == [b"onetwo", b"onetwo"]
    assert "transfer-encoding" not in server.requests[0].headers


def test_a_second_refusal_is_a_credential_error(way: Any, wallet: Any, reply: Any) -> None:
    server = way.serve(by_token(reply, "none"))
    tokens = wallet("stale", FRESH, "third")
    with pytest.raises(CredentialError) as refused:
        way.client(server, authorize=tokens).get("/x")
    assert refused.value.code == "credential_refused"
    assert (tokens.refreshed, len(server.requests)) == (1, 2)


def test_without_a_new_token_there_is_no_repeat(way: Any, wallet: Any, reply: Any) -> None:
    server = way.serve(by_token(reply, "none"))
    tokens = wallet(TOKEN)
    with pytest.raises(CredentialError):
        way.client(server, authorize=tokens).post("/x")
    assert (tokens.refreshed, len(server.requests)) == (1, 1)


def test_trouble_while_refreshing_is_told_as_it_is(way: Any, wallet: Any, reply: Any) -> None:
    class Busy(wallet):  # type: ignore[misc]
        def refresh(self) -> bool:
            raise RetryableError("busy", code="refresh_busy")

    with pytest.raises(RetryableError) as failed:
        way.client(way.serve(by_token(reply, "none")), authorize=Busy(TOKEN)).post("/x")
    assert failed.value.code == "refresh_busy"


@pytest.mark.parametrize("status", [401, 500, 503])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_error_shows_the_token_even_if_the_provider_echoes_it(
    way: Any, wallet: Any, reply: Any, status: int, method: str
) -> None:
    client = way.client(way.serve(by_token(reply, "none", status)), authorize=wallet(TOKEN, TOKEN))
    with pytest.raises(ConnectorError) as failed:
        client.request(method, "/x")
    assert not any(TOKEN in text for text in shown(failed.value))


@pytest.mark.parametrize("trouble", ["refused", "hang up", "late", "too large", "garbage", "blocked"])
def test_no_broken_exchange_shows_the_token(way: Any, wallet: Any, reply: Any, trouble: str) -> None:
    def handle(link: Any, request: Any) -> None:
        said = request.headers["authorization"].encode()
        if trouble == "too large":
            link.sendall(reply(said * 1000))
        elif trouble == "garbage":
            link.sendall(b"HTTP/1.1 " + said + b"\r\n\r\n")
        elif trouble != "late":
            link.close()

    server = way.serve(handle)
    pool = way.pool() if trouble == "blocked" else way.pool(server)
    if trouble == "refused":
        server.stop()
    client = way.client(server, pool=pool, seconds=0.3, authorize=wallet(TOKEN), limit_bytes=1000)
    with pytest.raises(ConnectorError) as failed:
        client.post("/x", json={})
    assert not any(TOKEN in text for text in shown(failed.value))


def test_tracing_shows_a_connector_nothing_of_the_wire(way: Any, wallet: Any) -> None:
    seen: list[str] = []
    client = way.client(way.serve(), authorize=wallet(TOKEN))
    answer = client.get("/x", extensions={"trace": lambda name, info: seen.append(repr(info))})
    assert seen == []
    assert "network_stream" not in answer.extensions


def test_nothing_is_logged_with_the_token(way: Any, wallet: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        way.client(way.serve(), authorize=wallet(TOKEN)).get("/x")
    assert "HTTP Request: GET https://api.acme.com/v1/x" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "smart “quotes”", "tökén"])
def test_a_credential_no_header_can_hold_is_never_sent(way: Any, wallet: Any, token: str) -> None:
    server = way.serve()
    with pytest.raises(CredentialError) as refused:
        way.client(server, authorize=wallet(token)).get("/x")
    assert refused.value.code == "credential_unusable"
    assert server.connections == 0
    assert not any(token in text for text in shown(refused.value))


def test_a_key_pasted_with_a_line_break_behind_it_works(way: Any, wallet: Any) -> None:
    server = way.serve()
    way.client(server, authorize=wallet("k-1\n")).get("/x")
    assert server.requests[0].headers["authorization"] == "Bearer k-1"


def test_the_token_client_sends_no_authentication_and_hands_refusals_over(way: Any, reply: Any) -> None:
    server = way.serve(reply(b'{"error":"invalid_client"}', 401))
    connector = Connector("acme", title="Acme", base_url="https://api.acme.com", hosts=("id.acme.com",))
    with token_client(connector, pool=way.pool(server), base_url=server.url) as client:
        answer = client.post("https://id.acme.com/token", data={"grant_type": "refresh_token"})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert server.requests[0].target == "/token"
    assert "authorization" not in server.requests[0].headers


def test_egress_hands_out_both_clients_on_one_pool(way: Any, wallet: Any, reply: Any) -> None:
    server = way.serve()
    egress = Egress(way.pool(server))
    egress.guard.check_url(httpx2.URL(server.url))
    deadline, now = way.soon()
    with egress.client(KEYED, server.url, wallet(TOKEN), deadline, now) as client:
        client.get("/x")
    with egress.token_client(KEYED, server.url) as client:
        client.post("https://api.keyed.com/token")
    assert [one.target for one in server.requests] == ["/x", "/token"]
    assert server.connections == 1
    egress.close()
