"""The guard over real sockets: what is not allowed is never connected to."""

import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from revolution_hub.egress.backend import GuardedBackend
from revolution_hub.egress.guard import Guard
from revolution_sdk.errors import RejectedError, RetryableError


def refusal(act: Callable[[], object]) -> RejectedError:
    with pytest.raises(RejectedError) as refused:
        act()
    return refused.value


def test_loopback_is_blocked_by_default_and_sees_no_connection(way: Any) -> None:
    server = way.serve()
    for base_url in [server.url, f"https://127.0.0.1:{server.port}"]:
        client = way.client(base_url, pool=way.pool())
        assert refusal(lambda client=client: client.get("/x")).code == "address_blocked"
    assert server.connections == 0


def test_the_allow_list_lets_one_port_through_and_not_its_neighbor(way: Any) -> None:
    server, neighbor = way.serve(), way.serve()
    pool = way.pool(server)
    assert way.client(server, pool=pool).get("/x").status_code == 200
    assert refusal(lambda: way.client(neighbor, pool=pool).get("/x")).code == "address_blocked"
    assert (server.connections, neighbor.connections) == (1, 0)


@pytest.mark.parametrize(
    "spelling", ["localhost", "127.1", "0x7f.1", "2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_loopback_gets_through(way: Any, spelling: str) -> None:
    server = way.serve()
    client = way.client(f"https://{spelling}:{server.port}")
    assert refusal(lambda: client.get("/x")).code == "address_blocked"
    assert server.connections == 0


def test_an_undeclared_host_is_refused_before_any_look_up(way: Any) -> None:
    server = way.serve()
    asked: list[str] = []

    def resolve(host: str, port: int, limit_s: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    client = way.client(server, pool=way.pool(server, resolve=resolve))
    for url in ["https://evil.com/x", "https://api.acme.com@evil.com/x", "http://127.0.0.1:1/x"]:
        assert refusal(lambda url=url: client.get(url)).code == "host_not_allowed"
    assert (asked, server.connections) == ([], 0)


def test_declared_hosts_go_to_the_connections_own_address(way: Any) -> None:
    server = way.serve()
    client = way.client(server.url + "/base", pool=way.pool(server))
    for url in [
        "/contacts?a=1",
        "https://api.acme.com/v1/x",
        "https://up.acme.com/put",
        server.url + "/next",
    ]:
        assert client.get(url).status_code == 200
    targets = [one.target for one in server.requests]
    assert targets == ["/base/contacts?a=1", "/base/x", "/put", "/next"]
    assert {one.headers["host"] for one in server.requests} == {f"127.0.0.1:{server.port}"}


def test_without_a_base_url_a_private_answer_for_a_declared_host_is_blocked(way: Any) -> None:
    server = way.serve()
    client = way.client("", pool=way.pool(resolve=lambda *_: ["127.0.0.1"]))
    assert refusal(lambda: client.get("/x")).code == "address_blocked"
    assert server.connections == 0


def test_rebinding_between_check_and_connect_is_impossible(way: Any) -> None:
    """The first answer is let through, a second one would lead to the victim; there is no second question."""
    host, victim = way.serve(), way.serve()
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    def resolve(name: str, port: int, limit_s: float) -> list[str]:
        return answers.pop(0)

    pool = way.pool(allow=frozenset({("api.acme.test", host.port)}), resolve=resolve)
    assert way.client(f"http://api.acme.test:{host.port}", pool=pool).get("/x").status_code == 200
    assert len(answers) == 1
    assert victim.connections == 0


def test_a_reused_connection_is_not_resolved_again_and_a_new_one_is(way: Any) -> None:
    server = way.serve()
    asked: list[str] = []

    def resolve(host: str, port: int, limit_s: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    pool = way.pool(allow=frozenset({("api.acme.test", server.port)}), resolve=resolve)
    for _ in range(3):
        way.client(f"http://api.acme.test:{server.port}", pool=pool).get("/x")
    assert asked == ["api.acme.test"]
    assert server.connections == 1


def test_the_next_address_is_tried_when_the_first_is_silent(way: Any) -> None:
    server = way.serve()
    pool = way.pool(
        allow=frozenset({("api.acme.test", server.port)}), resolve=lambda *_: ["127.0.0.9", "127.0.0.1"]
    )
    assert way.client(f"http://api.acme.test:{server.port}", pool=pool).get("/x").status_code == 200


def test_a_name_that_does_not_resolve_is_unreachable_even_for_a_write(way: Any) -> None:
    def resolve(host: str, port: int, limit_s: float) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(RetryableError) as failed:
        way.client("", pool=way.pool(resolve=resolve)).post("/x", json={})
    assert failed.value.code == "unreachable"
    assert "known" not in failed.value.message


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_proxies_of_the_environment_are_ignored(
    way: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy, server = way.serve(), way.serve()
    monkeypatch.setenv(variable, proxy.url)
    assert way.client(server).get("/x").status_code == 200
    assert proxy.connections == 0


def test_redirects_are_handed_over_and_not_followed(way: Any, reply: Any) -> None:
    victim = way.serve()
    server = way.serve(reply(b"", 302, {"Location": f"{victim.url}/secret"}))
    answer = way.client(server).get("/x")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{victim.url}/secret")
    assert (len(server.requests), victim.connections) == (1, 0)


def test_a_connector_that_follows_redirects_meets_the_guard_at_each(way: Any, reply: Any) -> None:
    victim = way.serve()
    server = way.serve(reply(b"", 302, {"Location": f"{victim.url}/secret"}))
    client = way.client(server, pool=way.pool(server, victim))
    assert refusal(lambda: client.get("/x", follow_redirects=True)).code == "host_not_allowed"
    assert victim.connections == 0


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "//169.254.169.254/x"])
def test_a_redirect_to_something_odd_leads_nowhere(way: Any, reply: Any, location: str) -> None:
    server = way.serve(reply(b"", 302, {"Location": location}))
    with pytest.raises(RejectedError):
        way.client(server).get("/x", follow_redirects=True)
    assert len(server.requests) == 1


def test_a_chain_of_redirects_ends(way: Any, reply: Any) -> None:
    server = way.serve(reply(b"", 302, {"Location": "/again"}))
    with pytest.raises(httpx2.TooManyRedirects):
        way.client(server).get("/x", follow_redirects=True)
    assert len(server.requests) == 6


def test_unix_sockets_are_out_of_reach() -> None:
    with pytest.raises(Exception, match="unix sockets"):
        GuardedBackend(Guard()).connect_unix_socket("/run/docker.sock")
