"""parallel, for_each and call: children that are joined, whatever happens to any of them."""

from typing import Any

import pytest

from revolution_hub.engine.recover import sweep
from revolution_hub.services.executions import cancel_execution
from revolution_hub.store import family
from revolution_sdk.errors import RejectedError, RetryableError

FAN = {
    "id": "fan",
    "parallel": {
        "left": [{"id": "page", "uses": "lab.read_page", "with": {"side": "left"}}],
        "right": [{"id": "note", "set": {"word": "{{ vars.word }}"}}],
    },
}


def each(items: Any, *steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "each", "for_each": items, "steps": list(steps), **more}


def call_of(bench: Any, name: str, *steps: Any, **document: Any) -> dict[str, Any]:
    bench.publish(*steps, name=name, **document)
    return {"id": "called", "call": name}


def children(bench: Any, execution_id: str) -> list[Any]:
    with bench.hub.store.read("ten_a") as tx:
        return family.list_children(tx, execution_id)


def test_branches_see_what_came_before_and_are_read_by_name(bench: Any, script: Any) -> None:
    script.next("read_page", {"n": 3})
    seen = bench.run(FAN, {"id": "end", "set": {"n": "{{ steps.fan.left.page.n }}"}}, vars={"word": "hi"})
    assert seen.status == "succeeded"
    assert seen.steps["fan"].output == {"left": {"page": {"n": 3}}, "right": {"note": {"word": "hi"}}}
    assert seen.steps["end"].output == {"n": 3}


def test_what_a_branch_sets_stays_in_it(bench: Any) -> None:
    fan = {"id": "fan", "parallel": {"a": [{"set": {"x": 1}}], "b": [{"set": {"x": 2}}]}}
    seen = bench.run({"set": {"x": 0}}, fan, {"id": "end", "set": {"y": "{{ vars.x }}"}})
    assert seen.steps["end"].output == {"y": 0}


def test_all_branches_are_awaited_and_the_first_failed_one_in_written_order_counts(
    bench: Any, script: Any
) -> None:
    script.next("read_page", RejectedError("no", code="no_such_page"))
    fan = {
        "id": "fan",
        "parallel": {
            "good": [{"id": "letter", "uses": "lab.send_letter"}],
            "bad": [{"id": "page", "uses": "lab.read_page"}],
        },
    }
    seen = bench.run(fan)
    assert (seen.status, seen.step("fan"), script.count("send_letter")) == ("failed", "failed", 1)
    error = seen.execution.error
    assert (error["code"], error["step"], error["details"]["branch"]) == ("no_such_page", "fan", "bad")


def test_items_are_gone_through_in_order_and_their_results_stand_in_order(bench: Any, script: Any) -> None:
    script.next("read_page", *[{"n": number * 10} for number in range(5)])
    seen = bench.run(
        each(
            "{{ inputs.list }}",
            {"id": "page", "uses": "lab.read_page", "with": {"item": "{{ item }}", "at": "{{ index }}"}},
            result="{{ steps.page.n }}",
        ),
        data={"list": ["a", "b", "c", "d", "e"]},
    )
    assert seen.status == "succeeded"
    assert seen.steps["each"].output == {
        "items": [0, 10, 20, 30, 40],
        "succeeded": 5,
        "failed": 0,
        "errors": [],
    }
    assert [value for _, value, _ in script.calls] == [
        {"item": item, "at": at} for at, item in enumerate("abcde")
    ]
    assert len(script.keys("read_page")) == 5


def test_without_a_result_an_item_is_worth_its_last_output(bench: Any) -> None:
    seen = bench.run(
        each([1, 2], {"id": "first", "set": {"a": 1}}, {"id": "last", "set": {"b": "{{ item }}"}})
    )
    assert seen.steps["each"].output["items"] == [{"b": 1}, {"b": 2}]


def test_an_empty_list_is_done_at_once_and_what_is_no_list_fails(bench: Any) -> None:
    seen = bench.run(each("{{ inputs.list }}", {"set": {}}), data={"list": []})
    assert seen.steps["each"].output == {"items": [], "succeeded": 0, "failed": 0, "errors": []}
    assert children(bench, seen.execution.id) == []
    seen = bench.run(each("{{ inputs.list }}", {"set": {}}), data={"list": "abc"})
    assert (seen.status, seen.execution.error["code"]) == ("failed", "not_a_list")


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_every_item_is_done_once_whatever_the_concurrency(concurrency: int, bench: Any, script: Any) -> None:
    count = 40
    seen = bench.run(
        each(
            "{{ inputs.list }}",
            {"id": "letter", "uses": "lab.send_letter", "with": {"to": "{{ item }}"}},
            concurrency=concurrency,
            result="{{ index }}",
        ),
        data={"list": list(range(count))},
    )
    assert seen.steps["each"].output["items"] == list(range(count))
    assert sorted(value["to"] for _, value, _ in script.calls) == list(range(count))
    assert len(children(bench, seen.execution.id)) == min(concurrency, count)


def test_an_item_that_fails_is_the_last_that_is_begun(bench: Any, script: Any) -> None:
    script.next("read_page", {"n": 1}, RejectedError("no", code="no_such_page"))
    seen = bench.run(each([1, 2, 3, 4], {"uses": "lab.read_page"}), {"id": "never", "set": {}})
    assert (seen.status, script.count("read_page"), "never" in seen.steps) == ("failed", 2, False)
    error = seen.execution.error
    assert (error["code"], error["details"]["index"], error["details"]["not_begun"]) == ("no_such_page", 1, 2)


def test_items_that_fail_are_told_where_the_others_go_on(bench: Any, script: Any) -> None:
    script.next("read_page", {"n": 1}, RejectedError("no", code="no_such_page"), {"n": 3})
    seen = bench.run(
        each(
            [1, 2, 3],
            {"id": "page", "uses": "lab.read_page"},
            on_item_error="continue",
            result="{{ steps.page.n }}",
        )
    )
    output = seen.steps["each"].output
    assert (seen.status, output["items"], output["failed"]) == ("succeeded", [1, None, 3], 1)
    assert [(one["index"], one["error"]["code"]) for one in output["errors"]] == [(1, "no_such_page")]


def test_an_item_that_waits_lets_others_have_the_rest(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("later", retry_after_s=60))
    execution_id = bench.start(
        each(list(range(20)), {"uses": "lab.read_page", "with": {"n": "{{ item }}"}}, concurrency=2)
    )
    bench.work()
    assert bench.look(execution_id).waits_for == "children"
    assert script.count("read_page") == 20
    bench.pass_time(70)
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["each"].output["succeeded"], script.count("read_page")) == (
        "succeeded",
        20,
        21,
    )


def test_loops_within_loops_see_both_items(bench: Any) -> None:
    inner = {
        "id": "inner",
        "for_each": "{{ row }}",
        "as": "cell",
        "steps": [{"id": "sum", "set": {"at": "{{ row }}-{{ cell }}-{{ index }}"}}],
        "result": "{{ steps.sum.at }}",
    }
    seen = bench.run(
        {
            "id": "outer",
            "for_each": [[1, 2], [3]],
            "as": "row",
            "steps": [inner],
            "result": "{{ steps.inner.items }}",
        }
    )
    assert seen.steps["outer"].output["items"] == [["[1,2]-1-0", "[1,2]-2-1"], ["[3]-3-0"]]


def test_a_called_workflow_gets_its_inputs_and_gives_its_output(bench: Any) -> None:
    step = call_of(
        bench,
        "double",
        {"finish": {"output": {"n": "{{ inputs.n * 2 + inputs.plus }}"}}},
        inputs={
            "type": "object",
            "properties": {"n": {"type": "integer"}, "plus": {"type": "integer", "default": 1}},
            "required": ["n"],
        },
    )
    seen = bench.run({**step, "with": {"n": "{{ inputs.n }}"}}, data={"n": 4})
    assert (seen.status, seen.steps["called"].output) == ("succeeded", {"n": 9})
    (child,) = children(bench, seen.execution.id)
    assert (child.parent_step, child.depth, child.trigger["kind"]) == ("called", 1, "call")


def test_inputs_that_do_not_fit_fail_the_call_before_anything_runs(bench: Any) -> None:
    step = call_of(
        bench, "strict", {"set": {}}, inputs={"type": "object", "properties": {"n": {"type": "integer"}}}
    )
    seen = bench.run({**step, "with": {"n": "{{ inputs.n }}"}}, data={"n": "four"})
    assert (seen.status, seen.execution.error["code"]) == ("failed", "input_invalid")
    assert [one["path"] for one in seen.execution.error["details"]["problems"]] == ["with.n"]
    assert children(bench, seen.execution.id) == []


def test_a_called_workflow_that_fails_fails_its_step(bench: Any) -> None:
    step = call_of(bench, "bad", {"finish": {"status": "failed", "reason": "so it is"}})
    seen = bench.run(step)
    assert (seen.status, seen.execution.error["message"]) == ("failed", "so it is")
    assert seen.execution.error["details"]["execution_id"] == children(bench, seen.execution.id)[0].id


def test_a_step_with_children_that_takes_too_long_cancels_them(bench: Any) -> None:
    fan = {
        "id": "fan",
        "parallel": {"slow": [{"wait": {"for": "1h"}}]},
        "timeout": "1m",
        "on_error": "continue",
    }
    execution_id = bench.start(fan, {"id": "end", "set": {}})
    bench.work()
    assert bench.look(execution_id).waits_for == "children"
    bench.pass_time(61)
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["fan"].error["code"], seen.step("end")) == (
        "succeeded",
        "timeout",
        "succeeded",
    )
    assert [str(one.status) for one in children(bench, execution_id)] == ["cancelled"]
    bench.pass_time(7200)
    assert [str(one.status) for one in children(bench, execution_id)] == ["cancelled"]


def test_children_end_with_their_parent(bench: Any) -> None:
    inner = {"parallel": {"a": [{"wait": {"for": "1h"}}], "b": [{"wait": {"for": "1h"}}]}}
    execution_id = bench.start({"parallel": {"outer": [inner]}})
    bench.work()
    cancel_execution(bench.hub, bench.principal, execution_id)
    (outer,) = children(bench, execution_id)
    assert str(outer.status) == "cancelled"
    assert [str(one.status) for one in children(bench, outer.id)] == ["cancelled", "cancelled"]


def test_a_called_workflow_that_is_cancelled_fails_its_step(bench: Any) -> None:
    step = call_of(bench, "slow", {"wait": {"for": "1h"}})
    execution_id = bench.start({**step, "on_error": {"continue": {"code": "{{ error.code }}"}}})
    bench.work()
    (child,) = children(bench, execution_id)
    cancel_execution(bench.hub, bench.principal, child.id)
    bench.work()
    assert bench.look(execution_id).steps["called"].output == {"code": "cancelled"}


def test_a_worker_that_vanishes_within_an_item_repeats_no_other_item(bench: Any, script: Any) -> None:
    vanishing = {"number": 0}

    def play(ctx: Any, value: Any) -> Any:
        vanishing["number"] += 1
        if vanishing["number"] == 3:
            bench.die()
        return {"n": value["n"]}

    script.next("put_page", *[play] * 30)
    execution_id = bench.start(
        each(
            list(range(10)),
            {"id": "page", "uses": "lab.put_page", "with": {"n": "{{ item }}"}},
            result="{{ steps.page.n }}",
        )
    )
    bench.work()
    sweep(bench.hub)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["each"].output["items"]) == ("succeeded", list(range(10)))
    assert script.count("put_page") == 11
    assert len(script.keys("put_page")) == 10


def test_a_once_step_in_an_item_is_not_repeated_after_a_crash(bench: Any, script: Any) -> None:
    script.next("send_letter", {"did": "one"}, bench.vanish())
    execution_id = bench.start(each([1, 2, 3], {"id": "letter", "uses": "lab.send_letter"}))
    bench.work()
    assert bench.look(execution_id).waits_for == "children"
    (lane,) = children(bench, execution_id)
    assert (str(lane.status), str(lane.wait_reason), script.count("send_letter")) == (
        "waiting",
        "uncertain",
        2,
    )


def test_nesting_ends_at_the_limit_which_is_named(bench: Any) -> None:
    innermost: Any = {"set": {}}
    for _ in range(4):
        innermost = {"parallel": {"deeper": [innermost]}}
    shallow = bench.with_settings(call_depth=3)
    seen = shallow.run(innermost)
    error = seen.execution.error
    assert (seen.status, error["code"], error["details"]["setting"]) == (
        "failed",
        "limit_exceeded",
        "REVOLUTION_CALL_DEPTH",
    )


def test_a_list_beyond_the_limit_is_refused_by_name(bench: Any) -> None:
    seen = bench.with_settings(loop_items=3).run(each([1, 2, 3, 4], {"set": {}}))
    error = seen.execution.error
    assert (error["code"], error["details"]["setting"]) == ("limit_exceeded", "REVOLUTION_LOOP_ITEMS")
