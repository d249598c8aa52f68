"""A template tried out: on what an execution recorded, on data by hand, and with its faults in place."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from revolution_hub.access.tokens import hash_token
from revolution_hub.api.app import make_api
from revolution_hub.services import workflows
from revolution_hub.services.integrations import run_action
from revolution_hub.store import tenants
from revolution_sdk.types import Json, JsonObject

PATH = "/api/templates/preview"
CANARY = "canary-4711"
COMMON = {"type", "title", "status", "detail", "code", "path", "problems", "request_id"}
STEPS = (
    {"id": "first", "set": {"who": "{{ inputs.name }}", "n": 1}},
    {"id": "page", "uses": "lab.read_page", "with": {"q": "{{ vars.who }}"}},
    {
        "id": "choice",
        "if": "{{ vars.n == 1 }}",
        "then": [{"id": "yes", "set": {"n": 2}}],
        "else": [{"id": "no", "set": {"n": 3}}, {"id": "never", "set": {"n": 4}}],
    },
    {"id": "skipped", "if": False, "set": {"n": 5}},
    {"id": "last", "set": {"n": 6}},
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The API, asked by whoever has this key."""

    client: TestClient
    key: str

    def __call__(self, body: Any, *, raw: bytes | None = None, path: str = PATH) -> tuple[int, Any]:
        """Return status and body of the answer."""
        content = json.dumps(body).encode() if raw is None else raw
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        answer = self.client.post(path, content=content, headers=headers)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()


@pytest.fixture
def caller(bench: Any) -> Iterator[Callable[..., Caller]]:
    """Make a key for a tenant and a role, and ask with it."""
    with TestClient(make_api(bench.hub), raise_server_exceptions=False) as client:

        def made(tenant_id: str, role: str = "owner") -> Caller:
            key = f"rev_{tenant_id}_{role}"
            with bench.hub.store.begin_across() as across:
                tenants.add_tenant(across, tenant_id, tenant_id, bench.hub.now())
                tenants.add_api_key(
                    across.of(tenant_id),
                    f"key_{tenant_id}",
                    name=role,
                    key_hash=hash_token(key),
                    role=role,
                    now=bench.hub.now(),
                )
            return Caller(client, key)

        yield made


@pytest.fixture
def preview(caller: Callable[..., Caller]) -> Caller:
    """The caller whose executions these are."""
    return caller("ten_a")


@pytest.fixture
def execution_id(bench: Any) -> str:
    """An execution that has run to its end."""
    started: str = bench.start(*STEPS, data={"name": CANARY}, vars={"greeting": "Hi"})
    bench.work()
    assert bench.look(started).status == "succeeded"
    return started


KINDS: dict[str, tuple[Json, JsonObject, Json]] = {
    "text": ("Hello {{ name }}", {"name": "Ada"}, "Hello Ada"),
    "a lone text": ("{{ phone }}", {"phone": "0049"}, "0049"),
    "number": ("{{ 1 + n }}", {"n": 1.5}, 2.5),
    "boolean": ("{{ 1 == 1 }}", {}, True),
    "null": ("{{ a? }}", {}, None),
    "list": ("{{ a }}", {"a": [1, "{{ b }}"]}, [1, "{{ b }}"]),
    "object": ({"to": ["{{ a }}"], "n": 1}, {"a": None}, {"to": [None], "n": 1}),
    "a plain value": (False, {}, False),
}
NAMED = {"a lone text": "text", "a plain value": "boolean"}


@pytest.mark.parametrize("case", KINDS)
def test_the_result_comes_with_its_json_type(preview: Caller, case: str) -> None:
    template, data, result = KINDS[case]
    status, said = preview({"template": template, "data": data})
    assert (status, said["result"], said["kind"]) == (200, result, NAMED.get(case, case))
    assert said.keys() == {"result", "kind", "paths"}


def test_every_path_comes_with_its_place(preview: Caller) -> None:
    template = {"to": ["x\n{{ a.b }}"], "odd key": "{{ c|1 }}{{#each d as e}}{{ e.f? }}{{/each}}"}
    _, said = preview({"template": template, "data": {"a": {"b": 1}, "d": []}})
    assert said["paths"] == [
        {"path": "a.b", "where": "template.to[0]", "line": 2, "column": 4, "optional": False},
        {"path": "c", "where": 'template["odd key"]', "line": 1, "column": 4, "optional": True},
        {"path": "d", "where": 'template["odd key"]', "line": 1, "column": 18, "optional": False},
        {"path": "d[0].f", "where": 'template["odd key"]', "line": 1, "column": 29, "optional": True},
    ]


def test_an_ended_execution_lends_its_whole_scope(preview: Caller, execution_id: str, bench: Any) -> None:
    wanted = {
        "inputs": {"name": CANARY},
        "vars": {"greeting": "Hi", "who": CANARY, "n": 6},
        "steps": {
            "first": {"who": CANARY, "n": 1},
            "page": {"did": "read_page"},
            "choice": {"branch": "then"},
            "yes": {"n": 2},
            "last": {"n": 6},
        },
    }
    template = {name: f"{{{{ {name} }}}}" for name in (*wanted, "execution", "trigger")}
    status, said = preview({"template": template, "execution_id": execution_id})
    assert status == 200
    assert {name: said["result"][name] for name in wanted} == wanted
    assert said["result"]["execution"]["id"] == execution_id
    assert said["result"]["trigger"]["kind"] == "manual"
    assert bench.look(execution_id).status == "succeeded"


SEEN = {
    "first": [],
    "page": ["first"],
    "choice": ["first", "page"],
    "yes": ["first", "page", "choice"],
    "no": ["first", "page", "choice"],
    "never": ["first", "page", "choice"],
    "skipped": ["first", "page", "choice", "yes"],
    "last": ["first", "page", "choice", "yes"],
}
"""What each step has before it, the ones that were never reached included."""


def test_a_step_sees_only_what_was_recorded_before_it(preview: Caller, execution_id: str) -> None:
    for step_id, seen in SEEN.items():
        body = {"template": "{{ steps | keys }}", "execution_id": execution_id, "step_id": step_id}
        status, said = preview(body)
        assert (status, step_id, said["result"]) == (200, step_id, seen)
    body = {"template": "{{ vars.n }}", "execution_id": execution_id, "step_id": "last"}
    assert preview(body)[1]["result"] == 2


def test_an_execution_under_way_and_one_whose_workflow_is_gone_can_be_read(
    preview: Caller, bench: Any
) -> None:
    started = bench.start(*STEPS, data={"name": "Eva"})
    body = {"template": "{{ inputs.name }} {{ steps | length }}", "execution_id": started}
    assert preview(body)[1]["result"] == "Eva 0"
    bench.work()
    workflow_id = bench.look(started).execution.workflow_id
    workflows.delete_workflow(bench.hub, bench.principal, workflow_id)
    assert preview(body)[1]["result"] == "Eva 5"


def test_a_single_action_is_an_execution_like_any(preview: Caller, bench: Any) -> None:
    started = run_action(
        bench.hub, bench.principal, "lab.read_page", {"q": 1}, connection=None, idempotency_key=None
    )
    bench.work()
    status, said = preview({"template": "{{ steps.action.did }}", "execution_id": started})
    assert (status, said["result"]) == (200, "read_page")


def test_data_by_hand_replaces_whole_names_of_the_scope(preview: Caller, execution_id: str) -> None:
    body = {
        "template": "{{ vars.n? ?? 'none' }} {{ vars.x? }} {{ steps.page.did }}".replace("'", '"'),
        "execution_id": execution_id,
        "data": {"vars": {"x": 7}},
    }
    assert preview(body)[1]["result"] == "none 7 read_page"


def test_the_moment_is_the_hubs(preview: Caller, bench: Any) -> None:
    body = {"template": "{{ at | relative }}", "data": {"at": "2026-11-22T09:00:00Z"}}
    assert preview(body)[1]["result"] == "1 hour ago"
    bench.clock.advance(3600)
    assert preview(body)[1]["result"] == "2 hours ago"


FAULTS: dict[str, tuple[Json, JsonObject, list[tuple[str, int, int, str]]]] = {
    "unreadable": (
        "Dear\n{{ name | uper }}",
        {"detail": "there is no filter uper; did you mean upper? (line 2, column 11)"},
        [("template", 2, 11, "{{ name | uper }}")],
    ),
    "unclosed": ("{{#if a}}", {"code": "template_invalid"}, [("template", 1, 3, "{{#if a}}")]),
    "several": (
        {"to": ["{{ a b }}"], "x": "{{ }}"},
        {"path": "template.to[0]", "code": "template_invalid"},
        [("template.to[0]", 1, 6, "{{ a b }}"), ("template.x", 1, 4, "{{ }}")],
    ),
    "a missing path": (
        {"ok": "{{ name }}", "to": ["x {{ namee.first }}"]},
        {"detail": "namee is not there; did you mean name?", "path": "template.to[0]"},
        [("template.to[0]", 1, 6, "x {{ namee.first }}")],
    ),
    "a wrong type": (
        "{{ name + 1 }}",
        {"path": "template", "code": "template_invalid"},
        [("template", 1, 9, "{{ name + 1 }}")],
    ),
    "too many parts": (
        "{{#each many}}{{ this }}{{/each}}",
        {"code": "template_limit"},
        [("template", 1, 15, "{{#each many}}{{ this }}{{/each}}")],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_in_place_and_quotes_no_data(preview: Caller, case: str) -> None:
    template, expected, places = FAULTS[case]
    data = {"name": CANARY, "many": [CANARY] * 10_001}
    status, said = preview({"template": template, "data": data})
    assert status == said["status"] == 422
    assert said.keys() == COMMON | {"line", "column", "source_line"}
    assert {name: said[name] for name in expected} == expected
    found = [(one["path"], one["line"], one["column"], one["source_line"]) for one in said["problems"]]
    assert found == places
    assert (said["path"], said["line"], said["column"], said["source_line"]) == places[0]
    assert said["problems"][0]["message"].endswith("^")
    assert CANARY not in json.dumps(said)


def test_a_fault_in_a_workflow_is_told_in_place_too(preview: Caller) -> None:
    steps = [{"set": {"a": "x\n{{ 1 + }}"}}]
    status, said = preview({"document": {"name": "x", "steps": steps}}, path="/api/workflows")
    assert (status, said["code"]) == (422, "definition_invalid")
    assert (said["path"], said["line"], said["column"]) == ("steps[0].set.a", 2, 8)
    assert said["problems"][0]["source_line"] == said["source_line"] == "{{ 1 + }}"
    _, said = preview(
        {"document": {"name": "x", "steps": [{"if": "{{ 1 +", "set": {}}]}}, path="/api/workflows"
    )
    assert ("steps[0].if", "{{ 1 +") in [(one["path"], one.get("source_line")) for one in said["problems"]]


def test_another_tenants_execution_is_not_there(
    preview: Caller, caller: Callable[..., Caller], execution_id: str
) -> None:
    foreign = caller("ten_b")
    gone = foreign({"template": "{{ inputs }}", "execution_id": "exe_none"})
    for body in (
        {"template": "{{ inputs }}", "execution_id": execution_id},
        {"template": "{{ inputs }}", "execution_id": execution_id, "step_id": "page"},
        {"template": "{{ inputs }}", "execution_id": execution_id, "step_id": "none"},
    ):
        status, said = foreign(body)
        assert (status, said["code"], said["detail"]) == (404, "not_found", gone[1]["detail"])
        assert CANARY not in json.dumps(said)


def test_whoever_may_read_executions_may_preview_and_nobody_else(
    caller: Callable[..., Caller], execution_id: str
) -> None:
    viewer, stranger = caller("ten_a", "viewer"), caller("ten_c", "guest")
    assert viewer({"template": "{{ inputs.name }}", "execution_id": execution_id})[1]["result"] == CANARY
    status, said = stranger({"template": "x"})
    assert (status, said["code"]) == (403, "forbidden")
    status, said = replace(viewer, key="rev_unknown")({"template": "x"})
    assert (status, said["code"]) == (401, "unauthenticated")


def test_a_step_that_is_not_there_is_named_with_the_nearest(preview: Caller, execution_id: str) -> None:
    status, said = preview({"template": "x", "execution_id": execution_id, "step_id": "pgae"})
    assert (status, said["code"]) == (422, "input_invalid")
    assert said["problems"] == [
        {
            "path": "step_id",
            "message": "the execution's workflow has no such step; did you mean page?",
            "code": "unknown_step",
        }
    ]
    assert said.keys() == COMMON
    status, said = preview({"template": "x", "step_id": "page"})
    assert (status, said["path"], said["problems"][0]["code"]) == (422, "step_id", "required")


WRONG: dict[str, tuple[bytes, str, str]] = {
    "no template": (b"{}", "input_invalid", "template"),
    "data that is no object": (b'{"template": "x", "data": [1]}', "input_invalid", "data"),
    "a number for an execution": (b'{"template": "x", "execution_id": 1}', "input_invalid", "execution_id"),
    "a list for a step": (b'{"template": "x", "step_id": []}', "input_invalid", "step_id"),
    "an unknown member": (b'{"template": "x", "limits": {}}', "input_invalid", "limits"),
    "a list": (b"[]", "input_invalid", ""),
    "no JSON": (b"{", "json_invalid", ""),
    "nested too deeply": (b'{"template": ' + b"[" * 70 + b"]" * 70 + b"}", "json_invalid", ""),
    "half a character": (b'{"template": "\\ud800"}', "json_invalid", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_body_is_refused_with_its_path(preview: Caller, case: str) -> None:
    raw, code, path = WRONG[case]
    status, said = preview(None, raw=raw)
    assert (status, said["code"], said["path"]) == (422, code, path)


LIMITS: dict[str, tuple[Json, str]] = {
    "one long template": ("{{ a }}" + "x" * 100_000, "the templates have more than 100,000 characters"),
    "many templates": (["{{ a }}" * 1000] * 15, "the templates have more than 100,000 characters together"),
    "much output": (["{{ a }}"] * 11, "this value has more than|the output has more than"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_what_is_too_much_is_refused_with_the_limit(preview: Caller, case: str) -> None:
    template, message = LIMITS[case]
    status, said = preview({"template": template, "data": {"a": "y" * 100_000}})
    assert (status, said["code"]) == (422, "template_limit")
    assert any(one in said["detail"] for one in message.split("|")), said["detail"]
    assert "yyy" not in json.dumps(said)


def test_texts_without_templates_may_be_as_long_as_a_body(preview: Caller) -> None:
    status, said = preview({"template": ["x" * 500_000, "{{ 1 }}"]})
    assert (status, said["result"][1]) == (200, 1)
    status, said = preview({"template": "x" * 1_100_000})
    assert (status, said["code"]) == (413, "body_too_large")


def test_of_very_many_faults_the_first_are_told(preview: Caller) -> None:
    status, said = preview({"template": ["{{"] * 40_000})
    assert (status, len(said["problems"])) == (422, 200)


def test_a_preview_counts_against_the_rate(bench: Any, preview: Caller) -> None:
    slow = replace(bench.hub, settings=replace(bench.hub.settings, requests_per_minute=2))
    with TestClient(make_api(slow)) as client:
        asked = [Caller(client, preview.key)({"template": "x"}) for _ in range(3)]
    assert [status for status, _ in asked] == [200, 200, 429]
    assert asked[2][1]["code"] == "rate_limited"
