"""No state without an owner: whatever happens to executions, each can still be brought to an end."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.recover import replace_worker, sweep
from revolution_hub.model.change import Duplicate, Fenced, Intake, Move, Progress, Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import (
    ENDED,
    OWNERS,
    ConnectionStatus,
    ExecutionStatus,
    Owner,
    StepStatus,
    WaitReason,
)
from revolution_hub.store import across, connections, endings, executions
from revolution_hub.store import tables as t
from revolution_hub.store.submit import submit

EXAMPLES = {"sqlite": 20, "postgresql": 6}
STEPS = 25
WORKERS = ("wrk_1", "wrk_2", "wrk_3")
TENANTS = ("ten_a", "ten_b")
CONNECTION = "con_1"
FAR_AHEAD = timedelta(days=30)
SWEEPS = 3

tenants = st.sampled_from(TENANTS)
workers = st.sampled_from(WORKERS)
numbers = st.integers(0, 99)
moments = st.sampled_from([None, -3600, 0, 10, 3600])
DAMAGE: dict[str, tuple[str, dict[str, Any]]] = {
    "a lease without end": ("running", {"lease_until": None}),
    "a lease without owner": ("running", {"lease_owner": None, "lease_until": None}),
    "a wait without moment": ("waiting", {"wake_at": None}),
    "a wait without reason": ("waiting", {"wait_reason": None}),
    "a wait for something unheard of": ("waiting", {"wait_reason": "eclipse"}),
    "a wait for a turn in no line": ("waiting", {"wait_reason": "turn"}),
    "a wait for children that are not there": ("waiting", {"wait_reason": "children"}),
    "a wait for no connection": ("waiting", {"wait_reason": "connection", "wait_on": None}),
    "a wait for a connection that is gone": (
        "waiting",
        {"wait_reason": "connection", "wait_on": "con_gone", "connection_id": "con_gone"},
    ),
}


class Life(RuleBasedStateMachine):
    """Everything that happens to executions, in any order. `drives` are claims, most of them overtaken."""

    def __init__(self, bench: Any, make: Any) -> None:
        super().__init__()
        self.make, self.clock, self.store = make, bench.clock, bench.hub.store
        self.begun = bench.clock.now
        few = replace(bench.hub.settings, tenant_running=3, connection_running=2)
        self.hub = replace(bench.hub, settings=few)
        self.drives: list[Execution] = []
        self.fences: dict[str, set[int]] = defaultdict(set)
        self.ended: dict[str, dict[str, Any]] = {}
        self.steps: dict[tuple[str, str], dict[str, Any]] = {}
        with self.store.begin_across() as tx:
            for table in (t.executions, t.step_executions, t.attempts, t.events, t.deliveries, t.connections):
                tx.conn.execute(sa.delete(table))
        with self.store.begin("ten_a") as tx:
            connections.add(tx, make.connection(id=CONNECTION, status=ConnectionStatus.NEEDS_REAUTH))
        for tenant in TENANTS * 2:
            self.start(tenant, None, 0)
        self.claim("wrk_1", 2, False)
        self.claim("wrk_2", 1, False)

    def rows(self, table: sa.Table = t.executions) -> list[dict[str, Any]]:
        with self.store.read_across() as tx:
            return [dict(row) for row in tx.conn.execute(sa.select(table)).mappings()]

    def row(self, execution_id: str) -> dict[str, Any]:
        return next(one for one in self.rows() if one["id"] == execution_id)

    def choose(self, number: int) -> Execution:
        """Return one of all drives for each fourth number, else one that holds its execution if any does."""
        fences = {one["id"]: one["fence"] for one in self.rows() if one["status"] == "running"}
        live = [one for one in self.drives if fences.get(one.id) == one.fence]
        several = self.drives if number % 4 == 0 or not live else live
        return several[number % len(several)]

    def submit(self, number: int, **more: Any) -> bool:
        """Let one of the drives hand in progress; True if it counted."""
        drive = self.choose(number)
        before = self.row(drive.id)
        change = Progress(tenant_id=drive.tenant_id, execution_id=drive.id, fence=drive.fence, **more)
        counted = not isinstance(submit(self.store, change), Fenced)
        assert counted == (before["status"] == "running" and before["fence"] == drive.fence)
        if not counted:
            assert self.row(drive.id) == before
        return counted

    def move(self, number: int, status: ExecutionStatus, **more: Any) -> bool:
        connection_id = more.pop("connection_id", None)
        move = Move(status=status, at=self.clock.now, **more)
        return self.submit(number, move=move, connection_id=connection_id)

    @rule(tenant=tenants, key=st.none() | st.sampled_from("xy"), crashes=st.sampled_from([0, 0, 1, 2]))
    def start(self, tenant: str, key: str | None, crashes: int) -> None:
        execution = self.make.execution(tenant_id=tenant, idempotency_key=key, crashes=crashes)
        known = [
            one for one in self.rows() if key and (one["tenant_id"], one["idempotency_key"]) == (tenant, key)
        ]
        assert isinstance(submit(self.store, Start(execution=execution)), Duplicate) == bool(known)

    @rule(tenant=tenants, key=st.sampled_from("123"))
    def deliver(self, tenant: str, key: str) -> None:
        event = self.make.event(tenant_id=tenant, dedup_key=key)
        known = [one for one in self.rows(t.events) if (one["tenant_id"], one["dedup_key"]) == (tenant, key)]
        started = self.make.execution(tenant_id=tenant, event_id=event.id)
        delivery = self.make.delivery(tenant_id=tenant, id=new_id("dlv"))
        change = Intake(delivery=delivery, event=event, executions=(started,))
        assert isinstance(submit(self.store, change), Duplicate) == bool(known)

    @rule(worker=workers, limit=st.integers(1, 4), isolated=st.sampled_from([False, False, True]))
    def claim(self, worker: str, limit: int, isolated: bool) -> None:
        for one in Claimer(hub=self.hub, owner=worker, isolated=isolated).take(limit):
            assert one.fence not in self.fences[one.id]
            self.fences[one.id].add(one.fence)
            self.drives.append(one)

    @precondition(lambda self: self.drives)
    @rule(number=numbers, connection_id=st.sampled_from([None, CONNECTION]))
    def progress(self, number: int, connection_id: str | None) -> None:
        drive = self.choose(number)
        step = self.make.step(drive, new_id("step"), status=StepStatus.SUCCEEDED, output={"n": number})
        if self.submit(number, steps=(step,), connection_id=connection_id):
            self.steps |= {(one["execution_id"], one["step_id"]): one for one in self.rows(t.step_executions)}

    @precondition(lambda self: self.drives)
    @rule(number=numbers, status=st.sampled_from(["succeeded", "failed"]))
    def finish(self, number: int, status: str) -> None:
        self.move(number, ExecutionStatus(status), output={"n": number})

    @precondition(lambda self: self.drives)
    @rule(number=numbers, reason=st.sampled_from(list(WaitReason)), in_s=moments)
    def wait(self, number: int, reason: WaitReason, in_s: int | None) -> None:
        wake_at = None if in_s is None else self.clock.now + timedelta(seconds=in_s)
        # In a tenant without this connection it is one that is gone.
        wait_on = {WaitReason.CONNECTION: CONNECTION, WaitReason.UNCERTAIN: "send"}.get(reason)
        self.move(
            number,
            ExecutionStatus.WAITING,
            wait_reason=reason,
            wait_on=wait_on,
            wake_at=wake_at,
            connection_id=CONNECTION if reason is WaitReason.CONNECTION else None,
        )

    @precondition(lambda self: self.drives)
    @rule(number=numbers, connection_id=st.sampled_from([None, CONNECTION]))
    def give_back(self, number: int, connection_id: str | None) -> None:
        self.move(number, ExecutionStatus.QUEUED, connection_id=connection_id)

    @rule(worker=workers)
    def die(self, worker: str) -> None:
        replace_worker(self.hub, worker)

    @rule(worker=workers)
    def hand_back(self, worker: str) -> None:
        across.hand_back(self.store, worker, [one.id for one in self.drives])

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        held = [one.id for one in self.drives]
        across.renew(self.store, worker, held, self.clock.now + timedelta(seconds=30))

    @rule(seconds=st.sampled_from([-3600, 1, 29, 31, 3600]))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        rows = self.rows()
        if rows:
            one = rows[number % len(rows)]
            with self.store.begin(one["tenant_id"]) as tx:
                assert endings.cancel(tx, one["id"], self.clock.now, "stop") == (one["status"] not in ENDED)

    @rule(status=st.sampled_from(list(ConnectionStatus)), told=st.booleans())
    def connect(self, status: ConnectionStatus, told: bool) -> None:
        with self.store.begin("ten_a") as tx:
            connection = connections.get(tx, CONNECTION)
            connections.set_status(tx, connection, status, None, self.clock.now)
            if told and status is ConnectionStatus.CONNECTED:
                executions.resume_waiting_on(tx, CONNECTION)

    @rule()
    def sweep(self) -> None:
        sweep(self.hub)

    @rule(number=numbers)
    def damage(self, number: int) -> None:
        hit = [
            (one["id"], damage)
            for one in self.rows()
            for damage, (status, _) in sorted(DAMAGE.items())
            if one["status"] == status
        ]
        if hit:
            self.damage_one(*hit[number % len(hit)])

    def damage_one(self, execution_id: str, damage: str) -> None:
        change = sa.update(t.executions).where(t.executions.c.id == execution_id).values(DAMAGE[damage][1])
        with self.store.begin_across() as tx:
            tx.conn.execute(change)

    @invariant()
    def what_ended_and_what_was_recorded_stays_as_it_is(self) -> None:
        rows = {one["id"]: one for one in self.rows()}
        for execution_id, before in self.ended.items():
            assert rows[execution_id] == before
        self.ended |= {key: one for key, one in rows.items() if one["status"] in ENDED}
        steps = {(one["execution_id"], one["step_id"]): one for one in self.rows(t.step_executions)}
        assert steps == self.steps

    @invariant()
    def whoever_runs_has_the_newest_of_all_fences(self) -> None:
        for one in self.rows():
            if one["status"] == "running":
                assert one["fence"] == max(self.fences[one["id"]])
            assert one["fence"] >= max(self.fences[one["id"]], default=0)

    def teardown(self) -> None:
        """Let a month pass with everything connected: only what waits for people is not at its end."""
        self.connect(ConnectionStatus.CONNECTED, False)
        self.clock.advance(FAR_AHEAD.total_seconds())
        self.bring_to_an_end()
        left = [(one["status"], one["wait_reason"]) for one in self.rows() if one["status"] not in ENDED]
        assert {OWNERS.get((ExecutionStatus(status), _reason(why))) for status, why in left} <= {
            Owner.PERSON,
            Owner.CALLER,
        }
        self.what_ended_and_what_was_recorded_stays_as_it_is()
        self.clock.now = self.begun

    def bring_to_an_end(self) -> None:
        for _ in range(SWEEPS):
            sweep(self.hub)
            for isolated in (False, True):
                for one in self.taken(isolated):
                    self.drives = [one]
                    assert self.move(0, ExecutionStatus.SUCCEEDED)

    def taken(self, isolated: bool) -> Iterator[Execution]:
        claimer = Claimer(hub=self.hub, owner="wrk_last", isolated=isolated)
        while taken := claimer.take(1):
            yield from taken


def _reason(reason: str | None) -> WaitReason | None:
    return None if reason is None else WaitReason(reason)


def test_every_state_that_is_no_end_has_an_owner() -> None:
    waits = {(ExecutionStatus.WAITING, reason) for reason in WaitReason}
    assert set(OWNERS) == {(ExecutionStatus.QUEUED, None), (ExecutionStatus.RUNNING, None), *waits}


def test_whatever_happens_every_execution_can_be_brought_to_its_end(
    backend: str, bench: Any, make: Any
) -> None:
    if backend == "sqlite":
        # Nobody pulls the plug here, so nothing is waited for that only a power cut would need.
        sa.event.listen(
            bench.hub.store.engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF")
        )
        bench.hub.store.engine.dispose()
    run_state_machine_as_test(
        lambda: Life(bench, make),
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
        ),
    )


@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_a_damaged_row_is_brought_on_by_the_sweep(damage: str, bench: Any, make: Any) -> None:
    life = Life(bench, make)
    execution = life.drives[0]
    if DAMAGE[damage][0] == "waiting":
        move = {"wait_reason": WaitReason.TIMER, "wake_at": bench.clock.now + FAR_AHEAD}
        life.drives = [execution]
        life.move(0, ExecutionStatus.WAITING, **move)
    assert sweep(life.hub) == 0
    life.damage_one(execution.id, damage)
    assert sweep(life.hub) == 1
    row = life.row(execution.id)
    assert (row["status"], row["wait_reason"], row["lease_owner"]) == ("queued", None, None)
