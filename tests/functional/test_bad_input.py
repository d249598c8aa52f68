"""Bad input gets a clear answer with the path of the fault, and nothing is lost or leaked."""

import json
from typing import Any

import httpx2
import pytest

STEP = {"id": "one", "set": {"a": 1}}


def _problems(answer: httpx2.Response) -> dict[str, str]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body.keys() == {"type", "title", "status", "detail", "code", "path", "problems", "request_id"}
    assert body["status"] == answer.status_code
    return {one["path"]: one["code"] for one in body["problems"]}


def test_a_workflow_with_many_faults_is_422_with_every_problem_and_its_path(
    shared_hub: Any, shared_team: Any
) -> None:
    document = {
        "name": "faulty",
        "on": [{"event": "crm.contact.creatd"}, {"event": "crm.contact.created", "connection": "nobody"}],
        "steps": [
            {"id": "a", "uses": "hubspot.get_contakt", "with": {}},
            {
                "id": "b",
                "uses": "google.send_email",
                "connection": "nobody",
                "with": {"to": "x", "subjekt": "y"},
            },
            {"id": "c", "set": {"x": "{{ steps.zzz.id }}", "y": "{{ 1 + }}"}},
        ],
    }
    answer = shared_hub.call("POST", "/api/workflows", {"document": document}, key=shared_team.key)
    assert answer.status_code == 422
    found = _problems(answer)
    assert found["on[0].event"] == "unknown_event"
    assert found["on[1].connection"] == "unknown_connection"
    assert found["steps[0].uses"] == "unknown_action"
    assert found["steps[1].connection"] == "unknown_connection"
    assert found["steps[1].with.subjekt"] == "unknown_input"
    assert found["steps[1].with"] == "missing_input"
    assert found["steps[2].set.y"] == "template_invalid"
    assert "did you mean 'hubspot.get_contact'" in answer.text


def test_unknown_words_and_unknown_names_are_told_together(shared_hub: Any, shared_team: Any) -> None:
    odd = {"uses": "nobody.do_this", "with": {}}
    document = {"name": "words", "stepz": [], "steps": [{**STEP, "wehn": "x"}, {"parallel": {}}, odd]}
    answer = shared_hub.call("POST", "/api/workflows", {"document": document}, key=shared_team.key)
    assert answer.status_code == 422
    found = _problems(answer)
    assert {"stepz", "steps[0].wehn", "steps[1].parallel", "steps[2].uses"} <= set(found)


HOSTILE_JSON = {
    "no json": b"{",
    "empty": b"",
    "nan": b'{"document": NaN}',
    "infinite": b'{"document": 1e999}',
    "deep": b'{"document": ' + b"[" * 50_000,
    "long integer": b'{"document": ' + b"9" * 5000 + b"}",
    "nul": b'{"document": {"name": "\\u0000"}}',
    "lone surrogate": b'{"document": {"name": "\\ud800"}}',
    "duplicate names": b'{"document": {}, "document": {}}',
    "latin-1": b'{"document": "\xe9"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "null": b"null",
    "unknown member": b'{"document": {}, "tenant_id": "ten_other"}',
    "wrong type": b'{"document": "text"}',
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
@pytest.mark.parametrize(
    "path",
    [
        "/api/workflows",
        "/api/integrations/hubspot/connections",
        "/api/integrations/hubspot/actions/get_contact",
        "/api/workflow-executions/exe_x/steps/a/resolve",
    ],
)
def test_hostile_json_is_a_problem_and_never_500(
    shared_hub: Any, shared_team: Any, path: str, name: str
) -> None:
    answer = httpx2.post(
        shared_hub.url + path,
        content=HOSTILE_JSON[name],
        headers={"authorization": f"Bearer {shared_team.key}", "content-type": "application/json"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 422, answer.text
    _problems(answer)


def test_another_content_type_is_415_and_a_large_body_413(shared_hub: Any, shared_team: Any) -> None:
    text = shared_hub.call(
        "POST",
        "/api/workflows",
        key=shared_team.key,
        content=b"{}",
        headers={"content-type": "text/plain"},
    )
    assert (text.status_code, text.json()["code"]) == (415, "content_type")
    large = shared_hub.call(
        "POST", "/api/workflows", {"document": {"x": "y" * 1_100_000}}, key=shared_team.key
    )
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


def test_nobody_unknown_gets_past_the_door(shared_hub: Any) -> None:
    for key in ("", "nonsense", "rev_" + "x" * 43):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = httpx2.post(
            f"{shared_hub.url}/api/workflows", content=b"{", headers=headers, timeout=60, trust_env=False
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_what_belongs_to_another_tenant_is_404_everywhere(
    shared_hub: Any, shared_team: Any, fresh_team: Any
) -> None:
    execution_id = shared_team.start({"name": "mine", "steps": [STEP]})
    workflow = shared_team.ask("GET", "/api/workflows?name=mine")["items"][0]
    connection = shared_team.ask("GET", "/api/integrations/google/connections")["items"][0]
    foreign = [
        ("GET", f"/api/workflow-executions/{execution_id}", None),
        ("POST", f"/api/workflow-executions/{execution_id}/cancel", None),
        ("POST", f"/api/workflow-executions/{execution_id}/steps/one/resolve", {"outcome": "did_not_happen"}),
        ("GET", f"/api/workflows/{workflow['id']}", None),
        ("DELETE", f"/api/workflows/{workflow['id']}", None),
        ("POST", f"/api/workflows/{workflow['id']}/publish", None),
        ("POST", f"/api/workflows/{workflow['id']}/execute", {"data": {}}),
        ("GET", f"/api/integrations/google/connections/{connection['id']}", None),
        ("DELETE", f"/api/integrations/google/connections/{connection['id']}", None),
        (
            "POST",
            "/api/integrations/google/connections",
            {"name": "x", "credential": {"refresh_token": "sandbox-x"}, "app": connection["app"]},
        ),
    ]
    for method, path, body in foreign:
        answer = shared_hub.call(method, path, body, key=fresh_team.key)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert shared_team.ask("GET", f"/api/workflows/{workflow['id']}")["revision"] == workflow["revision"]


def test_a_tenants_owner_cannot_make_tenants_or_shared_apps(shared_hub: Any, shared_team: Any) -> None:
    body = {"client_id": "x", "client_secret": "y", "shared": True}
    for path, sent in (("/api/tenants", {"name": "x"}), ("/api/integrations/hubspot/apps", body)):
        answer = shared_hub.call("POST", path, sent, key=shared_team.key)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_credential_goes_in_and_never_comes_out(shared_hub: Any, shared_team: Any) -> None:
    refused = shared_hub.call(
        "POST",
        "/api/integrations/ai/connections",
        {"name": "odd", "credential": {"api_key": 7, "canary-9f2": "canary-9f2"}},
        key=shared_team.key,
    )
    assert refused.status_code == 422
    assert "canary-9f2" not in refused.text
    for name in ("ai", "google", "hubspot"):
        text = json.dumps(shared_team.ask("GET", f"/api/integrations/{name}/connections"))
        assert "sandbox-key" not in text
        assert "sandbox-62515" not in text
        assert "sandbox-access" not in text


def test_a_connection_to_an_inner_address_is_refused(shared_hub: Any, shared_team: Any) -> None:
    for address in (
        "http://169.254.169.254/",
        "http://127.0.0.1:1/",
        "http://[::1]:80",
        "file:///etc/passwd",
    ):
        answer = shared_hub.call(
            "POST",
            "/api/integrations/ai/connections",
            {"name": "inner", "credential": {"api_key": "x"}, "base_url": address},
            key=shared_team.key,
        )
        assert answer.status_code == 422, address
        assert _problems(answer) == {"base_url": "address_blocked"}


def test_a_change_wants_the_revision_it_was_made_from(shared_hub: Any, fresh_team: Any) -> None:
    made = fresh_team.ask("POST", "/api/workflows", {"document": {"name": "etag", "steps": [STEP]}})
    path, body = f"/api/workflows/{made['id']}", {"document": {"name": "etag", "steps": [STEP]}}
    without = shared_hub.call("PUT", path, body, key=fresh_team.key)
    assert (without.status_code, without.json()["code"]) == (428, "revision_required")
    right = shared_hub.call("PUT", path, body, key=fresh_team.key, headers={"if-match": '"1"'})
    assert (right.status_code, right.headers["etag"]) == (200, '"2"')
    stale = shared_hub.call("PUT", path, body, key=fresh_team.key, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")


def test_the_same_idempotency_key_makes_one_thing(shared_hub: Any, fresh_team: Any) -> None:
    def create(name: str) -> httpx2.Response:
        body = {"document": {"name": name, "steps": [STEP]}}
        headers = {"idempotency-key": "create-1"}
        return shared_hub.call("POST", "/api/workflows", body, key=fresh_team.key, headers=headers)

    first, second, other = create("once"), create("once"), create("another")
    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    published = fresh_team.ask("POST", f"/api/workflows/{first.json()['id']}/publish")
    path = f"/api/workflows/{published['id']}/execute"
    started = [
        shared_hub.call(
            "POST", path, {"data": {"n": n}}, key=fresh_team.key, headers={"idempotency-key": "start-1"}
        )
        for n in (1, 1, 2)
    ]
    assert started[0].json() == started[1].json()
    assert started[1].headers["idempotent-replayed"] == "true"
    assert started[2].status_code == 409
    assert len(fresh_team.executions()) == 1


def test_a_list_is_walked_page_by_page(shared_hub: Any, fresh_team: Any) -> None:
    workflow = fresh_team.publish({"name": "pages", "steps": [STEP]})
    started = [
        fresh_team.ask("POST", f"/api/workflows/{workflow['id']}/execute", {"data": {}})["execution_id"]
        for _ in range(5)
    ]
    for sort, expected in (("created_at", started), ("-created_at", started[::-1])):
        seen, cursor = [], ""
        while cursor is not None:
            path = f"/api/workflow-executions?limit=2&sort={sort}" + (f"&cursor={cursor}" if cursor else "")
            page = fresh_team.ask("GET", path)
            seen += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert seen == expected


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "cursor=nonsense", "cursor=ZXhl", "sort=id;drop", "statuss=failed"],
)
def test_an_odd_query_is_422_with_its_parameter(shared_hub: Any, shared_team: Any, query: str) -> None:
    answer = shared_hub.call("GET", f"/api/workflow-executions?{query}", key=shared_team.key)
    assert answer.status_code == 422
    assert list(_problems(answer)) == [query.split("=", maxsplit=1)[0]]


def test_every_answer_carries_its_id_its_rate_and_calm_headers(shared_hub: Any, shared_team: Any) -> None:
    answer = shared_hub.call("GET", "/api/workflows", key=shared_team.key)
    assert answer.headers["x-request-id"].startswith("req_")
    assert int(answer.headers["ratelimit-remaining"]) < int(answer.headers["ratelimit-limit"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_single_action_runs_as_an_execution_once_per_key(shared_hub: Any, shared_team: Any) -> None:
    path, body = "/api/integrations/hostile/actions/take_time", {"input": {"seconds": 0.01}}
    ids = {
        shared_hub.call("POST", path, body, key=shared_team.key, headers={"idempotency-key": "act"}).json()[
            "execution_id"
        ]
        for _ in range(3)
    }
    assert len(ids) == 1
    ended = shared_team.wait_for_end(ids.pop())
    assert ended["steps"][0]["output"] == {"done": "in time"}
    wrong = shared_hub.call("POST", path, {"input": {"seconds": "long"}}, key=shared_team.key)
    assert _problems(wrong) == {"input.seconds": "type"}
    missing = shared_hub.call(
        "POST", "/api/integrations/hostile/actions/nothing_here", {}, key=shared_team.key
    )
    assert missing.status_code == 404
