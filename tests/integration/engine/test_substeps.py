"""Recorded sub-steps: what an action has called or recorded is never done again, and waits hold no thread."""

from typing import Any

import pytest
from rig.substeps import AFTER, PLAN, one, plan

from revolution_hub.services import connections
from revolution_hub.services.executions import Verdict, resolve_step
from revolution_sdk import CredentialError, Found, RejectedError, RetryableError, UnknownOutcomeError

DARK = UnknownOutcomeError("the answer was lost", code="no_answer")


def test_a_call_has_a_record_and_attempts_of_its_own_and_the_plan_is_left_alone(
    bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        first = ctx.call("lab.read_page", {"page": 1})
        made = ctx.record("choice", lambda: {"best": first["n"], "pair": (1, 2)})
        return {"sum": made["best"] + ctx.call("lab.read_page", {"page": 2})["n"], "pair": made["pair"]}

    plan(script, play)
    script.next("read_page", {"n": 3}, {"n": 4})
    seen = bench.run(PLAN, AFTER)
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"sum": 7, "pair": [1, 2]})
    assert seen.order == ["plan", "plan/lab.read_page.1", "plan/choice", "plan/lab.read_page.2", "after"]
    called, recorded = seen.steps["plan/lab.read_page.2"], seen.steps["plan/choice"]
    assert (called.kind, called.uses, called.input, called.output, called.attempts) == (
        "call",
        "lab.read_page",
        {"page": 2},
        {"n": 4},
        1,
    )
    assert (recorded.kind, recorded.output, recorded.uses) == ("record", {"best": 3, "pair": [1, 2]}, None)
    assert seen.tried("plan") == seen.tried("plan/lab.read_page.1") == ["succeeded"]
    assert seen.steps["after"].output == {"n": {"sum": 7, "pair": [1, 2]}}
    assert script.calls[2][2] == f"{seen.execution.id}.plan/lab.read_page.2"


def test_what_is_returned_may_be_changed_without_changing_the_record(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        ctx.call("lab.read_page", {}, name="page")["n"] = 99
        ctx.record("list", lambda: [1]).append(2)
        return {}

    plan(script, play)
    script.next("read_page", {"n": 1})
    seen = bench.run(PLAN)
    assert (seen.steps["plan/page"].output, seen.steps["plan/list"].output) == ({"n": 1}, [1])


@pytest.mark.parametrize("vanishing", [0, 1, 2])
def test_a_worker_that_vanishes_between_two_calls_repeats_neither(
    vanishing: int, bench: Any, script: Any
) -> None:
    entered = []

    def play(ctx: Any, value: Any) -> Any:
        entered.append(ctx.idempotency_key)
        for at, name in enumerate(["a", "b"]):
            if (at, len(entered)) == (vanishing, 1):
                bench.die()
            ctx.call("lab.send_letter", {"to": name}, name=name)
        if (vanishing, len(entered)) == (2, 1):
            bench.die()
        return {"n": len(entered)}

    plan(script, play)
    seen = bench.run(PLAN, AFTER)
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"n": 2})
    assert [value["to"] for name, value, _ in script.calls if name == "send_letter"] == ["a", "b"]
    assert seen.tried("plan") == ["failed:worker_vanished", "succeeded"]
    assert len(set(entered)) == 1


@pytest.mark.parametrize("action", ["read_page", "compute_sum"])
def test_a_call_that_may_be_repeated_is_repeated_after_a_crash_in_its_midst(
    action: str, bench: Any, script: Any
) -> None:
    plan(script, one(f"lab.{action}"))
    script.next(action, bench.vanish(), {"n": 2})
    seen = bench.run(PLAN)
    assert (seen.steps["plan"].output, script.count(action)) == ({"got": {"n": 2}}, 2)
    assert len(script.keys(action)) == 1


@pytest.mark.parametrize("action", ["read_page", "put_page", "send_letter"])
def test_what_the_action_was_given_is_not_asked_for_again_after_a_crash(
    action: str, bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        got = ctx.call(f"lab.{action}", {"inner": True}, name="one")
        if script.count("read_page") == 1 + (action == "read_page"):
            bench.die()
        return {"got": got}

    outer = {"id": "plan", "uses": "lab.read_page"}
    script.next("read_page", play, *([{"n": 1}] if action == "read_page" else []), play)
    seen = bench.run(outer)
    assert (seen.status, seen.tried("plan/one")) == ("succeeded", ["succeeded"])
    assert sum("inner" in value for _, value, _ in script.calls) == 1


def test_what_was_recorded_is_not_made_again_after_a_crash(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        drawn = ctx.record("drawn", lambda: script.play("drawn", ctx, {}))
        if script.count("put_page") == 1:
            bench.die()
        return {"n": drawn}

    plan(script, play)
    script.next("drawn", 4, 5)
    assert bench.run(PLAN).steps["plan"].output == {"n": 4}
    assert script.count("drawn") == 1


def test_a_drive_that_lost_its_claim_leaves_through_the_action_and_calls_nothing_more(
    bench: Any, script: Any
) -> None:
    swallowed = []

    def play(ctx: Any, value: Any) -> Any:
        for name in ("a", "b", "c"):
            try:
                ctx.call("lab.send_letter", {}, name=name)
                ctx.record(f"{name}-done", lambda: True)
            except BaseException as error:
                swallowed.append(type(error).__name__)
        return {}

    plan(script, play)
    script.next("send_letter", bench.vanish())
    execution_id = bench.start(PLAN)
    bench.drive(bench.claim())
    assert swallowed == ["Suspended"] * 3
    assert (script.count("send_letter"), bench.look(execution_id).status) == (1, "queued")
    assert "plan/a-done" not in bench.look(execution_id).steps


@pytest.mark.parametrize("action", ["send_letter", "post_letter"])
def test_a_once_call_whose_worker_vanished_is_never_repeated(action: str, bench: Any, script: Any) -> None:
    plan(script, one(f"lab.{action}"))
    script.next(action, bench.vanish())
    script.next("confirm", {"n": 8})
    seen = bench.run(PLAN, AFTER)
    assert script.count(action) == 1
    if action == "post_letter":
        assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"got": {"n": 8}})
        return
    assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/one")
    assert (seen.step("plan"), seen.step("plan/one")) == ("waiting", "uncertain")
    assert seen.tried("plan") == ["failed:worker_vanished", "suspended"]
    assert seen.tried("plan/one") == ["unknown:worker_vanished"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_person_says_what_happened_in_a_call(verdict: Verdict, bench: Any, script: Any) -> None:
    plan(script, one("lab.send_letter"))
    script.next("send_letter", DARK, {"n": 2})
    seen = bench.run(PLAN, AFTER)
    assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/one")
    assert bench.pass_time(100_000) == 0
    result = {"n": 1} if verdict is Verdict.HAPPENED else None
    resolve_step(bench.hub, bench.principal, seen.execution.id, "plan/one", verdict, result)
    bench.work()
    seen = bench.look(seen.execution.id)
    happened = verdict is Verdict.HAPPENED
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"got": {"n": 1 if happened else 2}})
    assert script.count("send_letter") == (1 if happened else 2)
    assert seen.tried("plan") == ["suspended", "succeeded"]


def test_an_outcome_that_is_looked_up_later_suspends_until_then(bench: Any, script: Any) -> None:
    plan(script, one("lab.post_letter"))
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT, {"n": 1})
    seen = bench.run(PLAN)
    assert (seen.waits_for, seen.step("plan"), seen.step("plan/one")) == ("retry", "waiting", "waiting")
    bench.pass_time(60)
    seen = bench.look(seen.execution.id)
    assert (seen.steps["plan"].output, script.count("post_letter")) == ({"got": {"n": 1}}, 1)


def test_a_retry_suspends_the_step_and_what_was_done_before_it_stays_done(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        sent = ctx.call("lab.send_letter", {}, name="sent")
        drawn = ctx.record("drawn", lambda: script.play("drawn", ctx, {}))
        return {"sent": sent, "drawn": drawn, "page": ctx.call("lab.read_page", {}, name="page")}

    plan(script, play)
    script.next("drawn", 4, 5, 6)
    script.next("read_page", RetryableError("later", retry_after_s=60), {"n": 3})
    seen = bench.run(PLAN, AFTER)
    assert (seen.waits_for, seen.step("plan"), seen.step("plan/page")) == ("retry", "waiting", "waiting")
    assert 60 <= (seen.execution.wake_at - bench.clock.now).total_seconds() <= 61
    assert seen.steps["plan"].error["code"] == "retryable"
    bench.pass_time(61)
    seen = bench.look(seen.execution.id)
    assert seen.steps["plan"].output == {"sent": {"did": "send_letter"}, "drawn": 4, "page": {"n": 3}}
    assert script.names() == ["put_page", "send_letter", "drawn", "read_page", "put_page", "read_page"]
    assert seen.tried("plan") == ["suspended", "succeeded"]
    assert seen.tried("plan/page") == ["failed:retryable", "succeeded"]


def test_suspended_passes_use_up_no_attempt_of_the_step(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        for number in range(4):
            ctx.call("lab.read_page", {"at": number})
        if script.count("put_page") < 6:
            raise RetryableError("the action's own", retry_after_s=1)
        return {"n": 1}

    plan(script, play)
    for _ in range(4):
        script.next("read_page", RetryableError("later", retry_after_s=5), {"n": 1})
    seen = bench.run({**PLAN, "retry": {"attempts": 2}})
    for _ in range(6):
        bench.pass_time(7)
    seen = bench.look(seen.execution.id)
    assert (seen.status, script.count("read_page")) == ("succeeded", 8)
    assert seen.tried("plan") == ["suspended"] * 4 + ["failed:retryable", "succeeded"]


def test_a_call_that_fails_for_good_is_told_to_the_action_each_time_alike(bench: Any, script: Any) -> None:
    told = []

    def play(ctx: Any, value: Any) -> Any:
        try:
            ctx.call("lab.read_page", {}, name="page")
        except RejectedError as error:
            told.append((error.code, error.message, error.details))
        return {"page": ctx.call("lab.send_letter", {}, name="letter")}

    plan(script, play)
    script.next("read_page", RejectedError("no such page", code="no_page", details={"at": 1}))
    script.next("send_letter", RetryableError("later", retry_after_s=5), {"n": 1})
    seen = bench.run(PLAN)
    bench.pass_time(6)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.step("plan/page"), script.count("read_page")) == ("succeeded", "failed", 1)
    assert told == [("no_page", "no such page", {"at": 1})] * 2


def test_a_failed_call_the_action_does_not_handle_fails_the_step_with_its_error(
    bench: Any, script: Any
) -> None:
    plan(script, one("lab.read_page"))
    script.next("read_page", *[RetryableError("busy", code="busy")] * 3)
    seen = bench.run({**PLAN, "on_error": {"continue": {"code": "{{ error.code }}"}}}, AFTER)
    for _ in range(3):
        bench.pass_time(60)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.step("plan"), seen.step("plan/one")) == ("succeeded", "failed", "failed")
    assert seen.steps["after"].output == {"n": {"code": "busy"}}
    assert seen.tried("plan/one") == ["failed:busy"] * 3


def test_a_call_waits_for_its_connection(bench: Any, script: Any) -> None:
    plan(script, one("club.invite_member", who="Ada"))
    seen = bench.run(PLAN)
    assert (seen.waits_for, seen.execution.wait_on, seen.step("plan")) == ("connection", "club", "waiting")
    bench.connect()
    bench.work()
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.tried("plan/one")) == (
        "succeeded",
        ["failed:connection_missing", "succeeded"],
    )


def test_a_call_whose_credential_is_refused_waits_for_a_new_one(bench: Any, script: Any) -> None:
    connection_id = bench.connect(name="ours")
    plan(
        script, lambda ctx, value: ctx.call("club.invite_member", {"who": "A"}, connection="ours", name="one")
    )
    script.next("invite_member", CredentialError("no"))
    seen = bench.run(PLAN)
    assert (seen.waits_for, seen.execution.wait_on) == ("connection", connection_id)
    connections.reauthorize(bench.hub, bench.principal, "club", connection_id, {"api_key": "k-2"})
    bench.work()
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.steps["plan/one"].connection_id) == ("succeeded", connection_id)
    assert script.count("invite_member") == 2


def test_a_connection_that_is_not_there_by_name_is_a_refusal(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: ctx.call("club.invite_member", {}, connection="other"))
    seen = bench.run(PLAN)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "connection_missing")


@pytest.mark.parametrize("answer", [{}, RejectedError("no"), RetryableError("later"), RuntimeError("bug")])
def test_an_action_that_swallows_the_suspension_is_suspended_all_the_same(
    answer: Any, bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        for _ in range(3):
            try:
                return {"got": ctx.call("lab.read_page", {}, name="one")}
            except BaseException:
                with pytest.raises(BaseException, match="waits already"):
                    ctx.call("lab.send_letter", {})
        if isinstance(answer, Exception):
            raise answer
        return answer

    plan(script, play)
    script.next("read_page", RetryableError("later", retry_after_s=5), {"n": 1})
    seen = bench.run(PLAN, AFTER)
    assert (seen.waits_for, seen.tried("plan"), seen.order) == (
        "retry",
        ["suspended"],
        ["plan", "plan/one"],
    )
    bench.pass_time(6)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"got": {"n": 1}})
    assert script.count("send_letter") == 0
