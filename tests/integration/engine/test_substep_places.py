"""Sub-steps within items, branches and other sub-steps, and how many there may be."""

from typing import Any

import pytest
from rig.substeps import PASSES, PLAN, one, plan

from revolution_hub.engine.recover import sweep
from revolution_hub.services.executions import Verdict, resolve_step
from revolution_hub.store import family
from revolution_sdk import ApiKey, Connector, RejectedError, RetryableError, UnknownOutcomeError
from revolution_sdk.schema import object_

DARK = UnknownOutcomeError("the answer was lost", code="no_answer")


def children(bench: Any, execution_id: str) -> list[Any]:
    with bench.hub.store.read("ten_a") as tx:
        return family.list_children(tx, execution_id)


def test_a_call_beyond_what_its_connection_may_do_at_once_waits_its_turn(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    narrow = bench.with_settings(connection_running=1)
    plan(script, one("club.invite_member", who="Ada"))
    execution_id = narrow.start(PLAN)
    with narrow.watch.using(connection_id) as admitted:
        assert admitted
        narrow.drive(narrow.claim())
    seen = narrow.look(execution_id)
    assert (seen.status, seen.execution.connection_id, seen.tried("plan")) == (
        "queued",
        connection_id,
        ["suspended"],
    )
    assert script.count("invite_member") == 0
    narrow.work()
    assert (narrow.look(execution_id).status, script.count("invite_member")) == ("succeeded", 1)
    with narrow.watch.using(connection_id) as admitted:
        assert admitted


def test_items_have_sub_steps_of_their_own_and_keep_their_results(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: {"sent": ctx.call("lab.send_letter", {"to": value["to"]}, name="one")})
    script.next("send_letter", {"n": 0}, RetryableError("later", retry_after_s=5), {"n": 2}, {"n": 1})
    step = {**PLAN, "with": {"to": "{{ item }}"}, "on_error": "continue"}
    seen = bench.run({"id": "each", "for_each": ["a", "b", "c"], "steps": [step]})
    assert seen.waits_for == "children"
    bench.pass_time(6)
    seen = bench.look(seen.execution.id)
    assert [one["sent"]["n"] for one in seen.steps["each"].output["items"]] == [0, 2, 1]
    assert [value["to"] for name, value, _ in script.calls if name == "send_letter"] == ["a", "b", "b", "c"]
    (lane,) = children(bench, seen.execution.id)
    assert set(bench.look(lane.id).order) >= {"plan#0/one", "plan#1/one", "plan#2/one"}


def test_a_failed_sub_step_in_an_item_is_not_taken_for_the_step(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        with pytest.raises(RejectedError):
            ctx.call("lab.read_page", {}, name="one")
        return {"n": 5}

    plan(script, play)
    script.next("read_page", RejectedError("no"))
    step = {**PLAN, "on_error": "continue"}
    seen = bench.run({"id": "each", "for_each": [1], "steps": [step], "result": "{{ steps.plan.n }}"})
    assert seen.steps["each"].output["items"] == [5]


def test_a_worker_that_vanishes_in_an_item_repeats_no_call_of_any(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        sent = [ctx.call("lab.send_letter", {"to": value["to"], "at": at}) for at in range(2)]
        if value["to"] == "b" and script.count("put_page") == 2:
            bench.die()
        return {"n": len(sent)}

    plan(script, play)
    step = {**PLAN, "with": {"to": "{{ item }}"}}
    execution_id = bench.start({"id": "each", "for_each": ["a", "b", "c"], "steps": [step]})
    bench.work()
    sweep(bench.hub)
    bench.work()
    assert bench.look(execution_id).steps["each"].output["succeeded"] == 3
    assert (script.count("send_letter"), script.count("put_page")) == (6, 4)


def test_branches_suspend_and_ask_each_for_itself(bench: Any, script: Any) -> None:
    script.next("send_letter", DARK)
    plan(script, one("lab.send_letter"))
    other = {"id": "page", "uses": "lab.read_page"}
    seen = bench.run({"id": "fan", "parallel": {"a": [PLAN], "b": [other]}})
    assert seen.waits_for == "children"
    asked = next(one for one in children(bench, seen.execution.id) if one.wait_on == "plan/one")
    resolve_step(bench.hub, bench.principal, asked.id, "plan/one", Verdict.HAPPENED, {"n": 4})
    bench.work()
    output = bench.look(seen.execution.id).steps["fan"].output
    assert output == {"a": {"plan": {"got": {"n": 4}}}, "b": {"page": {"did": "read_page"}}}


def test_a_called_action_has_sub_steps_too_and_waits_through_all_levels(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: {"in": ctx.call("lab.read_page", {}, name="inner")})
    inner = one("lab.send_letter")
    script.next("read_page", *[inner] * PASSES)
    script.next("send_letter", RetryableError("later", retry_after_s=5), bench.vanish())
    seen = bench.run(PLAN)
    assert [seen.step(key) for key in ("plan", "plan/inner", "plan/inner/one")] == ["waiting"] * 3
    assert (seen.tried("plan"), seen.tried("plan/inner")) == (["suspended"], ["suspended"])
    bench.pass_time(6)
    seen = bench.look(seen.execution.id)
    assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/inner/one")
    resolve_step(bench.hub, bench.principal, seen.execution.id, "plan/inner/one", Verdict.HAPPENED, {"n": 1})
    bench.work()
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"in": {"got": {"n": 1}}})
    assert (script.count("send_letter"), seen.tried("plan/inner")[-1]) == (2, "succeeded")


def test_sub_steps_nest_no_deeper_than_the_limit_which_is_named(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: {"in": ctx.call("lab.read_page", {})})
    script.next("read_page", one("lab.send_letter"))
    seen = bench.with_settings(call_depth=1).run(PLAN)
    error = seen.execution.error
    assert (seen.status, error["code"], error["details"]["setting"]) == (
        "failed",
        "limit_exceeded",
        "REVOLUTION_CALL_DEPTH",
    )
    assert script.count("send_letter") == 0


def test_sub_steps_count_as_step_executions(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: [ctx.record(f"r{at}", lambda: 1) for at in range(9)])
    seen = bench.with_settings(execution_steps=5).run(PLAN)
    assert seen.execution.error["details"]["setting"] == "REVOLUTION_EXECUTION_STEPS"
    assert len(seen.steps) == 5


def test_a_worker_that_is_to_stop_hands_the_action_back_between_two_calls(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        ctx.call("lab.send_letter", {}, name="a")
        bench.watch.stopping = script.count("put_page") == 1
        return ctx.call("lab.send_letter", {}, name="b")

    plan(script, play)
    execution_id = bench.start(PLAN)
    bench.drive(bench.claim())
    seen = bench.look(execution_id)
    assert (seen.status, seen.tried("plan"), "plan/b" in seen.steps) == ("queued", ["suspended"], False)
    bench.watch.stopping = False
    bench.work()
    assert (bench.look(execution_id).status, script.count("send_letter")) == ("succeeded", 2)


def test_a_call_through_the_connection_of_its_caller_needs_no_second_place(bench: Any, script: Any) -> None:
    crew = Connector("crew", title="Crew", base_url="https://api.crew.test", auth=ApiKey())

    @crew.action(input=object_(), output=object_(open_=True), effect="repeatable")
    def invite_all(ctx: Any, value: Any) -> Any:
        """Invite everybody."""
        return {"page": ctx.call("crew.read_list", {}), "letter": ctx.call("lab.send_letter", {})}

    @crew.action(input=object_(), output=object_(open_=True), effect="read")
    def read_list(ctx: Any, value: Any) -> Any:
        """Read who there is."""
        return {"n": script.count("send_letter")}

    bench.hub.catalog.add(crew)
    bench.connect(connector="crew")
    narrow = bench.with_settings(connection_running=1)
    execution_id = narrow.start({"id": "all", "uses": "crew.invite_all"})
    narrow.drive(narrow.claim())
    seen = narrow.look(execution_id)
    assert (seen.status, seen.tried("all"), seen.tried("all/crew.read_list.1")) == (
        "succeeded",
        ["succeeded"],
        ["succeeded"],
    )
    assert seen.steps["all/crew.read_list.1"].connection_id == seen.steps["all"].connection_id
    assert seen.steps["all/lab.send_letter.1"].connection_id is None
