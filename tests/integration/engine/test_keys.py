"""Concurrency and idempotency keys: who waits for whom, and what starts once."""

from typing import Any

import pytest

from revolution_hub.services.executions import cancel_execution
from revolution_hub.services.starts import execute_workflow

PAUSE = {"id": "pause", "wait": {"for": "1h"}}


def starter(bench: Any, *steps: Any, **document: Any) -> Any:
    """Publish a workflow; return a function that starts it with data and returns the execution's id."""
    workflow_id = bench.publish(*steps, **document).workflow.id
    return lambda **data: execute_workflow(bench.hub, bench.principal, workflow_id, data, None)[0]


def states(bench: Any, *ids: str) -> list[str]:
    found = [bench.look(one) for one in ids]
    return [f"{one.status}:{one.waits_for}" if one.waits_for else one.status for one in found]


def test_executions_with_one_key_go_one_after_the_other_in_the_order_they_came(bench: Any) -> None:
    start = starter(bench, PAUSE, concurrency={"key": "{{ trigger.data.account }}"})
    first, second, other, third = (start(account=one) for one in (1, 1, 2, 1))
    bench.work()
    assert states(bench, first, second, other, third) == [
        "waiting:timer",
        "waiting:turn",
        "waiting:timer",
        "waiting:turn",
    ]
    bench.pass_time(3601)
    assert states(bench, first, second, third) == ["succeeded", "waiting:timer", "waiting:turn"]
    bench.pass_time(3601)
    assert states(bench, second, third) == ["succeeded", "waiting:timer"]


def test_so_many_as_the_limit_says_are_under_way(bench: Any) -> None:
    start = starter(bench, PAUSE, concurrency={"limit": 2})
    ids = [start() for _ in range(4)]
    bench.work()
    assert states(bench, *ids) == ["waiting:timer", "waiting:timer", "waiting:turn", "waiting:turn"]


def test_who_does_not_want_to_wait_is_skipped_with_the_reason(bench: Any) -> None:
    start = starter(bench, PAUSE, concurrency={"when_full": "skip"})
    first, second = start(), start()
    bench.work()
    assert states(bench, first, second) == ["waiting:timer", "cancelled"]
    assert "same concurrency key" in bench.look(second).execution.reason
    bench.pass_time(3601)
    third = start()
    bench.work()
    assert states(bench, first, third) == ["succeeded", "waiting:timer"]


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_whoever_ends_lets_in_the_next_however_it_ends(end: str, bench: Any, script: Any) -> None:
    steps = [PAUSE] if end == "cancel" else [{"set": {"n": "{{ inputs.n + 1 }}"}}]
    start = starter(bench, *steps, concurrency={})
    first, second = start(n="a"), start(n=1)
    bench.work()
    if end == "cancel":
        cancel_execution(bench.hub, bench.principal, first)
        bench.work()
    assert states(bench, first, second)[0] == ("cancelled" if end == "cancel" else "failed")
    assert states(bench, second) != ["waiting:turn"]


def test_one_that_waits_for_its_turn_can_be_cancelled(bench: Any) -> None:
    start = starter(bench, PAUSE, concurrency={})
    first, second, third = start(), start(), start()
    bench.work()
    cancel_execution(bench.hub, bench.principal, second)
    bench.pass_time(3601)
    assert states(bench, first, second, third) == ["succeeded", "cancelled", "waiting:timer"]


def test_a_key_that_cannot_be_computed_fails_the_execution_where_it_is_seen(bench: Any) -> None:
    start = starter(bench, PAUSE, concurrency={"key": "{{ trigger.data.a + 1 }}"})
    seen = bench.look(start(a="x"))
    assert (seen.status, seen.execution.error["code"]) == ("failed", "template_invalid")


def test_what_has_the_same_idempotency_key_starts_once(bench: Any) -> None:
    start = starter(bench, {"set": {}}, idempotency={"key": "{{ trigger.data.id }}"})
    first, again, other = start(id=1), start(id=1), start(id=2)
    assert first == again != other
    assert start(id=None) != start(id=None)


def test_a_called_workflow_waits_for_its_turn(bench: Any) -> None:
    start = starter(bench, PAUSE, name="alone", concurrency={})
    holder = start()
    bench.work()
    caller = bench.start({"id": "called", "call": "alone"})
    bench.work()
    assert states(bench, holder, caller) == ["waiting:timer", "waiting:children"]
    bench.pass_time(3601)
    bench.pass_time(3601)
    assert states(bench, holder, caller) == ["succeeded", "succeeded"]
