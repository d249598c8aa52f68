"""Attack rows W12 and W14 of the security design: what is answered to whom, and what templates see of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.door import Door, opened, refused


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Door]:
    """The door of a hub that has a folder for files."""
    with opened(bench, database, tmp_path) as made:
        yield made


SAY = {"id": "say", "respond": {"body": "{{ trigger.data }}"}}


def said(door: Door, **respond: Any) -> Any:
    at = door.open({"id": "say", "respond": respond}, auth="none", answer="result")
    data = {"x": "<script>alert(1)</script>", "evil": "//evil.test\r\nSet-Cookie: a=b", "n": 25}
    return at.send(json.dumps(data).encode())


def test_w12_an_answer_is_nothing_a_browser_would_run(door: Door) -> None:
    page = said(door, headers={"Content-Type": "text/html"}, body="{{ trigger.data.x }}")
    assert page.text == "<script>alert(1)</script>"
    assert page.headers["content-type"].startswith("text/html")
    for answer in (page, said(door, body="{{ trigger.data.x }}"), said(door, status=204)):
        assert answer.headers["content-security-policy"] == "sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
    assert said(door, status=204).content == b""
    found = said(door, status=302, headers={"Location": "https://example.com/{{ trigger.data.n }}"})
    assert (found.status_code, found.headers["location"]) == (302, "https://example.com/25")


@pytest.mark.parametrize(
    "name",
    [
        "Set-Cookie",
        "Access-Control-Allow-Origin",
        "Content-Security-Policy",
        "X-Accel-Redirect",
        "Connection",
    ],
)
def test_w12_a_header_that_is_not_listed_cannot_be_published(name: str, owner: Any) -> None:
    document = {"name": "w", "on": ["webhook"], "steps": [{"respond": {"headers": {name: "x"}}}]}
    answer = owner.call("POST", "/api/workflows", {"document": document})
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["problems"]] == [f"steps[0].respond.headers.{name}"]


@pytest.mark.parametrize(
    "location",
    [
        "/there",
        "//evil.test/",
        "/\\evil.test",
        "{{ trigger.data.x }}",
        "https://{{ trigger.data.x }}/",
        "https://example.com{{ trigger.data.x }}",
        "https://example.com@evil.test/",
        "https:evil.test",
        "javascript:alert(1)",
        " https://example.com/",
    ],
)
def test_w12_no_data_decides_where_a_location_leads(location: str, owner: Any) -> None:
    step = {"respond": {"status": 302, "headers": {"location": location}}}
    document = {"name": "w", "on": ["webhook"], "steps": [step]}
    assert owner.call("POST", "/api/workflows", {"document": document}).status_code == 422


def test_w12_a_header_with_a_line_break_fails_the_step_and_is_never_sent(door: Door) -> None:
    for name in ("ETag", "Content-Type"):
        answer = said(door, headers={name: "{{ trigger.data.evil }}"}, body=1)
        assert answer.status_code == 502
        assert "set-cookie" not in answer.headers
    answer = said(door, status=302, headers={"Location": "https://example.com/{{ trigger.data.evil }}"})
    assert answer.status_code == 502


def test_w14_only_what_is_declared_starts_anything(door: Door) -> None:
    at = door.open(auth="none")
    for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECTX"):
        answer = at.send(b"{}", method=method, x_http_method_override="POST")
        assert answer.status_code == 405, method
        assert "POST" in answer.headers["allow"]
    assert at.send(b"{}", method="GET", query="?_method=POST").status_code == 405
    assert door.bench.counts() == [0, 0, 0, 0]
    assert at.send(b"{}", x_http_method_override="DELETE").status_code == 202


def test_w14_a_declared_get_starts_and_shows_its_query(door: Door) -> None:
    at = door.open(auth="none", methods=["GET", "PUT"])
    answer = at.send(b"", method="POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")
    seen = at.seen(at.send(b"", method="GET", query="?a=1&b=2&b=%00&c=%ff", content_type="-"))
    assert seen["data"] == {}
    assert seen["request"] == {
        "method": "GET",
        "query": {"a": "1", "b": ["2", "\ufffd"], "c": "\ufffd"},
        "headers": {},
        "content_type": "application/json",
    }


def test_templates_see_the_request_without_its_secrets(door: Door) -> None:
    at = door.open(auth={"api_key": {}}, headers=["X-Tenant"])
    headers = {"x_api_key": at.secret, "x_tenant": "blue", "x_github_event": "push", "x_other": "no"}
    seen = at.seen(at.send(b'{"n": 1}', query="?n=1", **headers))
    assert seen["request"]["headers"] == {"x-tenant": "blue", "x-github-event": "push"}
    assert at.secret not in json.dumps(seen)


def test_a_plain_request_is_not_written_down_and_seen_all_the_same(door: Door) -> None:
    at = door.open(auth="none")
    answer = at.send(b'{"n": 1}')
    assert at.seen(answer)["request"]["method"] == "POST"
    assert "request" not in door.bench.look(answer.json()["execution_id"]).execution.trigger


def test_a_body_above_the_triggers_own_limit_is_413(door: Door) -> None:
    at = door.open(auth="none", max_bytes=10)
    assert refused(at.send(b'"' + b"a" * 9 + b'"'), 413, "body_too_large")
    assert at.send(b'"' + b"a" * 8 + b'"').status_code == 202


def test_a_result_that_is_late_becomes_202(door: Door) -> None:
    waits = {"id": "wait", "wait": {"for": "1h"}}
    at = door.open(waits, SAY, auth="none", answer="result", deadline=1)
    answer = at.send(b"{}")
    assert answer.status_code == 202
    assert answer.json().keys() == {"event_id", "execution_id"}
