"""A workflow of the whole language with an effect in every part, and what its executions must come to."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from revolution_hub.store import tables as t
from rig.site import Accepted, Site

NOTE = "{{ trigger.data.note }}"
ITEMS = 6


def _act(step_id: str, action: str, note: str = NOTE, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": f"ledger.{action}", "with": {"note": f"{note} {step_id}"}, **more}


HELPER = {
    "name": "helper",
    "inputs": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]},
    "steps": [
        _act("called_add", "add_entry", "{{ inputs.note }}"),
        {"finish": {"output": {"said": "{{ steps.called_add.note }}"}}},
    ],
}

WHOLE = {
    "name": "whole",
    "on": [{"webhook": {}}],
    "vars": {"numbers": list(range(ITEMS))},
    "steps": [
        {
            "id": "both",
            "parallel": {
                "left": [_act("left_put", "put_entry"), {"id": "pause", "wait": {"for": 1}}],
                "right": [_act("right_add", "add_entry"), _act("right_look", "get_entry")],
            },
        },
        {
            "id": "each",
            "for_each": "{{ vars.numbers }}",
            "concurrency": 3,
            "steps": [_act("item_put", "put_entry"), _act("item_add", "add_entry")],
            "result": {"number": "{{ item }}", "note": "{{ steps.item_put.note }}"},
        },
        {"id": "called", "call": "helper", "with": {"note": NOTE}},
        {"id": "later", "wait": {"for": 1}},
        _act("tried", "refuse_entry", on_error={"steps": [_act("mended_put", "put_entry")]}),
        _act("last", "refuse_entry"),
    ],
    "on_failure": {"steps": [_act("told_add", "add_entry", "{{ trigger.data.trigger.data.note }}")]},
}

REPEATABLE = Counter({"left_put": 1, "item_put": ITEMS, "mended_put": 1})
ONCE = Counter({"right_add": 1, "item_add": ITEMS, "called_add": 1, "told_add": 1})


def publish_whole(site: Site) -> None:
    """Publish the workflow, and the one it calls, for every tenant."""
    for owner in site.owners:
        owner.team.publish(HELPER)
    site.publish(WHOLE)


def answer_questions(site: Site) -> int:
    """Be the person who looks at the provider and says what happened; returns how often one was asked."""
    answered = 0
    while asking := site.rows("SELECT * FROM executions WHERE wait_reason = 'uncertain'"):
        for one in asking:
            team = next(each.team for each in site.owners if each.team.tenant_id == one["tenant_id"])
            happened = f"{one['id']}.{one['wait_on']}" in site.provider.effects("once")
            seen = {"outcome": "happened", "result": {"note": "seen by a person", "entry": 0}}
            path = f"/api/workflow-executions/{one['id']}/steps/{one['wait_on'].replace('#', '%23')}/resolve"
            team.ask("POST", path, seen if happened else {"outcome": "did_not_happen"})
            answered += 1
        site.settle()
    return answered


def check_whole(site: Site) -> None:
    """Assert that every delivery was done completely, in order, and each of its effects once."""
    executions = {one["id"]: one for one in site.rows(sa.select(t.executions))}
    told = Counter(
        one["trigger"]["data"]["execution_id"]
        for one in executions.values()
        if one["trigger"].get("kind") == "failure"
    )
    assert told == Counter(one.execution_id for one in site.accepted)
    assert {one["status"] for one in executions.values() if one["id"] not in told} == {"succeeded"}
    for one in site.accepted:
        _check_one(site, one)
    for effect, wanted in (("repeatable", REPEATABLE), ("once", ONCE)):
        done = site.provider.effects(effect)
        assert set(done.values()) == {1}
        steps = Counter(key.partition(".")[2].partition("#")[0] for key in done)
        assert steps == Counter({step: count * len(site.accepted) for step, count in wanted.items()})


def _check_one(site: Site, taken: Accepted) -> None:
    team = next(one.team for one in site.owners if one.team.tenant_id == taken.tenant_id)
    shown = team.ask("GET", f"/api/workflow-executions/{taken.execution_id}")
    steps = {one["id"]: one for one in shown["steps"]}
    assert (shown["status"], shown["error"]["code"], shown["error"]["step"]) == ("failed", "refused", "last")
    both = steps["both"]["output"]
    assert (set(both), set(both["right"])) == ({"left", "right"}, {"right_add", "right_look"})
    # The API shows how many items there are; what they came to is in the row.
    row = sa.select(t.step_executions.c.output).where(
        t.step_executions.c.execution_id == taken.execution_id, t.step_executions.c.step_id == "each"
    )
    each = site.rows(row)[0]["output"]
    assert [one["number"] for one in each["items"]] == list(range(ITEMS))
    assert {one["note"] for one in each["items"]} == {each["items"][0]["note"]}
    assert (each["succeeded"], each["failed"]) == (ITEMS, 0)
    assert set(steps["called"]["output"]) == {"said"}
    assert (steps["tried"]["status"], steps["mended_put"]["status"]) == ("failed", "succeeded")
