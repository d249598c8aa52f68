"""Approvals from the question to the call: who may answer, and what comes of it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from rig.approvals import WIRE, Desk, bank, enroll, person

from revolution_hub.errors import AccessError, ConflictError, NotFoundError
from revolution_hub.model.approval import Decision
from revolution_hub.model.principal import Kind, Principal
from revolution_hub.services import approval_policies, approvals, retries
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.services.approvals import Answer, Wanted
from revolution_hub.services.emitting import NewEvent, emit_event
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_sdk.errors import RejectedError

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


def test_a_critical_action_waits_as_a_row_and_goes_on_with_exactly_what_was_approved(
    bench: Any, script: Any, desk: Desk
) -> None:
    execution_id = bench.start(PAY, data={"to": "acme"})
    bench.work()
    seen = bench.look(execution_id)
    asked = desk.one()
    assert (seen.status, seen.waits_for, seen.execution.wait_on) == ("waiting", "approval", asked.id)
    assert script.calls == []
    assert asked.content == approvals.get_approval(bench.hub, person("dan", "operator"), asked.id).content
    assert asked.content["input"] == {"to": "acme", "amount": 100}
    assert asked.content["hosts"] == ["api.bank.test"]
    desk.approve()
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.calls == [("wire_money", {"to": "acme", "amount": 100}, f"{execution_id}.pay")]
    used = desk.all()[0]
    assert (used.status, used.used_attempt, [one.user_id for one in used.votes]) == ("used", 1, ["usr_bea"])


@pytest.mark.parametrize("uses", ["bank.set_limit", "bank.read_balance", WIRE])
def test_every_effect_waits_and_is_called_once(bench: Any, script: Any, desk: Desk, uses: str) -> None:
    execution_id = bench.start({"id": "pay", "uses": uses})
    bench.work()
    assert script.calls == []
    desk.approve()
    bench.work()
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert len(script.calls) == 1


def test_a_no_fails_the_step_and_the_workflow_may_provide_for_it(bench: Any, script: Any, desk: Desk) -> None:
    provided = {**PAY, "with": {}, "on_error": {"continue": {"code": "{{ error.code }}"}}}
    execution_id = bench.start(provided, {"id": "after", "set": {"was": "{{ steps.pay.code }}"}})
    bench.work()
    desk.reject(comment="too much")
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["after"].output) == ("succeeded", {"was": "approval_rejected"})
    assert "too much" in seen.steps["pay"].error["message"]
    assert script.calls == []


def test_what_needs_no_approval_is_called_at_once(bench: Any, script: Any, desk: Desk) -> None:
    assert bench.run({"id": "a", "uses": "bank.print_letter"}).status == "succeeded"
    assert desk.all() == []


def test_a_message_is_rendered_once_and_told(bench: Any, desk: Desk) -> None:
    bench.start(gated(message="Pay {{ inputs.to }}?"), data={"to": "acme"})
    bench.work()
    assert desk.one().message == "Pay acme?"


# Who may answer.


def test_as_many_different_people_are_needed_as_the_quorum_says(bench: Any, script: Any, desk: Desk) -> None:
    bench.start(gated(assignees=["owner", "host"], quorum=2))
    bench.work()
    desk.approve("ada")
    with pytest.raises(ConflictError, match="already"):
        desk.approve("ada")
    bench.work()
    assert script.calls == []
    desk.approve("cay", role="host")
    bench.work()
    assert len(script.calls) == 1


def test_the_strictest_combination_holds(bench: Any, script: Any, desk: Desk) -> None:
    approval_policies.create_policy(
        bench.hub, bench.principal, NewPolicy(pattern="bank.*", rule={"assignees": ["usr_cay"]})
    )
    bench.start({**gated(assignees=["owner"]), "uses": WIRE})
    bench.work()
    asked = desk.one()
    assert asked.demands[0].source == "step"
    desk.approve("ada", asked)
    bench.work()
    assert script.calls == []
    desk.approve("cay", asked, role="host")
    bench.work()
    assert len(script.calls) == 1


REFUSED = {
    "a key": (Principal(id="key_owner", tenant_id="ten_a", role="owner"), "person_needed"),
    "a service": (
        Principal(id="svc_1", tenant_id="ten_a", role="owner", kind=Kind.SERVICE),
        "person_needed",
    ),
    "who asked": (person("ada"), "own_request"),
    "who is no member": (person("eve"), "not_assigned"),
    "who is another": (person("cay", "host"), "not_assigned"),
}


@pytest.mark.parametrize("who", REFUSED)
def test_an_answer_of_somebody_else_counts_for_nothing_and_is_audited(
    bench: Any, script: Any, desk: Desk, who: str
) -> None:
    principal, code = REFUSED[who]
    allowed = {name: getattr(principal, name) for name in ("id", "tenant_id", "role", "kind")}
    principal = Principal(**allowed, permissions=frozenset({"approval:decide"}))
    bench.principal = person("ada")
    bench.start(gated(assignees=["owner"]))
    bench.work()
    with pytest.raises(AccessError) as raised:
        approvals.decide_approval(bench.hub, principal, desk.one().id, Answer(decision=Decision.APPROVE))
    assert raised.value.code == code
    bench.work()
    assert (script.calls, audited(bench, "approval.refuse")) == ([], 1)


def test_whoever_lacks_the_permission_is_refused_before_anything_is_read(bench: Any, desk: Desk) -> None:
    bench.start(gated())
    bench.work()
    with pytest.raises(AccessError, match="approval:decide"):
        desk.approve("dan", role="viewer")


def test_a_key_does_not_hide_who_made_it(bench: Any, script: Any, desk: Desk) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        values = {"id": "key_owner", "tenant_id": "ten_a", "name": "k", "key_hash": "h", "role": "owner"}
        tx.conn.execute(sa.insert(t.api_keys).values(**values, created_at=bench.hub.now(), made_by="usr_bea"))
    bench.start(gated())
    bench.work()
    assert desk.one().requesters == ("usr_bea",)
    with pytest.raises(AccessError, match="asked for"):
        desk.approve("bea")


def test_who_published_it_asked_for_what_starts_by_itself(bench: Any, desk: Desk) -> None:
    bench.principal = person("ada")
    bench.publish(gated(), on=[{"event": "custom.due"}])
    emit(bench)
    bench.work()
    assert desk.one().requesters == ("usr_ada",)


def emit(bench: Any) -> None:
    emit_event(bench.hub, person("cay", "host"), NewEvent(type="custom.due", data={}))


def test_whoever_has_a_failed_execution_go_on_asked_for_it_as_well(
    bench: Any, script: Any, desk: Desk
) -> None:
    script.next("print_letter", RejectedError("no"))
    execution_id = bench.start(gated())
    bench.work()
    desk.approve("bea")
    bench.work()
    retries.retry_execution(bench.hub, person("bea"), execution_id)
    bench.work()
    with pytest.raises(AccessError, match="asked for"):
        desk.approve("bea")
    desk.approve("ada")
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("print_letter") == 2


@pytest.mark.parametrize("rule", [{"assignees": ["usr_gone"]}, {"assignees": ["nobody"]}, {"quorum": 9}])
def test_a_rule_that_names_nobody_fails_closed(
    bench: Any, script: Any, desk: Desk, rule: dict[str, Any]
) -> None:
    seen = bench.run(gated(**rule))
    assert (seen.status, seen.execution.error["code"]) == ("failed", "approval_orphaned")
    assert (script.calls, desk.all()) == ([], [])


def test_a_change_of_the_rule_does_not_reach_what_was_asked_before(
    bench: Any, script: Any, desk: Desk
) -> None:
    made = approval_policies.create_policy(
        bench.hub, person("ada"), NewPolicy(pattern="bank.print_letter", rule={"quorum": 2})
    )
    execution_id = bench.start({"id": "pay", "uses": "bank.print_letter"})
    bench.work()
    approval_policies.delete_policy(bench.hub, person("ada"), made.id)
    desk.approve("ada")
    bench.pass_time(60)
    assert (bench.look(execution_id).waits_for, script.calls) == ("approval", [])
    desk.approve("bea")
    bench.work()
    assert script.count("print_letter") == 1


CHANGES: dict[str, Callable[[Any], Any]] = {
    "create": lambda hub: approval_policies.create_policy(
        hub, person("dan", "viewer"), NewPolicy(pattern="*", rule={})
    ),
    "delete": lambda hub: approval_policies.delete_policy(hub, person("dan", "viewer"), "apl_1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_who_may_not_change_the_rules_cannot(bench: Any, change: str) -> None:
    with pytest.raises(AccessError, match="approval:policy"):
        CHANGES[change](bench.hub)


# Seeing what one is asked.


def test_people_see_what_waits_for_them_and_nobody_sees_another_tenants(bench: Any, desk: Desk) -> None:
    bench.principal = person("ada")
    bench.start(gated(assignees=["owner"]))
    bench.work()
    asked = desk.one()
    page = Page(limit=10)

    def mine(name: str, role: str = "owner") -> list[str]:
        found, _ = approvals.list_approvals(bench.hub, person(name, role), page, Wanted(mine=True))
        return [one.id for one in found]

    assert mine("bea") == [asked.id]
    assert (mine("ada"), mine("cay", "host"), mine("dan", "operator")) == ([], [], [])
    enroll(bench.hub, "ten_b", zoe="owner")
    stranger = person("zoe", tenant_id="ten_b")
    assert approvals.list_approvals(bench.hub, stranger, page, Wanted())[0] == []
    with pytest.raises(NotFoundError):
        approvals.get_approval(bench.hub, stranger, asked.id)
    with pytest.raises(NotFoundError):
        approvals.decide_approval(bench.hub, stranger, asked.id, Answer(decision=Decision.APPROVE))
