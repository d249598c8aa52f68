"""F47: too much of anything ends with an error that names the limit and its setting, and the worker lives."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rig.judge import judge
from rig.site import DATABASES, Owner, Site

from revolution_hub.model.words import DEEPEST, MOST_BRANCHES, MOST_STEPS, MOST_TRIGGERS
from revolution_hub.store import tables as t

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]
STEPS = 500
MANY_MB = 100
MOST_GROWN_MB = 200
"""What a second helping of the same may leave behind; less than two of the payloads that were refused."""


def hooked(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "on": [{"webhook": {}}], "steps": list(steps), **more}


def numbers(count: int) -> dict[str, Any]:
    return {"id": "list", "uses": "foul.list_many", "with": {"count": count}}


def measured(step_id: str) -> dict[str, Any]:
    return {"id": step_id, "uses": "ledger.measure_note", "with": {"note": "x"}}


EACH = {"for_each": "{{ steps.list.items }}", "steps": [{"set": {"seen": "{{ item }}"}}]}
TOO_MUCH: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "steps": ("execution_steps", [measured(f"step_{number}") for number in range(STEPS + 1)]),
    "items": ("loop_items", [numbers(120_000), EACH]),
    "a million items": ("loop_items", [numbers(1_000_000), EACH]),
    "payload": (
        "payload_bytes",
        [{"id": "much", "uses": "foul.write_much", "with": {"bytes": MANY_MB * 1_000_000}}],
    ),
}


def memory_mb(pids: list[int]) -> float:
    """Return what the largest of these processes holds in memory."""
    sizes = []
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        sizes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return max(sizes)


def shown(owner: Owner, execution_id: str) -> Any:
    return owner.team.ask("GET", f"/api/workflow-executions/{execution_id}")


def assert_limit(error: Any, limit: str) -> None:
    setting = f"REVOLUTION_{limit.upper()}"
    assert error["code"] == "limit_exceeded", error
    assert setting in error["message"]
    assert (error["details"]["limit"], error["details"]["setting"]) == (limit, setting)


@on_each_database
def test_f47_too_much_of_anything_is_refused_with_the_name_of_the_limit(site: Site, figure: Figure) -> None:
    # Given a hub with its own limits, but for one that a document cannot reach
    site.start(execution_steps=STEPS, worker_processes=1)
    owner = site.owners[0]
    for name, (_, steps) in TOO_MUCH.items():
        owner.publish(hooked(name, *steps))
    workers = site.hub.children("worker")
    # When executions come to too much of something, twice of everything
    held_mb, taken = [memory_mb(workers)], []
    for _ in range(2):
        taken += [(name, site.deliver_until_accepted(owner, name)) for name in TOO_MUCH]
        site.settle()
        held_mb.append(memory_mb(workers))
    judge(site)
    # Then each has failed with the limit and its setting
    for name, execution_id in taken:
        ended = shown(owner, execution_id)
        assert ended["status"] == "failed", name
        assert_limit(ended["error"], TOO_MUCH[name][0])
    # And the same worker is there, and the second helping has left little of itself
    assert site.hub.children("worker") == workers
    for held in held_mb:
        figure("memory of the worker in MB, told as", held)
    assert held_mb[2] - held_mb[1] < MOST_GROWN_MB


@on_each_database
def test_f47_a_workflow_that_calls_itself_ends_at_the_depth_limit(site: Site) -> None:
    # Given two workflows of which one calls the other
    site.start()
    owner = site.owners[0]
    back = {"name": "back", "inputs": {"type": "object"}, "steps": [{"id": "end", "set": {"n": 1}}]}
    made = owner.team.publish(back)
    owner.publish(hooked("forth", {"id": "go", "call": "back"}))
    # When it is to call itself, or the other one is to call it, that is refused
    calls_itself = {**back, "steps": [{"id": "go", "call": "back"}]}
    path, key = f"/api/workflows/{made['id']}", owner.team.key
    for document in (calls_itself, {**back, "steps": [{"id": "go", "call": "forth"}]}):
        read = {"if-match": site.hub.call("GET", path, key=key).headers["etag"]}
        answer = site.hub.call("PUT", path, {"document": document}, key=key, headers=read)
        assert answer.status_code == 422, answer.text
        problems = answer.json()["problems"]
        assert [(one["path"], one["code"]) for one in problems] == [("steps[0].call", "call_cycle")]
    # When somebody gets around the check nevertheless
    engine = site.engine()
    with engine.connect().execution_options(revolution_tenants="*") as conn, conn.begin():
        table = t.workflow_versions
        change = sa.update(table).where(table.c.workflow_id == made["id"]).values(document=calls_itself)
        assert conn.execute(change).rowcount == 1
    engine.dispose()
    execution_id = site.deliver_until_accepted(owner, "forth")
    # Then it ends where executions are nested too deep, and so do all it was called by
    judge(site)
    ended = shown(owner, execution_id)
    assert ended["status"] == "failed"
    assert_limit(ended["error"], "call_depth")
    assert site.rows("SELECT max(depth) AS deepest FROM executions") == [{"deepest": 16}]
    assert site.count("status <> 'failed'") == 0


def nested(depth: int) -> dict[str, Any]:
    step: dict[str, Any] = {"set": {"n": 1}}
    for _ in range(depth):
        step = {"if": True, "then": [step]}
    return step


DOCUMENTS: dict[str, tuple[int, dict[str, Any]]] = {
    "steps": (MOST_STEPS, hooked("steps", *[{"set": {"n": 1}}] * (MOST_STEPS + 1))),
    "nesting": (DEEPEST, hooked("nesting", nested(DEEPEST + 1))),
    "branches": (
        MOST_BRANCHES,
        hooked("branches", {"parallel": {f"b{n}": [{"set": {}}] for n in range(MOST_BRANCHES + 1)}}),
    ),
    "triggers": (
        MOST_TRIGGERS,
        {"name": "triggers", "on": [{"event": "crm.x"}] * (MOST_TRIGGERS + 1), "steps": [{"set": {}}]},
    ),
}


@pytest.mark.parametrize("stack", ["sqlite"])
def test_f47_documents_and_deliveries_beyond_the_limits_are_refused_at_the_door(site: Site) -> None:
    site.start()
    owner = site.owners[0]
    # When a document holds more than one may, then it is refused with the number that is allowed
    for name, (most, document) in DOCUMENTS.items():
        answer = site.hub.call("POST", "/api/workflows", {"document": document}, key=owner.team.key)
        assert answer.status_code == 422, (name, answer.text[:500])
        told = json.dumps(answer.json()["problems"]).replace(",", "")
        assert str(most) in told, (name, answer.text[:500])
    # When a delivery of a hundred megabytes comes, then it is refused with limit and setting
    owner.publish(hooked("large", measured("measure")))
    answer = site.deliver(owner, "large", data={"more": "x" * MANY_MB * 1_000_000})
    assert answer is not None
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "REVOLUTION_BODY_BYTES" in answer.json()["detail"], answer.text
    # And the next one is taken in
    site.deliver_until_accepted(owner, "large")
    judge(site)
