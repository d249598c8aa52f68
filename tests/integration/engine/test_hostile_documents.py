"""What a start may bring along, and what a file may bring in: attack rows R9 and R12."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

from revolution_hub.store import tables as t

INPUTS = {
    "type": "object",
    "properties": {"to": {"type": "string"}},
    "required": ["to"],
    "additionalProperties": False,
}
MINE = {"name": "mine", "inputs": INPUTS, "steps": [{"id": "a", "set": {"to": "{{ inputs.to }}"}}]}
EVIL = [{"id": "a", "uses": "lab.send_letter"}]
OWN_RUN = {
    "definition": {"name": "mine", "steps": EVIL},
    "document": {"name": "mine", "steps": EVIL},
    "steps": EVIL,
    "nodes": EVIL,
    "workflow": "other",
    "workflow_id": "wf_other",
    "version": 1,
    "vars": {"to": "eve"},
    "variables": {"to": "eve"},
    "env": {"PATH": "/"},
    "inputs": {"to": "eve"},
    "trigger": {"kind": "webhook"},
    "connection": "main",
    "connections": {"club": "main"},
    "credential": {"api_key": "k"},
    "started_by": "usr_eve",
    "tenant_id": "ten_b",
}
"""What would make of a start something else than what was shared."""


def begun(bench: Any) -> int:
    return int(bench.counts()[3])


@pytest.fixture
def shared(owner: Asker, asker_of: Callable[..., Asker]) -> tuple[Asker, str]:
    """A guest, and the path at which it may start the one workflow that is shared with it."""
    guest, workflow_id = asker_of("guest"), owner.publish(MINE)
    owner.ask("PUT", f"/api/workflows/{workflow_id}/shares/{guest.key_id}", {"right": "run"})
    return guest, f"/api/workflows/{workflow_id}/execute"


def test_r9_a_start_brings_nothing_but_data(bench: Any, shared: tuple[Asker, str]) -> None:
    guest, path = shared
    for member, value in OWN_RUN.items():
        answer = guest.call("POST", path, {"data": {"to": "ada"}, member: value})
        assert (answer.status_code, [one["path"] for one in answer.json()["problems"]]) == (422, [member])
    assert begun(bench) == 0


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"to": "ada", "cc": "eve"}, "cc"),
        ({"to": {"$ref": "secrets"}}, "to"),
        ({"to": ["ada"]}, "to"),
        ({"to": "ada", "__proto__": {}}, "__proto__"),
        ({}, "data"),
    ],
)
def test_r9_data_are_the_declared_inputs_and_no_others(
    bench: Any, shared: tuple[Asker, str], data: Any, path: str
) -> None:
    guest, at = shared
    answer = guest.call("POST", at, {"data": data})
    assert answer.status_code == 422
    assert path in str([one["path"] for one in answer.json()["problems"]])
    assert begun(bench) == 0


@pytest.mark.parametrize("trial", [{"draft": True}, {"pins": {"a": {"to": "eve"}}}, {"pins_from": "exe_1"}])
def test_r9_who_may_run_runs_what_was_published(
    bench: Any, shared: tuple[Asker, str], trial: dict[str, Any]
) -> None:
    guest, path = shared
    assert guest.refused("POST", path, {"data": {"to": "ada"}, **trial}) == (403, "forbidden")
    assert begun(bench) == 0
    started = guest.ask("POST", path, {"data": {"to": "{{ secrets.x }}"}})["execution_id"]
    bench.work()
    # What is handed in is data to the end, whatever it looks like.
    assert bench.look(started).steps["a"].output == {"to": "{{ secrets.x }}"}


def test_r9_a_public_address_takes_data_alone(bench: Any, owner: Asker) -> None:
    steps = [{"id": "a", "set": {"got": "{{ trigger.data.steps }}"}}]
    published = bench.publish(*steps, on=[{"webhook": {"auth": "none"}}])
    for query in ("", "?version=1", "?draft=true"):
        answer = owner.client.post(f"{published.hook}{query}", json={**OWN_RUN, "pins": {"a": {"got": 1}}})
        assert answer.status_code in (200, 202), answer.text
        bench.work()
        seen = bench.look(answer.json()["execution_id"])
        assert (seen.steps["a"].output, list(seen.steps)) == ({"got": EVIL}, ["a"])
        assert seen.execution.definition is None
    assert bench.script.calls == []


# What a file may bring in.

FOREIGN = {
    "id": "wf_theirs",
    "tenant_id": "ten_b",
    "workflow_id": "wf_theirs",
    "revision": 7,
    "version": 3,
    "published_version": 3,
    "status": "published",
    "created_by": "usr_eve",
    "hook": {"key": "known-to-eve"},
    "signing_secret": "whsec_known",
    "shares": [{"with": "role:guest", "right": "edit"}],
    "permissions": ["workflow:write"],
    "connections": [{"id": "con_1", "credential": {"api_key": "k"}}],
    "approved": True,
}


def test_r12_a_file_names_no_id_and_no_right(bench: Any, owner: Asker) -> None:
    for member, value in FOREIGN.items():
        for query in ("", "?replace=true"):
            answer = owner.call("POST", f"/api/workflows/import{query}", {**MINE, member: value})
            told = [one["path"] for one in answer.json()["problems"]]
            assert (answer.status_code, told) == (422, [member]), answer.text
    assert owner.ask("GET", "/api/workflows")["items"] == []


def state(bench: Any, tenant_id: str) -> list[str]:
    with bench.hub.store.read(tenant_id) as tx:
        mine = [one.select().where(one.c.tenant_id == tenant_id) for one in t.TENANT_TABLES]
        return [str(tx.conn.execute(one).all()) for one in mine]


@pytest.mark.parametrize("replace", ["", "?replace=true"])
def test_r12_a_file_never_replaces_what_is_another_tenants(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker], replace: str
) -> None:
    theirs = asker_of(tenant_id="ten_b").publish(MINE)
    before = state(bench, "ten_b")
    made = owner.call("POST", f"/api/workflows/import{replace}", {**MINE, "steps": EVIL})
    assert made.status_code == 201
    assert made.json()["id"] != theirs
    assert state(bench, "ten_b") == before


TWINS = [
    "Mine",
    "MINE",
    "mine ",
    " mine",
    "mіne",
    "ｍine",
    "mine\u200b",
    "mine\u00ad",
    "mi\u0301ne",
    "mine\u202e",
]


def test_r12_a_name_that_only_looks_like_it_replaces_nothing(bench: Any, owner: Asker) -> None:
    mine = owner.publish(MINE)
    before = owner.ask("GET", f"/api/workflows/{mine}")
    for twin in TWINS:
        file = {**MINE, "name": twin, "steps": EVIL}
        answer = owner.call("POST", "/api/workflows/import?replace=true", file)
        assert answer.status_code in (201, 422), answer.text
    assert owner.ask("GET", f"/api/workflows/{mine}") == before
    # Who calls it by its name still calls this one.
    assert bench.run({"id": "go", "call": "mine", "with": {"to": "ada"}}).status == "succeeded"
    assert bench.script.calls == []


def test_r12_who_may_not_write_brings_nothing_in(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    mine = owner.publish(MINE)
    for role in ("viewer", "operator", "approver", "guest", "nobody"):
        asking = asker_of(role)
        # Not even where a share lets it change the very workflow that the file would replace.
        owner.ask("PUT", f"/api/workflows/{mine}/shares/{asking.key_id}", {"right": "edit"})
        before = state(bench, "ten_a")
        for query in ("", "?replace=true"):
            answer = asking.call("POST", f"/api/workflows/import{query}", {**MINE, "steps": EVIL})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "workflow:write" in answer.json()["detail"]
        assert state(bench, "ten_a") == before


def test_r12_what_was_brought_in_is_a_draft_and_does_nothing(bench: Any, owner: Asker) -> None:
    document = {"name": "mine", "on": [{"event": "custom.due"}, {"webhook": {"auth": "none"}}], "steps": EVIL}
    made = owner.ask("POST", "/api/workflows/import", document)
    owner.ask("POST", "/api/events", {"type": "custom.due", "data": {}})
    bench.work()
    assert (made["published_version"], begun(bench), bench.script.calls) == (None, 0, [])
    live = owner.publish({**document, "name": "live", "steps": [{"id": "a", "set": {"n": 1}}]})
    owner.ask("POST", "/api/workflows/import?replace=true", {**document, "name": "live"})
    owner.ask("POST", "/api/events", {"type": "custom.due", "data": {}})
    bench.work()
    # What is published goes on as it was until somebody publishes anew.
    assert (begun(bench), bench.script.calls) == (1, [])
    assert owner.ask("GET", f"/api/workflows/{live}")["published_version"] == 1


def test_r12_a_file_reaches_nothing_of_another_tenant(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    asker_of(tenant_id="ten_b").publish({**MINE, "name": "theirs"})
    document = {"name": "mine", "steps": [{"id": "go", "call": "theirs", "with": {"to": "x"}}]}
    told = owner.call("POST", "/api/workflows/import", document)
    unknown = owner.call(
        "POST", "/api/workflows/import", {**document, "steps": [{**document["steps"][0], "call": "nobodys"}]}
    )
    shown = [
        (one.status_code, [each["code"] for each in one.json().get("problems", ())])
        for one in (told, unknown)
    ]
    assert shown[0] == shown[1]
    assert "theirs" not in str(owner.ask("GET", "/api/workflows"))
