"""submit: progress counts only for the newest claim, one happening is recorded once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.change import (
    Applied,
    Duplicate,
    Fenced,
    Intake,
    Keep,
    Move,
    Progress,
    Stale,
    Start,
)
from revolution_hub.model.connection import Hook
from revolution_hub.model.event import EventOutcome, PassedOver
from revolution_hub.model.execution import Execution
from revolution_hub.model.status import (
    AttemptStatus,
    ConnectionStatus,
    ExecutionStatus,
    StepStatus,
    WaitReason,
)
from revolution_hub.store import across, connections, endings, executions, hooks
from revolution_hub.store import tables as t
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.submit import submit, submit_all
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=30)
HOOK = Hook(id="hok_1", tenant_id="ten_a", workflow_id="wf_1", key="hook-key", created_at=NOW)
ROOMY = Caps(tenant=1000, connection=1000)
Open = Callable[..., Store]


def rows(store: Store, table: sa.Table) -> list[dict[str, Any]]:
    with store.read_across() as tx:
        return [dict(row) for row in tx.conn.execute(sa.select(table)).mappings()]


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {name: rows(store, table) for name, table in t.metadata.tables.items()}


def claimed(store: Store, execution: Execution, owner: str = "wrk_1") -> Execution:
    submit(store, Start(execution=execution))
    (taken,) = claim(store, owner, NOW, UNTIL, limit=1, caps=ROOMY, turns=Turns())
    return taken


def progress(execution: Execution, **more: Any) -> Progress:
    defaults = {"tenant_id": execution.tenant_id, "execution_id": execution.id, "fence": execution.fence}
    return Progress(**{**defaults, **more})


def full_progress(make: Any, execution: Execution, **more: Any) -> Progress:
    """Progress with one of everything, so that a test sees whether any of it was kept."""
    step = make.step(execution, status=StepStatus.SUCCEEDED, output={"n": 1})
    move = Move(status=ExecutionStatus.SUCCEEDED, at=NOW, output={"done": True})
    attempts = (make.attempt(execution, status=AttemptStatus.SUCCEEDED),)
    defaults = {"steps": (step,), "attempts": attempts, "response": {"status": 200}, "move": move}
    return progress(execution, **{**defaults, **more})


def test_progress_of_the_holder_is_kept_whole(store: Store, make: Any) -> None:
    execution = claimed(store, make.execution())
    assert submit(store, full_progress(make, execution)) == Applied(execution_ids=(execution.id,))
    with store.read("ten_a") as tx:
        kept = executions.get(tx, execution.id)
        (step,) = executions.list_steps(tx, execution.id)
        (attempt,) = executions.list_attempts(tx, execution.id)
    assert (kept.status, kept.output, kept.response) == (
        ExecutionStatus.SUCCEEDED,
        {"done": True},
        {"status": 200},
    )
    assert (kept.lease_owner, kept.lease_until, kept.finished_at) == (None, None, NOW)
    assert (step.output, attempt.status) == ({"n": 1}, AttemptStatus.SUCCEEDED)


def release(store: Store, execution: Execution) -> None:
    across.end_leases_of(store, "wrk_1")


def take_again(store: Store, execution: Execution) -> None:
    across.end_leases_of(store, "wrk_1")
    claim(store, "wrk_2", NOW, UNTIL, limit=1, caps=ROOMY, turns=Turns())


def cancel(store: Store, execution: Execution) -> None:
    with store.begin(execution.tenant_id) as tx:
        endings.cancel(tx, execution.id, NOW, "stop")


def finish(store: Store, execution: Execution) -> None:
    submit(store, progress(execution, move=Move(status=ExecutionStatus.SUCCEEDED, at=NOW)))


def suspend(store: Store, execution: Execution) -> None:
    move = Move(status=ExecutionStatus.WAITING, at=NOW, wait_reason=WaitReason.TIMER, wake_at=UNTIL)
    submit(store, progress(execution, move=move))


LOSSES = [release, take_again, cancel, finish, suspend]


@pytest.mark.parametrize("lose", LOSSES, ids=lambda one: one.__name__)
def test_progress_of_somebody_who_no_longer_holds_it_writes_nothing_at_all(
    lose: Callable[[Store, Execution], None], store: Store, make: Any
) -> None:
    execution = claimed(store, make.execution())
    lose(store, execution)
    before = everything(store)
    assert submit(store, full_progress(make, execution)) == Fenced()
    assert everything(store) == before


@pytest.mark.parametrize(
    "change", [{"tenant_id": "ten_b"}, {"execution_id": "exe_none"}, {"fence": 2}, {"fence": 0}]
)
def test_progress_for_another_tenant_execution_or_fence_writes_nothing(
    change: dict[str, Any], store: Store, make: Any
) -> None:
    execution = claimed(store, make.execution())
    before = everything(store)
    assert submit(store, replace(full_progress(make, execution), **change)) == Fenced()
    assert everything(store) == before


def test_progress_may_be_sent_again_and_changes_the_same_rows(store: Store, make: Any) -> None:
    execution = claimed(store, make.execution())
    step, attempt = make.step(execution), make.attempt(execution)
    submit(store, progress(execution, steps=(step,), attempts=(attempt,)))
    done = replace(step, status=StepStatus.SUCCEEDED, output=[])
    submit(store, progress(execution, steps=(done,), attempts=(replace(attempt, number=2),)))
    with store.read("ten_a") as tx:
        assert executions.list_steps(tx, execution.id) == [done]
        assert [one.number for one in executions.list_attempts(tx, execution.id)] == [1, 2]


@pytest.mark.parametrize("status", list(StepStatus))
def test_only_a_step_with_a_result_forgets_the_crashes(status: StepStatus, store: Store, make: Any) -> None:
    execution = claimed(store, make.execution(crashes=1))
    submit(store, progress(execution, steps=(make.step(execution, status=status),)))
    with store.read("ten_a") as tx:
        left = executions.get(tx, execution.id).crashes
    assert left == (0 if status in (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED) else 1)


def test_a_wait_lets_go_of_the_lease_and_says_for_what(store: Store, make: Any) -> None:
    execution = claimed(store, make.execution())
    move = Move(status=ExecutionStatus.WAITING, at=NOW, wait_reason=WaitReason.CONNECTION, wait_on="con_1")
    submit(store, progress(execution, move=move))
    with store.read("ten_a") as tx:
        kept = executions.get(tx, execution.id)
    assert (kept.status, kept.wait_reason, kept.wait_on) == (
        ExecutionStatus.WAITING,
        WaitReason.CONNECTION,
        "con_1",
    )
    assert (kept.lease_owner, kept.lease_until, kept.finished_at) == (None, None, None)


def intake(make: Any, *, dedup_key: str = "1", **more: Any) -> Intake:
    delivery = make.delivery(**more)
    event = make.event(delivery_id=delivery.id, dedup_key=dedup_key)
    return Intake(delivery=delivery, event=event, executions=(make.execution(event_id=event.id),))


def by_hook(make: Any, dedup_key: str, hook_id: str = "hok_1") -> Intake:
    made = intake(make, dedup_key=dedup_key)
    return replace(made, event=replace(made.event, source_id=hook_id))


def test_an_event_is_kept_with_its_delivery_and_what_it_starts(store: Store, make: Any) -> None:
    change = intake(make, body=b'{"raw": "\xff"}', headers={"webhook-id": "1"})
    assert submit(store, change) == Applied(execution_ids=(change.executions[0].id,))
    (delivery,) = rows(store, t.deliveries)
    assert (delivery["body"], delivery["headers"]) == (b'{"raw": "\xff"}', {"webhook-id": "1"})
    assert [row["event_id"] for row in rows(store, t.executions)] == [change.event.id]


def test_a_known_event_keeps_only_the_delivery_and_tells_what_the_first_started(
    store: Store, make: Any
) -> None:
    first, again = intake(make), intake(make)
    submit(store, first)
    before = everything(store)
    for _ in range(2):
        outcome = submit(store, again)
        assert outcome == Duplicate(of=first.event.id, execution_ids=(first.executions[0].id,))
    after = everything(store)
    assert {name for name in after if after[name] != before[name]} == {"deliveries", "duplicates"}
    marks = {row["id"]: row["mark"] for row in after["deliveries"]}
    assert marks == {first.delivery.id: None, again.delivery.id: "duplicate"}
    (noted,) = after["duplicates"]
    assert (noted["delivery_id"], noted["event_id"]) == (again.delivery.id, first.event.id)


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (ConnectionStatus.CONNECTED, ("queued", None)),
        (ConnectionStatus.NEEDS_REAUTH, ("waiting", "connection")),
        (ConnectionStatus.DISABLED, ("waiting", "connection")),
        (None, ("queued", None)),
    ],
)
def test_an_execution_waits_for_a_connection_only_if_that_is_broken_when_it_is_written(
    status: ConnectionStatus | None, left: tuple[str, str | None], store: Store, make: Any
) -> None:
    if status is not None:
        with store.begin("ten_a") as tx:
            connections.add(tx, make.connection(id="con_1", status=status))
    made = intake(make)
    wait = {"wait_reason": WaitReason.CONNECTION, "wait_on": "con_1", "connection_id": "con_1"}
    waiting = replace(made.executions[0], status=ExecutionStatus.WAITING, **wait)
    assert isinstance(submit(store, replace(made, executions=(waiting,))), Applied)
    (row,) = rows(store, t.executions)
    assert (row["status"], row["wait_reason"]) == left


def test_a_known_event_that_no_delivery_brought_keeps_nothing(store: Store, make: Any) -> None:
    first, again = (replace(intake(make), delivery=None) for _ in range(2))
    submit(store, first)
    before = everything(store)
    assert submit(store, again) == Duplicate(of=first.event.id, execution_ids=(first.executions[0].id,))
    assert everything(store) == before


@pytest.mark.parametrize("together", [True, False])
def test_an_app_delivery_that_reports_one_new_and_one_known_event_is_kept_without_a_mark(
    together: bool, store: Store, make: Any
) -> None:
    first = intake(make)
    submit(store, first)
    delivery = make.delivery(tenant_id=None)
    changes = [replace(intake(make, dedup_key=key), delivery=delivery) for key in ("1", "2")]
    if together:
        known, new = submit_all(store, changes)
    else:
        known, new = (submit(store, one) for one in changes)
    assert isinstance(known, Duplicate)
    assert (known.of, type(new)) == (first.event.id, Applied)
    assert [(row["id"], row["mark"]) for row in rows(store, t.app_deliveries)] == [(delivery.id, None)]
    assert [row["delivery_id"] for row in rows(store, t.duplicates)] == [delivery.id]


def test_an_event_says_whether_it_started_anything_unless_somebody_said_why_not(
    store: Store, make: Any
) -> None:
    started, nothing, filtered = (intake(make, dedup_key=key) for key in "123")
    submit(store, started)
    submit(store, replace(nothing, executions=()))
    why = {"wf_1": str(PassedOver.FILTERED)}
    event = replace(filtered.event, outcome=EventOutcome.FILTERED, passed_over=why)
    submit(store, replace(filtered, event=event, executions=()))
    found = {row["dedup_key"]: (row["outcome"], row["passed_over"]) for row in rows(store, t.events)}
    assert found == {"1": ("started", None), "2": ("no_listener", None), "3": ("filtered", why)}


def test_an_event_that_came_by_a_hook_which_is_another_by_now_leaves_nothing(store: Store, make: Any) -> None:
    with store.begin("ten_a") as tx:
        hooks.add(tx, HOOK)
        hooks.note_change(tx, HOOK.workflow_id)
    before = everything(store)
    for stale in (replace(by_hook(make, "1"), basis=1), replace(by_hook(make, "1", "gone"), basis=2)):
        assert submit(store, stale) == Stale()
        assert everything(store) == before
    first = replace(by_hook(make, "1"), basis=2)
    assert submit(store, first) == Applied(execution_ids=(first.executions[0].id,))
    # What was taken in before the change is a repetition after it.
    again = submit(store, replace(by_hook(make, "1"), basis=1))
    assert again == Duplicate(of=first.event.id, execution_ids=(first.executions[0].id,))


def test_in_one_batch_only_what_is_out_of_date_is_left_out(store: Store, make: Any) -> None:
    with store.begin("ten_a") as tx:
        hooks.add(tx, HOOK)
    bases = (1, 7, None, 1)
    changes = [replace(by_hook(make, str(at)), basis=basis) for at, basis in enumerate(bases)]
    outcomes = submit_all(store, changes)
    assert [type(one) for one in outcomes] == [Applied, Stale, Applied, Applied]
    kept = {changes[at].event.id for at in (0, 2, 3)}
    assert {row["id"] for row in rows(store, t.events)} == kept
    assert {row["event_id"] for row in rows(store, t.executions)} == kept
    assert len(rows(store, t.deliveries)) == 3


@pytest.mark.parametrize("other", [{"dedup_key": "2"}, {"source_id": "app_2"}, {"tenant_id": "ten_b"}])
def test_another_key_source_or_tenant_is_another_event(
    other: dict[str, str], store: Store, make: Any
) -> None:
    first, second = intake(make), intake(make)
    event = replace(second.event, **other)
    owner = replace(second.executions[0], tenant_id=event.tenant_id)
    delivery = replace(second.delivery, tenant_id=event.tenant_id)
    submit(store, first)
    again = replace(second, delivery=delivery, event=event, executions=(owner,))
    assert isinstance(submit(store, again), Applied)


def test_one_delivery_of_a_provider_app_carries_events_of_two_tenants_and_is_kept_once(
    store: Store, make: Any
) -> None:
    delivery = make.delivery(tenant_id=None)
    for tenant in ("ten_a", "ten_b"):
        event = make.event(tenant_id=tenant, delivery_id=delivery.id)
        assert isinstance(submit(store, Intake(delivery=delivery, event=event)), Applied)
    assert [row["id"] for row in rows(store, t.app_deliveries)] == [delivery.id]
    assert rows(store, t.deliveries) == []


@pytest.mark.parametrize(("tenant", "table"), [(None, t.app_deliveries), ("ten_a", t.deliveries)])
def test_a_delivery_without_events_is_kept_once(
    tenant: str | None, table: sa.Table, store: Store, make: Any
) -> None:
    delivery = make.delivery(tenant_id=tenant, body=b"[]")
    for _ in range(2):
        assert submit(store, Keep(delivery=delivery)) == Applied()
    assert [(row["id"], row["body"]) for row in rows(store, table)] == [(delivery.id, b"[]")]
    assert rows(store, t.events) == []


def test_twenty_threads_in_two_processes_post_one_event_and_one_execution_starts(
    open_store: Open, make: Any
) -> None:
    stores = [open_store(), open_store()]
    barrier = Barrier(20)

    def post(number: int) -> tuple[str, ...]:
        change = intake(make)
        barrier.wait(10)
        outcome = submit(stores[number % 2], change)
        assert isinstance(outcome, Applied | Duplicate)
        return outcome.execution_ids

    with ThreadPoolExecutor(20) as pool:
        told = set(pool.map(post, range(20)))
    assert len(told) == 1
    assert [(row["id"],) for row in rows(stores[0], t.executions)] == list(told)
    marks = sorted(str(row["mark"]) for row in rows(stores[0], t.deliveries))
    assert (len(rows(stores[0], t.events)), marks) == (1, ["None", *["duplicate"] * 19])


def test_a_start_with_a_used_key_returns_the_first(store: Store, make: Any) -> None:
    first = make.execution(idempotency_key="k")
    assert submit(store, Start(execution=first)) == Applied(execution_ids=(first.id,))
    again = submit(store, Start(execution=make.execution(idempotency_key="k")))
    assert again == Duplicate(of=first.id, execution_ids=(first.id,))
    assert len(rows(store, t.executions)) == 1


@pytest.mark.parametrize(
    "other",
    [{"idempotency_key": "j"}, {"workflow_id": "wf_2"}, {"tenant_id": "ten_b"}, {"idempotency_key": None}],
)
def test_a_key_counts_within_one_workflow_of_one_tenant(
    other: dict[str, Any], store: Store, make: Any
) -> None:
    submit(store, Start(execution=make.execution(idempotency_key="k")))
    second = make.execution(**{"idempotency_key": "k", **other})
    assert submit(store, Start(execution=second)) == Applied(execution_ids=(second.id,))


def test_starts_without_a_key_are_all_kept(store: Store, make: Any) -> None:
    for _ in range(3):
        submit(store, Start(execution=make.execution()))
    assert len(rows(store, t.executions)) == 3


def test_ten_threads_start_with_one_key_and_one_execution_starts(store: Store, make: Any) -> None:
    barrier = Barrier(10)

    def start(_: int) -> tuple[str, ...]:
        change = Start(execution=make.execution(idempotency_key="k"))
        barrier.wait(10)
        outcome = submit(store, change)
        assert isinstance(outcome, Applied | Duplicate)
        return outcome.execution_ids

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(start, range(10)))) == 1
    assert len(rows(store, t.executions)) == 1
