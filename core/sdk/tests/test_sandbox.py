"""The sandbox kit over real HTTP: operations, tokens, the log, and bad days on demand."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from revolution_sdk.sandbox import Answer, Call, RunningSandbox, Sandbox, Tokens, run_sandbox


def ask(running: RunningSandbox, method: str, path: str, **options: Any) -> httpx2.Response:
    return httpx2.request(method, running.url + path, trust_env=False, timeout=5, **options)


def token(running: RunningSandbox) -> str:
    answer = ask(running, "POST", "/oauth/token", data={"refresh_token": "grant"})
    return str(answer.json()["access_token"])


def create(running: RunningSandbox, bearer: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {bearer}"}
    return ask(running, "POST", "/v1/contacts", json={"email": "a@example.com"}, headers=headers)


def arm(running: RunningSandbox, **fault: object) -> httpx2.Response:
    return ask(running, "POST", "/_sandbox/faults", json=fault)


def test_it_answers_where_it_says(running: RunningSandbox) -> None:
    assert running.url.startswith("http://127.0.0.1:")
    assert running.host == running.url.removeprefix("http://")
    assert running.base_url == running.url + "/v1"


def test_an_operation_answers_with_status_headers_and_json(running: RunningSandbox) -> None:
    answer = create(running, token(running))
    assert (answer.status_code, answer.headers["x-kept"]) == (201, "yes")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["email"] == "a@example.com"


def test_each_sandbox_has_a_state_of_its_own(make_box: Callable[[], Sandbox]) -> None:
    with run_sandbox(make_box()) as one, run_sandbox(make_box()) as other:
        create(one, token(one))
        assert len(ask(one, "GET", "/_sandbox/contacts").json()) == 1
        assert ask(other, "GET", "/_sandbox/contacts").json() == []


def test_a_call_without_its_token_is_refused(running: RunningSandbox) -> None:
    assert create(running, "made-up").status_code == 401
    assert ask(running, "POST", "/v1/contacts", json={}).status_code == 401


def test_the_log_knows_what_was_asked_and_answered_but_no_token(running: RunningSandbox) -> None:
    bearer = token(running)
    create(running, bearer)
    calls = ask(running, "GET", "/_sandbox/calls?operation=create_contact").json()
    assert calls == [
        {
            "operation": "create_contact",
            "method": "POST",
            "path": "/v1/contacts",
            "query": {},
            "body": {"email": "a@example.com"},
            "status": 201,
        }
    ]
    assert bearer not in ask(running, "GET", "/_sandbox/calls").text
    assert len(running.sandbox.calls()) == 2
    assert ask(running, "DELETE", "/_sandbox/calls").status_code == 204
    assert running.sandbox.calls() == []


def test_an_injected_status_does_nothing_and_speaks_the_providers_way(running: RunningSandbox) -> None:
    bearer = token(running)
    assert (
        arm(running, operation="create_contact", kind="status", status=429, retry_after_s=7).status_code
        == 204
    )
    answer = create(running, bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == {"error": {"status": 429}}
    assert ask(running, "GET", "/_sandbox/contacts").json() == []
    assert create(running, bearer).status_code == 201


def test_a_withheld_answer_leaves_the_work_done(running: RunningSandbox) -> None:
    bearer = token(running)
    arm(running, operation="create_contact", kind="withhold")
    answer = create(running, bearer)
    assert (answer.status_code, answer.json()) == (503, {"error": {"status": 503}})
    assert "retry-after" not in answer.headers
    assert len(ask(running, "GET", "/_sandbox/contacts").json()) == 1
    assert [one.status for one in running.sandbox.calls("create_contact")] == [503]


def test_a_slow_answer_is_late_and_right(running: RunningSandbox) -> None:
    bearer = token(running)
    arm(running, operation="create_contact", kind="slow", seconds=0.2)
    begun_s = time.monotonic()
    assert create(running, bearer).status_code == 201
    assert time.monotonic() - begun_s >= 0.2


def test_controls_never_misbehave_and_are_never_logged(running: RunningSandbox) -> None:
    arm(running, operation="*", kind="status")
    assert ask(running, "GET", "/_sandbox/contacts").status_code == 200
    assert running.sandbox.calls() == []
    assert ask(running, "DELETE", "/_sandbox/faults").status_code == 204
    assert ask(running, "POST", "/oauth/token", data={"refresh_token": "grant"}).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"null", b"not json", b'{"operation": "x", "kind": "no"}'])
def test_a_fault_that_cannot_be_is_refused_with_the_reason(running: RunningSandbox, body: bytes) -> None:
    answer = ask(running, "POST", "/_sandbox/faults", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_what_is_not_served_is_not_found(running: RunningSandbox) -> None:
    assert ask(running, "GET", "/v1/deals").status_code == 404
    assert ask(running, "GET", "/v1/contacts").status_code == 405


def test_a_taken_port_is_told(make_box: Callable[[], Sandbox]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(OSError, match="in use"), run_sandbox(make_box(), port=holder.getsockname()[1]):
            pass


def test_it_is_gone_when_the_block_ends(make_box: Callable[[], Sandbox]) -> None:
    with run_sandbox(make_box()) as running:
        token(running)
    with pytest.raises(httpx2.ConnectError):
        token(running)


def test_the_application_may_be_wrapped(make_box: Callable[[], Sandbox]) -> None:
    seen = []

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["path"])
            await app(scope, receive, send)

        return wrapped

    with run_sandbox(make_box(), around=around) as running:
        token(running)
    assert seen == ["/oauth/token"]


def test_a_call_reads_its_body_and_its_bearer() -> None:
    def call(body: bytes = b"", authorization: str = "") -> Call:
        headers = {"authorization": authorization} if authorization else {}
        return Call(operation="o", method="POST", path="/", params={}, query={}, headers=headers, body=body)

    assert call(b'{"a": [1]}').json() == {"a": [1]}
    assert call(b"\xff").json() is None
    assert call(b"a=1&b=&a=2%20").form() == {"a": "2 ", "b": ""}
    assert call(authorization="bearer abc").bearer() == "abc"
    assert call(authorization="Basic abc").bearer() == ""
    assert call().bearer() == ""


def test_an_answer_is_json_in_utf_8_or_nothing() -> None:
    assert Answer(body={"name": "Zoë"}).encoded() == '{"name": "Zoë"}'.encode()
    assert Answer(status=204).encoded() == b""


def test_a_token_belongs_to_one_account_until_it_expires() -> None:
    tokens = Tokens(lifetime_s=3600)
    one, other = tokens.mint("a1"), tokens.mint("a2")
    assert (tokens.account_of(one), tokens.account_of(other)) == ("a1", "a2")
    assert tokens.account_of("made-up") is None
    tokens.expire_all()
    assert tokens.account_of(one) is None


def test_a_token_expires_by_itself() -> None:
    tokens = Tokens(lifetime_s=0)
    assert tokens.account_of(tokens.mint("a1")) is None
