"""What an approval covers: until when, while what is true, and exactly which call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from rig.approvals import WIRE, Desk, bank, enroll, person

from revolution_hub.catalog import Plugin
from revolution_hub.errors import AccessError, ConflictError
from revolution_hub.services import connections, executions, retries, versions
from revolution_hub.services import workflows as drafts
from revolution_hub.store import people
from revolution_hub.store import tables as t
from revolution_sdk.errors import RejectedError, RetryableError, UnknownOutcomeError

PAY = {"id": "pay", "uses": WIRE, "with": {"to": "{{ inputs.to }}", "amount": 100}}


@pytest.fixture(autouse=True)
def desk(bench: Any, script: Any) -> Desk:
    """Three who may decide, one who may only look, and the bank among the connectors."""
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner", cay="host", dan="viewer")
    return Desk(bench.hub)


def audited(bench: Any, action: str) -> int:
    with bench.hub.store.read("ten_a") as tx:
        query = sa.select(sa.func.count()).where(t.audit_entries.c.action == action)
        return int(tx.conn.execute(query).scalar_one())


def gated(**rule: Any) -> dict[str, Any]:
    """A step with a rule of its own."""
    return {"id": "pay", "uses": "bank.print_letter", "with": {"n": 1}, "approval": rule}


# Deadlines.


def test_a_deadline_without_an_answer_is_a_no(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = bench.start(gated(deadline="1h"))
    bench.work()
    asked = desk.one()
    bench.pass_time(3_599)
    assert bench.look(execution_id).waits_for == "approval"
    bench.pass_time(2)
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "approval_expired")
    with pytest.raises(ConflictError):
        desk.approve("bea", asked)
    assert (script.calls, audited(bench, "approval.expire")) == ([], 1)


def test_an_answer_behind_the_deadline_comes_too_late(bench: Any, script: Any, desk: Desk) -> None:
    bench.start(gated(deadline="1h"))
    bench.work()
    bench.clock.advance(3_601)
    with pytest.raises(ConflictError, match="deadline"):
        desk.approve()
    bench.work()
    assert script.calls == []


def test_a_deadline_escalates_once_for_as_long_again(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = bench.start(gated(deadline="1h", assignees=["usr_bea"], escalate_to=["usr_cay"]))
    bench.work()
    with pytest.raises(AccessError):
        desk.approve("cay", role="host")
    bench.pass_time(3_601)
    asked = desk.one()
    assert (asked.demands[0].escalated, asked.deadline_at) == (True, bench.hub.now() + timedelta(hours=1))
    desk.approve("cay", role="host")
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert (script.count("print_letter"), audited(bench, "approval.escalate")) == (1, 1)


def test_an_escalation_nobody_answers_is_a_no(bench: Any, desk: Desk) -> None:
    execution_id = bench.start(gated(deadline="1h", assignees=["usr_bea"], escalate_to=["usr_cay"]))
    bench.work()
    bench.pass_time(3_601)
    bench.pass_time(3_601)
    assert bench.look(execution_id).execution.error["code"] == "approval_expired"
    assert desk.all()[0].status == "expired"


# Between the yes and the call.


def test_an_approval_that_is_not_used_in_time_is_void(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = bench.start(gated(deadline="1h"))
    bench.work()
    desk.approve()
    bench.clock.advance(3 * 3_600)
    bench.work()
    assert bench.look(execution_id).execution.error["code"] == "approval_expired"
    assert script.calls == []


def demote(bench: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        people.set_role(tx, "usr_bea", "viewer")


def dismiss(bench: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        people.remove_membership(tx, "usr_bea")


def disable(bench: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(
            sa.update(t.users).where(t.users.c.id == "usr_bea").values(disabled_at=bench.hub.now())
        )


@pytest.mark.parametrize("change", [demote, dismiss, disable])
def test_whoever_may_not_agree_any_more_has_not_agreed(
    bench: Any, script: Any, desk: Desk, change: Callable[[Any], None]
) -> None:
    execution_id = bench.start(gated())
    bench.work()
    desk.approve("bea")
    change(bench)
    bench.work()
    assert bench.look(execution_id).execution.error["code"] == "approval_cancelled"
    assert (script.calls, desk.all()[0].status) == ([], "cancelled")


def unpublish(bench: Any, workflow_id: str) -> None:
    versions.unpublish_workflow(bench.hub, bench.principal, workflow_id)


def delete(bench: Any, workflow_id: str) -> None:
    drafts.delete_workflow(bench.hub, bench.principal, workflow_id)


@pytest.mark.parametrize("approved", [False, True], ids=["pending", "approved"])
@pytest.mark.parametrize("end", [unpublish, delete])
def test_a_workflow_that_is_gone_executes_nothing(
    bench: Any, script: Any, desk: Desk, end: Callable[[Any, str], None], approved: bool
) -> None:
    execution_id = bench.start(gated())
    bench.work()
    if approved:
        desk.approve()
    end(bench, bench.look(execution_id).execution.workflow_id)
    bench.work()
    assert bench.look(execution_id).execution.error["code"] == "approval_cancelled"
    assert (script.calls, desk.all()[0].status) == ([], "cancelled")


def test_what_waits_in_an_execution_that_was_cancelled_is_cancelled(bench: Any, desk: Desk) -> None:
    execution_id = bench.start(gated())
    bench.work()
    asked = desk.one()
    executions.cancel_execution(bench.hub, bench.principal, execution_id)
    with pytest.raises(ConflictError, match="ended"):
        desk.approve("bea", asked)
    bench.pass_time(1)
    assert desk.all()[0].status == "cancelled"


# What it is bound to.

INVITE = {"id": "ask", "uses": "club.invite_member", "with": {"who": "eve"}, "approval": {}}


def reauthorize(bench: Any, connection_id: str) -> None:
    connections.reauthorize(bench.hub, bench.principal, "club", connection_id, {"api_key": "k-2"})


def move_away(bench: Any, connection_id: str) -> None:
    change_row(bench, t.connections, t.connections.c.id == connection_id, base_url="https://evil.test")


def other_account(bench: Any, connection_id: str) -> None:
    change_row(bench, t.connections, t.connections.c.id == connection_id, account="another")


def other_input(bench: Any, connection_id: str) -> None:
    change_row(bench, t.step_executions, t.step_executions.c.step_id == "ask", input={"who": "mallory"})


def change_row(bench: Any, table: sa.Table, where: Any, **values: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        assert tx.conn.execute(sa.update(table).where(where).values(values)).rowcount == 1


def other_version(bench: Any, connection_id: str) -> None:
    newer = Plugin(name="club", distribution="revolution-club", version="2", connectors=("club",))
    bench.hub.catalog.plugins.append(newer)


@pytest.mark.parametrize(
    "mutate",
    [reauthorize, move_away, other_account, other_input, other_version],
    ids=lambda one: one.__name__,
)
def test_what_changes_after_the_yes_needs_a_new_one(
    bench: Any, script: Any, desk: Desk, mutate: Callable[[Any, str], None]
) -> None:
    connection_id = bench.connect()
    execution_id = bench.start(INVITE)
    bench.work()
    first = desk.one()
    desk.approve()
    mutate(bench, connection_id)
    bench.work()
    second = desk.one()
    assert (second.generation, second.digest != first.digest) == (2, True)
    assert (script.calls, bench.look(execution_id).waits_for) == ([], "approval")
    with pytest.raises(ConflictError):
        desk.approve("bea", first)
    desk.approve("bea", second)
    bench.work()
    assert script.count("invite_member") == 1


def test_a_connection_that_is_revoked_is_not_used(bench: Any, script: Any, desk: Desk) -> None:
    connection_id = bench.connect()
    execution_id = bench.start(INVITE)
    bench.work()
    desk.approve()
    change_row(bench, t.connections, t.connections.c.id == connection_id, status="disabled")
    bench.work()
    assert bench.look(execution_id).execution.error["code"] == "approval_cancelled"
    assert (script.calls, desk.all()[0].status) == ([], "cancelled")


def test_a_number_programs_do_not_read_alike_cannot_be_approved(bench: Any, desk: Desk) -> None:
    step = {"id": "pay", "uses": WIRE, "with": {"amount": 2**60}}
    assert bench.run(step).execution.error["code"] == "not_canonical"


# What one approval covers.


def test_the_automatic_retries_of_the_step_are_covered(bench: Any, script: Any, desk: Desk) -> None:
    script.next("set_limit", RetryableError("busy"), RetryableError("busy"))
    execution_id = bench.start({"id": "pay", "uses": "bank.set_limit", "retry": {"attempts": 3}})
    bench.work()
    desk.approve()
    bench.work()
    for _ in range(3):
        bench.pass_time(60)
    assert bench.look(execution_id).status == "succeeded"
    assert (script.count("set_limit"), len(desk.all())) == (3, 1)


def test_a_worker_that_vanishes_during_the_call_repeats_nothing(bench: Any, script: Any, desk: Desk) -> None:
    script.next("wire_money", bench.vanish())
    execution_id = bench.start(PAY, data={"to": "acme"})
    bench.work()
    desk.approve()
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.waits_for, script.count("wire_money"), len(desk.all())) == ("uncertain", 1, 1)
    executions.resolve_step(
        bench.hub, person("cay", "host"), execution_id, "pay", executions.Verdict.DID_NOT_HAPPEN, None
    )
    bench.work()
    assert (bench.look(execution_id).waits_for, script.count("wire_money")) == ("approval", 1)
    with pytest.raises(AccessError, match="asked for"):
        desk.approve("cay", role="host")
    desk.approve("bea")
    bench.work()
    assert (bench.look(execution_id).status, script.count("wire_money")) == ("succeeded", 2)


def test_a_retry_by_a_person_needs_a_new_one(bench: Any, script: Any, desk: Desk) -> None:
    script.next("wire_money", UnknownOutcomeError("?", code="timeout"), RejectedError("no"))
    execution_id = bench.start(PAY, data={"to": "acme"})
    bench.work()
    desk.approve()
    bench.work()
    assert bench.look(execution_id).waits_for == "uncertain"
    executions.resolve_step(
        bench.hub, bench.principal, execution_id, "pay", executions.Verdict.DID_NOT_HAPPEN, None
    )
    bench.work()
    desk.approve()
    bench.work()
    retries.retry_execution(bench.hub, bench.principal, execution_id)
    bench.work()
    assert (bench.look(execution_id).waits_for, desk.one().generation) == ("approval", 3)


def test_an_action_inside_an_action_waits_and_tells_its_result(bench: Any, script: Any, desk: Desk) -> None:
    step = {"id": "pay", "uses": "bank.run_batch", "with": {"uses": WIRE, "with": {"n": 1}}}
    execution_id = bench.start(step)
    bench.work()
    assert (bench.look(execution_id).waits_for, script.calls) == ("approval", [])
    desk.approve()
    bench.work()
    assert bench.look(execution_id).steps["pay"].output == {"got": {"did": "wire_money"}}
    assert script.count("wire_money") == 1


def test_an_action_inside_an_action_is_told_of_a_no(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = bench.start({"id": "pay", "uses": "bank.run_batch", "with": {"uses": WIRE}})
    bench.work()
    desk.reject()
    bench.work()
    assert bench.look(execution_id).steps["pay"].output == {"refused": "approval_rejected"}
    assert script.calls == []
