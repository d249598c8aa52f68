"""Whatever people, clocks and crashes do in whatever order: what runs was approved, and runs at most once."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rig.approvals import Desk, bank, enroll, person

from revolution_hub.engine.recover import sweep
from revolution_hub.errors import HubError
from revolution_hub.model.approval_digest import digest_of
from revolution_hub.services import approvals, executions, replays, retries, starts
from revolution_hub.services.approvals import Answer, Decision
from revolution_hub.services.replays import Wish
from revolution_hub.store import people
from revolution_hub.store import tables as t
from revolution_sdk.errors import RejectedError

EXAMPLES = {"sqlite": 8, "postgresql": 3}
WHO = ("ada", "bea", "cay")
RULE = {"assignees": ["owner", "host"], "quorum": 2, "deadline": "2h", "escalate_to": ["usr_cay"]}
PAY = {"id": "pay", "uses": "bank.wire_money", "with": {"n": "{{ inputs.n }}"}, "approval": RULE}
TELL = {"id": "pay", "emit": {"event": "custom.paid", "data": {"n": "{{ inputs.n }}"}}, "approval": RULE}


class Approving(RuleBasedStateMachine):
    """A bank whose transfers two people have to agree to, and everything that may come between."""

    bench: Any
    step: Any = PAY
    entries = 0

    def __init__(self) -> None:
        super().__init__()
        Approving.entries += 1
        self.bench.script.calls.clear()
        self.bench.script.plays.clear()
        self.desk = Desk(self.bench.hub)
        with self.bench.hub.store.begin("ten_a") as tx:
            for table in (
                t.approvals,
                t.approval_votes,
                t.approval_requesters,
                t.step_executions,
                t.attempts,
                t.events,
            ):
                tx.conn.execute(sa.delete(table))
            tx.conn.execute(sa.delete(t.executions))
            for name in WHO:
                people.set_role(tx, f"usr_{name}", "host" if name == "cay" else "owner")
        self.workflow_id = self.publish()
        self.started: list[str] = []
        self.failing = False

    def publish(self) -> str:
        made = self.bench.publish(self.step, name=f"pay {Approving.entries}")
        return str(made.workflow.id)

    def given(self, n: int) -> Any:
        """The step's input."""
        return {"n": n}

    def ran(self) -> Counter[tuple[str, str]]:
        """What was done, by execution and input."""
        return Counter((key.partition(".")[0], str(value)) for _, value, key in self.bench.script.calls)

    def newest(self) -> str:
        return self.started[-1]

    @rule(n=st.integers(0, 2))
    def start(self, n: int) -> None:
        made, _ = starts.execute_workflow(
            self.bench.hub, self.bench.principal, self.workflow_id, {"n": n}, None
        )
        self.started.append(made)

    @rule(who=st.sampled_from(WHO), decision=st.sampled_from(list(Decision)), which=st.integers(0, 5))
    def answer(self, who: str, decision: Decision, which: int) -> None:
        found = self.desk.all()
        if found:
            asked = found[which % len(found)]
            with suppress(HubError):
                approvals.decide_approval(
                    self.bench.hub,
                    person(who, "host" if who == "cay" else "owner"),
                    asked.id,
                    Answer(decision=decision),
                )

    @rule()
    def agree(self) -> None:
        """Most runs should come to a call, so two people agree to whatever is asked."""
        for asked in self.desk.all(status="pending"):
            for who in WHO:
                self.answer_one(who, asked.id)

    def answer_one(self, who: str, approval_id: str) -> None:
        with suppress(HubError):
            approvals.decide_approval(
                self.bench.hub,
                person(who, "host" if who == "cay" else "owner"),
                approval_id,
                Answer(decision=Decision.APPROVE),
            )

    @initialize(n=st.integers(0, 2))
    def begin(self, n: int) -> None:
        self.start(n)
        self.work()

    @precondition(lambda self: self.started)
    @rule(n=st.integers(3, 5))
    def something_changes_between_yes_and_call(self, n: int) -> None:
        self.agree()
        self.input_is_changed(n)
        self.work()

    @rule()
    def work(self) -> None:
        self.bench.work()

    @rule(seconds=st.sampled_from([1, 1_800, 7_201]))
    def time_passes(self, seconds: int) -> None:
        self.bench.clock.advance(seconds)
        sweep(self.bench.hub)

    @rule(who=st.sampled_from(WHO), role=st.sampled_from(["viewer", "owner", "host"]))
    def role_changes(self, who: str, role: str) -> None:
        with self.bench.hub.store.begin("ten_a") as tx:
            people.set_role(tx, f"usr_{who}", role)

    @precondition(lambda self: self.started)
    @rule(n=st.integers(3, 5))
    def input_is_changed(self, n: int) -> None:
        table = t.step_executions
        with self.bench.hub.store.begin("ten_a") as tx:
            tx.conn.execute(
                sa.update(table)
                .where(table.c.execution_id == self.newest(), table.c.attempts == 0)
                .values(input=self.given(n))
            )

    @precondition(lambda self: self.started)
    @rule(again=st.sampled_from(["replay", "from the step", "retry", "did not happen", "cancel"]))
    def somebody_goes_on(self, again: str) -> None:
        hub, principal, newest = self.bench.hub, self.bench.principal, self.newest()
        ways: dict[str, Callable[[], Any]] = {
            "replay": lambda: replays.replay_execution(hub, principal, newest, Wish())[0],
            "from the step": lambda: replays.replay_execution(hub, principal, newest, Wish(from_step="pay"))[
                0
            ],
            "retry": lambda: retries.retry_execution(hub, principal, newest).id,
            "did not happen": lambda: (
                executions.resolve_step(
                    hub, principal, newest, "pay", executions.Verdict.DID_NOT_HAPPEN, None
                ).id
            ),
            "cancel": lambda: executions.cancel_execution(hub, principal, newest).execution.id,
        }
        with suppress(HubError):
            made = ways[again]()
            if made not in self.started:
                self.started.append(made)

    @rule(trouble=st.sampled_from(["crash", "refusal"]))
    def the_next_call_goes_wrong(self, trouble: str) -> None:
        waiting = self.bench.script.plays.setdefault("wire_money", [])
        if not waiting:
            waiting.append(self.bench.vanish() if trouble == "crash" else RejectedError("no"))

    @invariant()
    def what_ran_was_approved_and_ran_once(self) -> None:
        used = [one for one in self.desk.all() if one.status == "used"]
        ran = self.ran()
        allowed = Counter((one.execution_id, str(one.content["input"])) for one in used)
        assert ran <= allowed, (ran, allowed)

    @invariant()
    def what_was_used_is_what_two_people_agreed_to(self) -> None:
        for one in self.desk.all():
            whole = approvals.get_approval(self.bench.hub, person("ada"), one.id)
            assert digest_of(whole.content) == one.digest
            if one.status == "used":
                agreed = {vote.user_id for vote in one.votes if vote.decision is Decision.APPROVE}
                assert len(agreed) >= 2, one
                assert all(vote.at <= one.used_at for vote in one.votes)

    def teardown(self) -> None:
        """Whatever was left is cancelled, and then nothing waits for anybody."""
        for one in self.started:
            with suppress(HubError):
                executions.cancel_execution(self.bench.hub, self.bench.principal, one)
        sweep(self.bench.hub)
        assert [one.status for one in self.desk.all() if one.status in ("pending", "approved")] == []


class Telling(Approving):
    """The same with a step that calls no action."""

    step = TELL

    def given(self, n: int) -> Any:
        return {"data": {"n": n}}

    def ran(self) -> Counter[tuple[str, str]]:
        """An event leaves with the step's record, and names its execution."""
        found: Counter[tuple[str, str]] = Counter()
        with self.bench.hub.store.read("ten_a") as tx:
            query = sa.select(t.events.c.dedup_key, t.events.c.data).where(t.events.c.type == "custom.paid")
            for key, data in tx.conn.execute(query):
                found[key.partition(".")[0], str({"data": data})] += 1
        return found


@pytest.mark.parametrize("machine", [Approving, Telling])
def test_at_most_one_execution_of_exactly_what_was_approved(
    bench: Any, script: Any, backend: str, machine: type[Approving]
) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner", cay="host")
    some = settings(
        max_examples=EXAMPLES[backend], stateful_step_count=12, deadline=None, suppress_health_check=checks
    )
    run_state_machine_as_test(type("Machine", (machine,), {"bench": bench}), settings=some)
