"""Every way to the same effect stops at the same gate, which is keyed by the action."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from rig.approvals import WIRE, Desk, bank, enroll, person

from revolution_hub.bus.schedule import fire_due
from revolution_hub.errors import DefinitionError
from revolution_hub.services import approval_policies, dry_run, executions, replays, retries, starts, versions
from revolution_hub.services import workflows as drafts
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.services.dry_run import Rehearsal
from revolution_hub.services.emitting import NewEvent, emit_event
from revolution_hub.services.event_replays import Goal, replay_event
from revolution_hub.services.integrations import run_action
from revolution_hub.services.pins import Wanted
from revolution_hub.services.replays import Wish
from revolution_hub.services.starts import Trial
from revolution_sdk.errors import RejectedError, UnknownOutcomeError

LETTER = "bank.print_letter"


@dataclass(frozen=True, slots=True)
class Case:
    """A bench, the action that needs an approval, and how people answer."""

    bench: Any
    desk: Desk
    uses: str

    @property
    def name(self) -> str:
        return self.uses.partition(".")[2]

    @property
    def calls(self) -> int:
        return int(self.bench.script.count(self.name))

    def step(self, **more: Any) -> dict[str, Any]:
        return {"id": "pay", "uses": self.uses, "with": {"n": 1}, **more}

    def done(self) -> str:
        """An execution whose call was approved and made."""
        execution_id = self.bench.start(self.step())
        self.bench.work()
        self.desk.approve()
        self.bench.work()
        assert self.calls == 1
        return str(execution_id)

    def failed(self) -> str:
        """An execution whose call was approved and refused by the provider."""
        self.bench.script.next(self.name, RejectedError("no"))
        return self.done()


def by_hand(case: Case) -> None:
    case.bench.start(case.step())


def by_itself(case: Case) -> None:
    run_action(
        case.bench.hub, case.bench.principal, case.uses, {"n": 1}, connection=None, idempotency_key=None
    )


def by_event(case: Case) -> None:
    case.bench.publish(case.step(), on=[{"event": "custom.due"}])
    emit_event(case.bench.hub, case.bench.principal, NewEvent(type="custom.due", data={}))


def by_replayed_event(case: Case) -> None:
    made = emit_event(case.bench.hub, case.bench.principal, NewEvent(type="custom.due", data={}))
    workflow_id = case.bench.publish(case.step(), on=[{"event": "custom.due"}]).workflow.id
    replay_event(case.bench.hub, case.bench.principal, made.event_id, Goal(workflow_id=workflow_id))


def by_schedule(case: Case) -> None:
    case.bench.publish(case.step(), on=[{"schedule": {"every": "1h"}}])
    case.bench.clock.advance(timedelta(hours=1, minutes=1).total_seconds())
    fire_due(case.bench.hub)


def by_sub_workflow(case: Case) -> None:
    case.bench.publish(case.step(), name="inner", on=[{"manual": {}}])
    case.bench.start({"id": "go", "call": "inner"})


def in_a_branch(case: Case) -> None:
    case.bench.start({"id": "go", "parallel": {"one": [case.step()]}})


def in_an_item(case: Case) -> None:
    case.bench.start({"id": "go", "for_each": [1], "steps": [case.step()]})


def behind_an_error(case: Case) -> None:
    case.bench.script.next("put_page", RejectedError("no"))
    case.bench.start({"id": "go", "uses": "lab.put_page", "on_error": {"steps": [case.step()]}})


def after_a_failure(case: Case) -> None:
    case.bench.script.next("put_page", RejectedError("no"))
    case.bench.start({"id": "go", "uses": "lab.put_page"}, on_failure={"steps": [case.step()]})


def within_an_action(case: Case) -> None:
    case.bench.start({"id": "go", "uses": "bank.run_batch", "with": {"uses": case.uses, "with": {"n": 1}}})


def as_a_draft(case: Case) -> None:
    document = {"name": "draft", "steps": [case.step()]}
    draft = drafts.create_workflow(case.bench.hub, case.bench.principal, document)
    starts.execute_workflow(case.bench.hub, case.bench.principal, draft.id, {}, None, Trial(draft=True))


def beside_what_is_pinned(case: Case) -> None:
    document = {"name": "pinned", "steps": [{"id": "first", "uses": "lab.put_page"}, case.step()]}
    draft = drafts.create_workflow(case.bench.hub, case.bench.principal, document)
    trial = Trial(draft=True, wanted=Wanted(pins={"first": {"n": 1}}))
    starts.execute_workflow(case.bench.hub, case.bench.principal, draft.id, {}, None, trial)


def by_replay(case: Case) -> None:
    replays.replay_execution(case.bench.hub, case.bench.principal, case.done(), Wish())


def by_replay_from_the_step(case: Case) -> None:
    replays.replay_execution(case.bench.hub, case.bench.principal, case.done(), Wish(from_step="pay"))


def by_replay_with_another_input(case: Case) -> None:
    wish = Wish(from_step="pay", inputs={"pay": {"n": 2}})
    replays.replay_execution(case.bench.hub, case.bench.principal, case.done(), wish)


def by_another_version(case: Case) -> None:
    execution_id = case.done()
    workflow_id = case.bench.look(execution_id).execution.workflow_id
    stored = drafts.get_workflow(case.bench.hub, case.bench.principal, workflow_id)
    document = {**stored.document, "description": "another"}
    drafts.replace_workflow(case.bench.hub, case.bench.principal, workflow_id, document, stored.revision)
    versions.publish_workflow(case.bench.hub, case.bench.principal, workflow_id)
    replays.replay_execution(case.bench.hub, case.bench.principal, execution_id, Wish(version="published"))


def by_retry(case: Case) -> None:
    retries.retry_execution(case.bench.hub, case.bench.principal, case.failed())


def by_retry_with_another_input(case: Case) -> None:
    retries.retry_execution(case.bench.hub, case.bench.principal, case.failed(), {"n": 2})


def by_saying_it_did_not_happen(case: Case) -> None:
    case.bench.script.next(case.name, UnknownOutcomeError("?", code="timeout"))
    execution_id = case.done()
    executions.resolve_step(
        case.bench.hub,
        case.bench.principal,
        execution_id,
        "pay",
        executions.Verdict.DID_NOT_HAPPEN,
        None,
    )


WAYS: list[Callable[[Case], None]] = [
    by_hand,
    by_itself,
    by_event,
    by_replayed_event,
    by_schedule,
    by_sub_workflow,
    in_a_branch,
    in_an_item,
    behind_an_error,
    after_a_failure,
    within_an_action,
    as_a_draft,
    beside_what_is_pinned,
    by_replay,
    by_replay_from_the_step,
    by_replay_with_another_input,
    by_another_version,
    by_retry,
    by_retry_with_another_input,
    by_saying_it_did_not_happen,
]


@pytest.fixture
def desk(bench: Any, script: Any) -> Desk:
    """Two who may decide, and the bank among the connectors."""
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner")
    return Desk(bench.hub)


@pytest.mark.parametrize("way", WAYS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("uses", [WIRE, LETTER], ids=["critical", "policy"])
def test_no_way_leads_around_the_gate(bench: Any, desk: Desk, uses: str, way: Callable[[Case], None]) -> None:
    case = Case(bench, desk, uses)
    approval_policies.create_policy(bench.hub, bench.principal, NewPolicy(pattern=LETTER, rule={}))
    way(case)
    before = case.calls
    bench.work()
    bench.pass_time(60)
    assert case.calls == before
    desk.approve()
    bench.work()
    bench.pass_time(60)
    assert case.calls == before + 1
    assert desk.all(status="pending") == []


def test_a_dry_run_says_that_people_would_be_asked_and_calls_nothing(bench: Any, desk: Desk) -> None:
    steps = [{"id": "a", "uses": WIRE}, {"id": "b", "uses": LETTER, "approval": {"assignees": ["owner"]}}]
    workflow_id = bench.publish(*steps, {"id": "c", "uses": LETTER}).workflow.id
    told = dry_run.dry_run(bench.hub, bench.principal, workflow_id, Rehearsal(data={}))
    assert [one.approval for one in told.steps] == [["critical"], ["step"], []]
    assert bench.script.calls == []


@pytest.mark.parametrize("word", ["approved", "status", "digest", "votes"])
def test_a_document_cannot_bring_its_approval_along(bench: Any, desk: Desk, word: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        bench.publish({"id": "pay", "uses": WIRE, "approval": {word: True}})
    assert [one.path for one in raised.value.problems] == [f"steps[0].approval.{word}"]


def test_a_pinned_result_stands_for_the_call_and_needs_nobody(bench: Any, desk: Desk) -> None:
    document = {"name": "pinned", "steps": [{"id": "pay", "uses": WIRE}]}
    draft = drafts.create_workflow(bench.hub, bench.principal, document)
    trial = Trial(draft=True, wanted=Wanted(pins={"pay": {"did": "pinned"}}))
    execution_id, _ = starts.execute_workflow(bench.hub, bench.principal, draft.id, {}, None, trial)
    bench.work()
    assert (bench.look(execution_id).status, bench.script.calls) == ("succeeded", [])
    assert desk.all() == []


def test_who_replays_is_who_asked(bench: Any, desk: Desk) -> None:
    case = Case(bench, desk, WIRE)
    execution_id = case.done()
    replays.replay_execution(bench.hub, person("ada"), execution_id, Wish())
    bench.work()
    assert desk.one().requesters == ("usr_ada",)
