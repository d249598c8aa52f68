"""A person says what happened in an uncertain step; others may not, and nonsense is refused."""

from dataclasses import replace
from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.errors import AccessError, ConflictError, InputError, NotFoundError
from revolution_hub.services.executions import Verdict, cancel_execution, resolve_step
from revolution_sdk import RetryableError, UnknownOutcomeError

SEND = {"id": "it", "uses": "lab.send_letter"}
AFTER = {"id": "after", "set": {"n": "{{ steps.it.n | 0 }}"}}


@pytest.fixture
def uncertain(bench: Any, script: Any) -> str:
    """An execution that waits for a person to say what became of its letter."""
    script.next("send_letter", UnknownOutcomeError("the answer was lost"))
    return str(bench.run(SEND, AFTER).execution.id)


def resolve(bench: Any, execution_id: str, verdict: Verdict, result: Any = None, **more: Any) -> Any:
    principal = replace(bench.principal, **more)
    return resolve_step(bench.hub, principal, execution_id, "it", verdict, result)


def test_what_happened_is_recorded_with_its_result_and_the_drive_goes_on(
    bench: Any, script: Any, uncertain: str
) -> None:
    resumed = resolve(bench, uncertain, Verdict.HAPPENED, {"n": 4})
    assert (resumed.status, resumed.wait_reason) == ("queued", None)
    bench.work()
    seen = bench.look(uncertain)
    assert (seen.status, seen.steps["it"].output, seen.steps["after"].output) == (
        "succeeded",
        {"n": 4},
        {"n": 4},
    )
    assert seen.tried("it") == ["succeeded:resolved"]
    assert seen.attempts[0].error["message"] == "Ada said: happened"
    assert script.count("send_letter") == 1


def test_what_did_not_happen_is_tried_again_with_the_same_key(
    bench: Any, script: Any, uncertain: str
) -> None:
    resolve(bench, uncertain, Verdict.DID_NOT_HAPPEN)
    bench.work()
    seen = bench.look(uncertain)
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:resolved", "succeeded"])
    assert (script.count("send_letter"), len(script.keys("send_letter"))) == (2, 1)


def test_it_may_be_uncertain_again(bench: Any, script: Any, uncertain: str) -> None:
    script.next("send_letter", UnknownOutcomeError("lost again"))
    resolve(bench, uncertain, Verdict.DID_NOT_HAPPEN)
    bench.work()
    assert bench.look(uncertain).waits_for == "uncertain"
    resolve(bench, uncertain, Verdict.HAPPENED, {})
    bench.work()
    assert bench.look(uncertain).tried("it") == ["failed:resolved", "succeeded:resolved"]


def test_the_attempts_of_the_policy_do_not_bind_a_person(bench: Any, script: Any) -> None:
    script.next("send_letter", UnknownOutcomeError("lost"))
    execution_id = bench.run({**SEND, "retry": {"attempts": 1}}).execution.id
    resolve(bench, execution_id, Verdict.DID_NOT_HAPPEN)
    bench.work()
    assert bench.look(execution_id).status == "succeeded"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_workers_are_woken(verdict: Verdict, bench: Any, uncertain: str) -> None:
    before = len(bench.wakes)
    resolve(bench, uncertain, verdict, {})
    assert len(bench.wakes) == before + 1


def unchanged(bench: Any, execution_id: str, error: type[Exception], act: Any) -> Any:
    before = bench.look(execution_id)
    with pytest.raises(error) as caught:
        act()
    assert bench.look(execution_id) == before
    return caught.value


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_who_lacks_the_permission_changes_nothing(role: str, bench: Any, uncertain: str) -> None:
    held = {"role": role, "permissions": permissions_of(role)}
    error = unchanged(
        bench, uncertain, AccessError, lambda: resolve(bench, uncertain, Verdict.HAPPENED, {}, **held)
    )
    assert error.details == {"permission": "execution:resolve"}


def test_another_tenants_execution_is_not_there(bench: Any, uncertain: str) -> None:
    act = lambda: resolve(bench, uncertain, Verdict.HAPPENED, {}, tenant_id="ten_b")  # noqa: E731
    unchanged(bench, uncertain, NotFoundError, act)


@pytest.mark.parametrize(
    ("result", "expect"),
    [
        ({"n": "four"}, [("result.n", "type")]),
        ([], [("result", "type")]),
    ],
)
def test_a_result_that_is_given_must_fit(result: Any, expect: Any, bench: Any, uncertain: str) -> None:
    error = unchanged(
        bench, uncertain, InputError, lambda: resolve(bench, uncertain, Verdict.HAPPENED, result)
    )
    assert [(one.path, one.code) for one in error.problems] == expect


def test_without_a_result_it_happened_with_an_empty_one_where_that_fits(
    bench: Any, script: Any, uncertain: str
) -> None:
    resolve(bench, uncertain, Verdict.HAPPENED)
    bench.work()
    seen = bench.look(uncertain)
    assert (seen.status, seen.steps["it"].output) == ("succeeded", {})


def test_what_did_not_happen_has_all_its_attempts_and_all_its_time_again(bench: Any, script: Any) -> None:
    send = {**SEND, "retry": {"attempts": 2, "delay": 1, "jitter": 0}, "timeout": "1h"}
    script.next("send_letter", UnknownOutcomeError("lost"), RetryableError("busy"), {"n": 1})
    execution_id = bench.run(send).execution.id
    bench.clock.advance(7_200)
    resolve(bench, execution_id, Verdict.DID_NOT_HAPPEN)
    bench.work()
    assert bench.look(execution_id).waits_for == "retry"
    bench.pass_time(2)
    assert bench.look(execution_id).status == "succeeded"


def test_a_step_that_is_not_uncertain_cannot_be_resolved(bench: Any, uncertain: str) -> None:
    resolve(bench, uncertain, Verdict.HAPPENED, {})
    error = unchanged(
        bench, uncertain, ConflictError, lambda: resolve(bench, uncertain, Verdict.HAPPENED, {})
    )
    assert error.code == "not_uncertain"


def test_an_unknown_step_is_not_found(bench: Any, uncertain: str) -> None:
    act = lambda: resolve_step(  # noqa: E731
        bench.hub, bench.principal, uncertain, "none", Verdict.HAPPENED, {}
    )
    unchanged(bench, uncertain, NotFoundError, act)


def test_a_cancelled_execution_cannot_be_resolved_any_more(bench: Any, script: Any, uncertain: str) -> None:
    cancel_execution(bench.hub, bench.principal, uncertain)
    error = unchanged(
        bench, uncertain, ConflictError, lambda: resolve(bench, uncertain, Verdict.DID_NOT_HAPPEN)
    )
    assert error.code == "not_waiting"
    bench.work()
    assert script.count("send_letter") == 1
