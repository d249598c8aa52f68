"""Rules of approvals under attack: rows H2, H4 and H5 beyond what is mutated and demoted elsewhere."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.approvals import WIRE, Desk, bank, enroll, person
from rig.asking import Asker

from revolution_hub.access.rbac import ROLES
from revolution_hub.errors import AccessError, ConflictError
from revolution_hub.services import approval_policies, members, roles, versions
from revolution_hub.services import workflows as drafts
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.store import people
from revolution_sdk import Connector

LETTER = "bank.print_letter"
RULE = {"assignees": ["owner"], "quorum": 2}


@pytest.fixture(autouse=True)
def desk(bench: Any, script: Any) -> Desk:
    """Two who may decide, and the bank among the connectors."""
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner")
    return Desk(bench.hub)


def gated(**rule: Any) -> dict[str, Any]:
    return {"id": "pay", "uses": LETTER, "with": {"n": 1}, "approval": rule}


def republish(bench: Any, execution_id: str, *steps: Any) -> None:
    """Publish other steps for the workflow of an execution."""
    workflow_id = bench.look(execution_id).execution.workflow_id
    stored = drafts.get_workflow(bench.hub, bench.principal, workflow_id)
    document = {**stored.document, "steps": list(steps)}
    drafts.replace_workflow(bench.hub, bench.principal, workflow_id, document, stored.revision)
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)


@pytest.mark.parametrize("approved", [False, True], ids=["before the yes", "after the yes"])
def test_h2_another_version_changes_nothing_of_what_was_asked(
    bench: Any, script: Any, desk: Desk, approved: bool
) -> None:
    execution_id = bench.start(gated())
    bench.work()
    asked = desk.one()
    if approved:
        desk.approve()
    republish(bench, execution_id, {"id": "pay", "uses": WIRE, "with": {"to": "eve"}})
    if not approved:
        desk.approve()
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.calls == [("print_letter", asked.content["input"], f"{execution_id}.pay")]


def test_h2_another_target_needs_a_new_yes(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = bench.start({"id": "pay", "uses": WIRE})
    bench.work()
    first = desk.one()
    desk.approve()
    moved: Connector = bench.hub.catalog.connectors["bank"]
    moved.hosts = ("api.evil.test",)
    bench.work()
    second = desk.one()
    assert (second.generation, second.digest != first.digest) == (2, True)
    assert (second.content["hosts"], script.calls) == (["api.evil.test"], [])
    assert bench.look(execution_id).waits_for == "approval"


def test_h4_nobody_without_the_permission_touches_a_rule(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    made = owner.ask("POST", "/api/approval-policies", {"pattern": "bank.*", "rule": RULE})
    path = f"/api/approval-policies/{made['id']}"
    weak = [one for one in ROLES if "approval:policy" not in ROLES[one]]
    assert {"editor", "operator", "viewer", "approver"} <= set(weak)
    for asking in map(asker_of, weak):
        for method, at, body in (
            ("POST", "/api/approval-policies", {"pattern": "bank.*", "rule": {"quorum": 1}}),
            ("DELETE", path, None),
        ):
            answer = asking.call(method, at, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "approval:policy" in answer.json()["detail"]
    # There is no way to change one in its place, for anybody.
    for method in ("PUT", "PATCH"):
        assert owner.call(method, path, {"quorum": 1}).status_code == 405
    assert owner.ask("GET", "/api/approval-policies")["items"] == [made]


def test_h4_a_second_rule_takes_nothing_from_the_first(bench: Any, script: Any, desk: Desk) -> None:
    for rule in (RULE, {"quorum": 1}):
        wanted = NewPolicy(pattern=LETTER, rule=rule)
        approval_policies.create_policy(bench.hub, person("ada"), wanted)
    bench.start({"id": "pay", "uses": LETTER})
    bench.work()
    desk.approve("ada")
    bench.work()
    assert script.calls == []
    desk.approve("bea")
    bench.work()
    assert script.count("print_letter") == 1


def test_h4_who_edits_the_workflow_takes_no_rule_of_the_tenant_away(
    bench: Any, script: Any, desk: Desk
) -> None:
    approval_policies.create_policy(bench.hub, person("ada"), NewPolicy(pattern=LETTER, rule=RULE))
    first = bench.start(gated(assignees=["owner"], quorum=2))
    bench.work()
    asked = desk.one()
    republish(bench, first, {"id": "pay", "uses": LETTER, "with": {"n": 1}})
    desk.approve("ada", asked)
    bench.work()
    # What was asked before still wants two, and so does what is asked from now on.
    assert script.calls == []
    desk.approve("bea", asked)
    bench.work()
    assert script.count("print_letter") == 1
    bench.start({"id": "pay", "uses": LETTER})
    bench.work()
    desk.approve("ada")
    bench.work()
    assert script.count("print_letter") == 1


@pytest.mark.parametrize(("name", "role"), [("dan", "editor"), ("eve", "viewer")])
def test_h4_nobody_makes_themselves_an_approver(bench: Any, name: str, role: str) -> None:
    enroll(bench.hub, **{name: role})
    who = person(name, role)
    with pytest.raises(AccessError):
        members.change_role(bench.hub, who, who.id, "approver")
    with pytest.raises(AccessError):
        roles.create_role(bench.hub, who, "judge", "", ["approval:decide"])


def gone(bench: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        for name in ("usr_ada", "usr_bea"):
            people.remove_membership(tx, name)


def demoted(bench: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        for name in ("usr_ada", "usr_bea"):
            people.set_role(tx, name, "role that is no more")


@pytest.mark.parametrize("change", [gone, demoted])
def test_h5_what_nobody_can_grant_any_more_is_refused_in_the_end(
    bench: Any, script: Any, desk: Desk, change: Callable[[Any], None]
) -> None:
    execution_id = bench.start(gated(assignees=["owner"], deadline="1h"))
    bench.work()
    asked = desk.one()
    change(bench)
    for name in ("ada", "bea"):
        with pytest.raises((AccessError, ConflictError)):
            desk.approve(name, asked)
    bench.pass_time(3_601)
    assert bench.look(execution_id).execution.error["code"] == "approval_expired"
    assert (script.calls, desk.all()[0].status) == ([], "expired")


def test_h5_a_rule_of_which_the_role_was_deleted_asks_nobody_and_calls_nothing(
    bench: Any, owner: Asker, script: Any, desk: Desk
) -> None:
    owner.ask("POST", "/api/roles", {"name": "judge", "permissions": ["approval:decide", "approval:read"]})
    enroll(bench.hub, joe="judge")
    rule = {"assignees": ["judge"]}
    owner.ask("POST", "/api/approval-policies", {"pattern": LETTER, "rule": rule})
    with bench.hub.store.begin("ten_a") as tx:
        people.remove_membership(tx, "usr_joe")
    owner.ask("DELETE", "/api/roles/judge", if_match='"1"')
    seen = bench.run({"id": "pay", "uses": LETTER})
    assert (seen.status, seen.execution.error["code"]) == ("failed", "approval_orphaned")
    assert (script.calls, desk.all()) == ([], [])
