"""From draft to version and back: numbers only grow, documents never change, triggers follow."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.store import connections
from revolution_hub.store import workflows as store

HOOKED = {"name": "greet", "on": [{"webhook": {"auth": "none"}}], "steps": [{"id": "a", "set": {"n": 1}}]}
MANUAL = {**HOOKED, "on": [{"manual": {}}], "steps": [{"id": "a", "set": {"n": 2}}]}
YAML = {"content_type": "application/yaml"}
BROKEN = b"name: greet\nsteps:\n  - id: a\n    uses: lab.nothing\n  - id: b\n    sett: {}\n"


@pytest.fixture
def path(owner: Asker) -> str:
    """A workflow with two versions: the hooked one and the manual one."""
    found = f"/api/workflows/{owner.publish(HOOKED)}"
    change(owner, found, MANUAL)
    owner.ask("POST", f"{found}/publish")
    return found


def change(owner: Asker, path: str, document: Any) -> None:
    revision = owner.ask("GET", path)["revision"]
    owner.ask("PUT", path, {"document": document}, if_match=f'"{revision}"')


def listening(bench: Any, path: str) -> list[tuple[str, int]]:
    with bench.hub.store.read("ten_a") as tx:
        return [(one.kind, one.version) for one in store.listeners_of(tx, path.rpartition("/")[2])]


def test_versions_are_listed_newest_first_with_who_when_and_which_is_published(
    owner: Asker, path: str
) -> None:
    items = owner.ask("GET", f"{path}/versions")["items"]
    assert [(one["version"], one["published"], one["published_by"]) for one in items] == [
        (2, True, owner.key_id),
        (1, False, owner.key_id),
    ]
    assert owner.ask("GET", f"{path}/versions/1")["document"] == HOOKED
    assert owner.refused("GET", f"{path}/versions/3") == (404, "not_found")
    assert owner.refused("GET", f"{path}/versions/0")[0] == 422


def test_the_list_of_versions_comes_in_pages(owner: Asker, path: str) -> None:
    first = owner.ask("GET", f"{path}/versions?limit=1&sort=created_at")
    assert [one["version"] for one in first["items"]] == [1]
    second = owner.ask("GET", f"{path}/versions?limit=1&sort=created_at&cursor={first['next_cursor']}")
    assert ([one["version"] for one in second["items"]], second["next_cursor"]) == ([2], None)
    assert owner.refused("GET", f"{path}/versions?cursor=d2Zf") == (422, "input_invalid")


def test_publishing_again_what_is_published_changes_nothing(owner: Asker, path: str) -> None:
    before = owner.ask("GET", path)
    again = owner.ask("POST", f"{path}/publish")
    assert (again["version"], again["changed"], again["revision"]) == (2, False, before["revision"])
    assert len(owner.ask("GET", f"{path}/versions")["items"]) == 2


def test_going_back_makes_the_old_document_the_next_version(owner: Asker, path: str, bench: Any) -> None:
    assert listening(bench, path) == [("manual", 2)]
    back = owner.ask("POST", f"{path}/rollback", {"version": 1})
    assert (back["version"], back["changed"], back["document"]) == (3, True, MANUAL)
    assert back["hook_url"]
    assert listening(bench, path) == [("webhook", 3)]
    assert owner.ask("GET", f"{path}/versions/3")["document"] == HOOKED
    assert owner.ask("GET", f"{path}/diff?from=1&to=published")["changes"] == []
    execution = owner.ask("POST", f"{path}/execute", {"data": {}})
    assert owner.ask("GET", f"/api/workflow-executions/{execution['execution_id']}")["version"] == 3


def test_going_back_replaces_the_draft_if_asked_to(owner: Asker, path: str) -> None:
    back = owner.ask("POST", f"{path}/rollback", {"version": 1, "draft": True})
    assert (back["version"], back["document"]) == (3, HOOKED)
    assert owner.ask("GET", path)["revision"] == back["revision"]
    assert owner.ask("POST", f"{path}/publish")["changed"] is False


def test_going_back_to_the_present_version_changes_nothing(owner: Asker, path: str) -> None:
    back = owner.ask("POST", f"{path}/rollback", {"version": 2})
    assert (back["version"], back["changed"]) == (2, False)
    assert owner.refused("POST", f"{path}/rollback", {"version": 9}) == (404, "not_found")


def test_a_version_whose_connection_is_gone_cannot_come_back(owner: Asker, bench: Any) -> None:
    connection = bench.connect()
    step = {"id": "a", "uses": "club.invite_member", "connection": "main"}
    path = f"/api/workflows/{owner.publish({**HOOKED, 'steps': [step]})}"
    change(owner, path, MANUAL)
    owner.ask("POST", f"{path}/publish")
    with bench.hub.store.begin("ten_a") as tx:
        assert connections.remove(tx, connection)
    answer = owner.call("POST", f"{path}/rollback", {"version": 1})
    assert (answer.status_code, answer.json()["path"]) == (422, "steps[0].connection")
    assert owner.ask("GET", path)["published_version"] == 2


def test_nothing_starts_what_is_not_published_any_more_and_publishing_brings_it_back(
    owner: Asker, path: str, bench: Any
) -> None:
    hook = owner.ask("POST", f"{path}/rollback", {"version": 1, "draft": True})["hook_url"]
    hook = hook[hook.index("/hooks/") :]
    started = owner.ask("POST", f"{path}/execute", {"data": {}})["execution_id"]
    assert owner.call("POST", hook, {"n": 1}).status_code == 202
    assert owner.ask("POST", f"{path}/unpublish")["published_version"] is None
    assert listening(bench, path) == []
    assert owner.refused("POST", hook, {"n": 1}) == (404, "not_found")
    assert owner.refused("POST", f"{path}/execute", {"data": {}}) == (409, "not_published")
    assert owner.refused("POST", f"{path}/unpublish") == (409, "not_published")
    bench.work()
    assert bench.look(started).status == "succeeded"
    again = owner.ask("POST", f"{path}/publish")
    assert (again["version"], again["changed"], again["hook_url"].endswith(hook)) == (3, True, True)
    assert owner.call("POST", hook, {"n": 1}).status_code == 202


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("from=1&to=2", ["on[0].webhook", "on[0].manual", "steps[0].set.n"]),
        ("from=2&to=draft", []),
        ("", []),
        ("from=published&to=1", ["on[0].manual", "on[0].webhook", "steps[0].set.n"]),
    ],
)
def test_two_documents_are_compared(owner: Asker, path: str, query: str, changes: list[str]) -> None:
    found = owner.ask("GET", f"{path}/diff?{query}")
    assert [one["path"] for one in found["changes"]] == changes
    assert bool(found["text"]) == bool(changes)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("from=x", (422, "input_invalid")),
        ("from=-1", (422, "input_invalid")),
        ("from=3", (404, "not_found")),
        ("from=1&too=2", (422, "input_invalid")),
        ("from=99999999999", (422, "input_invalid")),
    ],
)
def test_what_cannot_be_compared_is_refused(owner: Asker, path: str, query: str, refusal: Any) -> None:
    assert owner.refused("GET", f"{path}/diff?{query}") == refusal


def test_what_goes_out_as_yaml_comes_in_as_the_same(owner: Asker, path: str) -> None:
    answer = owner.call("GET", f"{path}/export")
    assert answer.headers["content-type"].startswith("application/yaml")
    assert read_yaml(answer.text) == MANUAL
    assert read_yaml(owner.call("GET", f"{path}/export?version=1").text) == HOOKED
    again = owner.call("POST", "/api/workflows/import?replace=true", answer.content, **YAML)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert owner.refused("POST", "/api/workflows/import", answer.content, **YAML) == (409, "name_taken")


def test_a_file_is_a_new_draft_or_the_draft_of_its_name(owner: Asker) -> None:
    made = owner.call("POST", "/api/workflows/import?replace=true", HOOKED)
    assert (made.status_code, made.json()["outcome"], made.headers["etag"]) == (201, "created", '"1"')
    text = b"# kept nowhere\nname: greet\nsteps:\n  - set: {n: 3}\n"
    changed = owner.call("POST", "/api/workflows/import?replace=true", text, **YAML)
    assert (changed.status_code, changed.json()["outcome"]) == (200, "changed")
    assert (changed.json()["id"], changed.headers["etag"]) == (made.json()["id"], '"2"')


def test_problems_of_a_yaml_file_come_with_their_lines(owner: Asker) -> None:
    answer = owner.call("POST", "/api/workflows/import", BROKEN, **YAML).json()
    found = {(one["path"], one["line"], one["column"]) for one in answer["problems"]}
    assert {("steps[0].uses", 4, 5), ("steps[1].sett", 6, 5)} <= found
    assert answer["problems"][0]["source_line"].strip()


@pytest.mark.parametrize(
    ("body", "headers", "refusal"),
    [
        (b"a: [1", YAML, (422, "yaml_invalid")),
        (b"a: &x 1\nb: *x", YAML, (422, "yaml_invalid")),
        (b'name: "a\\0b"', YAML, (422, "json_invalid")),
        (b'name: "\\uD800"', YAML, (422, "yaml_invalid")),
        (b"n: 99999999999999999999", YAML, (422, "json_invalid")),
        (b"\xff\xfe", YAML, (422, "yaml_invalid")),
        (b"a: " + b"[" * 500 + b"]" * 500, YAML, (422, None)),
        (b"# " + b"x" * 300_000, YAML, (413, "body_too_large")),
        (b"{}", {"content_type": "text/plain"}, (415, "content_type")),
        (b"{", {}, (422, "json_invalid")),
        (b"5", {}, (422, "definition_invalid")),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(owner: Asker, body: bytes, headers: Any, refusal: Any) -> None:
    status, code = owner.refused("POST", "/api/workflows/import", body, **headers)
    assert (status, code if refusal[1] else None) == refusal


def test_documents_are_looked_at_together_and_nothing_is_kept(owner: Asker) -> None:
    caller = {"name": "caller", "steps": [{"call": "called", "with": {"n": 1}}]}
    called = {"name": "called", "steps": [{"finish": {"output": 1}}]}
    checked = owner.ask("POST", "/api/workflows/check", {"documents": [caller, called, {"name": "x"}]})[
        "items"
    ]
    assert [(one["name"], bool(one["problems"])) for one in checked] == [
        ("caller", False),
        ("called", False),
        ("x", True),
    ]
    alone = owner.ask("POST", "/api/workflows/check", {"documents": [caller]})["items"]
    assert [one["path"] for one in alone[0]["problems"]] == ["steps[0].call"]
    assert owner.ask("GET", "/api/workflows")["items"] == []


def test_a_workflow_is_deleted_only_as_it_was_read(owner: Asker, path: str) -> None:
    assert owner.refused("DELETE", path, if_match='"1"') == (412, "stale_revision")
    revision = owner.ask("GET", path)["revision"]
    owner.ask("DELETE", path, if_match=f'"{revision}"')
    assert owner.refused("GET", path) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "/versions", None),
        ("GET", "/versions/1", None),
        ("GET", "/diff", None),
        ("GET", "/export", None),
        ("POST", "/publish", None),
        ("POST", "/unpublish", None),
        ("POST", "/rollback", {"version": 1}),
        ("POST", "/dry-run", {}),
        ("POST", "/execute", {}),
        ("GET", "/shares", None),
    ],
)
def test_a_workflow_of_another_tenant_is_not_there(
    asker_of: Callable[..., Asker], path: str, method: str, tail: str, body: Any
) -> None:
    stranger = asker_of("owner", "ten_b")
    assert stranger.refused(method, path + tail, body) == (404, "not_found")
