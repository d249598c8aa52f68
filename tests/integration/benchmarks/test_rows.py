"""Rows are counted the way that shows a lost, doubled or half-done execution."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bench.ending import Wrong
from bench.rows import Rows, Sqlite, count_rows, misses, settled_rows
from revolution_hub.store.tables import deliveries, events, executions, hooks, metadata, step_executions

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MINE, OTHER = "wf_mine", "wf_other"


def _execution(conn: sa.Connection, number: int, *, workflow: str, status: str, steps: list[str]) -> None:
    name, hook = f"exe_{workflow}_{number}", f"hok_{workflow}"
    made: dict[str, Any] = {"tenant_id": "ten_1", "workflow_id": workflow, "version": 1, "trigger": {}}
    conn.execute(
        executions.insert().values(
            id=name, status=status, event_id=f"evt_{number}", fence=1, crashes=0, created_at=NOW, **made
        )
    )
    for position, one in enumerate(steps):
        conn.execute(
            step_executions.insert().values(
                execution_id=name,
                step_id=f"s{position}",
                tenant_id="ten_1",
                position=position,
                kind="set",
                status=one,
                attempts=0,
                checks=0,
                started_at=NOW,
            )
        )
    came = {"tenant_id": "ten_1", "source_id": hook, "received_at": NOW}
    conn.execute(deliveries.insert().values(id=f"dlv_{workflow}_{number}", body=b"", headers={}, **came))
    conn.execute(
        events.insert().values(
            id=f"evt_{workflow}_{number}",
            delivery_id=f"dlv_{workflow}_{number}",
            connector="",
            type="webhook.received",
            dedup_key=str(number),
            data={},
            **came,
        )
    )


@pytest.fixture
def database(tmp_path: Path) -> Any:
    """A hub's database with five good executions, one of them another workflow's, and how to add more."""
    path = tmp_path / "hub.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)

    def add(number: int, workflow: str = MINE, status: str = "succeeded", steps: Any = None) -> None:
        with engine.begin() as conn:
            good = ["succeeded"] * 3 if steps is None else steps
            _execution(conn, number, workflow=workflow, status=status, steps=good)

    with engine.begin() as conn:
        for workflow in (MINE, OTHER):
            conn.execute(
                hooks.insert().values(
                    id=f"hok_{workflow}",
                    tenant_id="ten_1",
                    workflow_id=workflow,
                    key=workflow,
                    created_at=NOW,
                )
            )
    for number in range(4):
        add(number)
    add(0, OTHER)
    yield Sqlite(path), add
    engine.dispose()


GOOD = Rows(executions=4, ended=4, succeeded=4, whole=4, steps=12, events=4, deliveries=4)


def test_the_rows_of_one_workflow_are_counted(database: Any) -> None:
    asked, _ = database
    assert count_rows(asked, MINE) == settled_rows(asked, MINE) == GOOD
    assert count_rows(asked, "wf_none") == Rows()


@pytest.mark.parametrize(
    ("status", "steps", "what"),
    [
        ("failed", ["succeeded", "succeeded", "failed"], "4 succeeded"),
        ("succeeded", ["succeeded", "succeeded"], "4 whole"),
        ("succeeded", ["succeeded"] * 4, "4 whole"),
        ("succeeded", [], "4 whole"),
        ("succeeded", ["succeeded", "succeeded", "skipped"], "4 whole"),
    ],
)
def test_an_execution_that_is_not_whole_is_found(
    database: Any, status: str, steps: list[str], what: str
) -> None:
    asked, add = database
    add(4, status=status, steps=steps)
    assert any(f"5 executions, {what}" == one for one in misses(count_rows(asked, MINE), 5))


def test_an_execution_without_end_is_waited_for_and_then_found(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, add = database
    add(4, status="running", steps=["succeeded"])
    monkeypatch.setattr("bench.rows.SETTLE_LIMIT_S", 0.0)
    with pytest.raises(Wrong, match="not every execution has ended"):
        settled_rows(asked, MINE)


@pytest.mark.parametrize("answered", [0, 3, 4])
def test_requests_whose_answer_nobody_read_may_be_there(answered: int) -> None:
    assert misses(GOOD, answered, cut=4) == []


def test_more_executions_than_that_are_found() -> None:
    assert misses(GOOD, 1, cut=2) == ["1 were answered, and 4 executions are there"]


def test_an_answer_without_an_execution_is_found() -> None:
    assert misses(GOOD, 5, cut=50) == ["5 were answered, and only 4 executions are there"]


@pytest.mark.parametrize("name", ["ended", "succeeded", "whole", "steps", "events", "deliveries"])
def test_a_missing_row_of_any_kind_is_found(name: str) -> None:
    assert misses(replace(GOOD, **{name: getattr(GOOD, name) - 1}), 4)
    assert misses(replace(GOOD, **{name: getattr(GOOD, name) + 1}), 4)


def test_what_was_there_before_is_not_counted() -> None:
    assert GOOD.since(GOOD) == Rows()
    assert GOOD.since(Rows(executions=1, steps=3)).executions == 3
