"""The record of instants: written once, read from an index however long it is, and removed when it is old."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.fire import FireStatus, Reason, StoredFire
from revolution_hub.model.ids import first_id
from revolution_hub.store import fires, schedules
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.prune import prune_events
from revolution_hub.store.schedules import StoredSchedule, list_due
from revolution_hub.store.tx import Store

OLD = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 20_000
SQLITE = "sqlite"


def record(number: int, schedule_id: str = "sch_1", **more: Any) -> StoredFire:
    instant = OLD + timedelta(minutes=number)
    skipped = number % 1000 == 0
    given: dict[str, Any] = {
        "id": f"{first_id('fir', instant)[:-5]}{number:05}",
        "tenant_id": "ten_a",
        "schedule_id": schedule_id,
        "workflow_id": "wf_1",
        "version": 1,
        "instant": instant,
        "until": instant,
        "count": 1,
        "round": 0,
        "status": FireStatus.SKIPPED if skipped else FireStatus.FIRED,
        "reason": Reason.OVERLAP if skipped else None,
        "execution_id": None if skipped else f"exe_{number}",
        "fired_at": instant,
    }
    return StoredFire(**{**given, **more})


def schedule(number: int, now: datetime) -> StoredSchedule:
    return StoredSchedule(
        id=f"sch_{number:06}",
        tenant_id="ten_a",
        workflow_id=f"wf_{number:06}",
        position=0,
        version=1,
        settings={"every_s": 3600.0, "anchor": "2026-01-01T00:00:00.000000Z"},
        next_at=now + timedelta(seconds=number - 5),
        wake_at=None if number % 10 == 0 else now + timedelta(seconds=number - 5),
    )


def test_an_instant_has_one_record_of_each_round(store: Store) -> None:
    first = record(1)
    with store.begin("ten_a") as tx:
        fires.keep(tx.conn, [first, record(1, id="fir_other"), record(1, id="fir_again", round=1)])
        found, _ = fires.list_page(tx, Page(limit=10), "sch_1")
        known = fires.rounds_of(tx, "sch_1", OLD, OLD + timedelta(hours=1))
    assert {one.id for one in found} <= {first.id, "fir_other", "fir_again"}
    assert sorted(one.round for one in found) == [0, 1]
    assert known == {first.instant: (2, True)}


def test_records_are_listed_by_what_became_of_them(store: Store) -> None:
    with store.begin("ten_a") as tx:
        fires.keep(
            tx.conn, [record(number) for number in range(998, 1003)] + [record(1000, "sch_2", id="fir_z")]
        )
        by_status = {
            status: [one.instant for one in fires.list_page(tx, Page(limit=10), "sch_1", status)[0]]
            for status in (None, FireStatus.FIRED, FireStatus.SKIPPED)
        }
    everything = [record(number).instant for number in (1002, 1001, 1000, 999, 998)]
    assert by_status[None] == everything
    assert by_status[FireStatus.SKIPPED] == [everything[2]]
    assert by_status[FireStatus.FIRED] == everything[:2] + everything[3:]


def test_old_records_are_removed(store: Store) -> None:
    with store.begin("ten_a") as tx:
        fires.keep(tx.conn, [record(number) for number in range(2000)])
    assert prune_events(store, OLD + timedelta(minutes=1500), threading.Event()) == 1500
    with store.read("ten_a") as tx:
        assert tx.conn.execute(sa.select(sa.func.count()).select_from(t.fires)).scalar_one() == 500


@pytest.fixture
def filled(store: Store) -> Store:
    """A database with many schedules and many records, of which it knows the figures if it keeps any."""
    now = OLD
    with store.begin("ten_a") as tx:
        fires.keep(tx.conn, [record(number, f"sch_{number % 50}") for number in range(MANY)])
        rows = [schedules.columns_of(schedule(number, now)) for number in range(MANY)]
        tx.conn.execute(sa.insert(t.schedules), rows)
    if store.dialect != SQLITE:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")
    return store


def plans(store: Store, read: Any) -> str:
    """How the database answers what is read."""
    found: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if store.dialect == SQLITE else "EXPLAIN "

    def look(conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith("SELECT") and not many and "set_config" not in statement:
            cursor = conn.connection.cursor()
            cursor.execute(explain + statement, parameters)
            found.extend(" ".join(map(str, row)) for row in cursor.fetchall())
            cursor.close()

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        read()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    return "\n".join(found)


def reading(store: Store, status: FireStatus | None) -> Any:
    def read() -> None:
        with store.read("ten_a") as tx:
            fires.list_page(tx, Page(limit=50), "sch_7", status)

    return read


def test_what_is_due_and_every_list_are_answered_from_an_index(filled: Store) -> None:
    due = list_due(filled, OLD, 100)
    # Neither those to come nor those that never wake.
    assert [one.id for one in due] == [f"sch_{number:06}" for number in (1, 2, 3, 4, 5)]
    assert list_due(filled, OLD, 100, due[2]) == due[3:]
    told = plans(filled, lambda: list_due(filled, OLD, 100, due[2]))
    assert "ix_schedules_wake_at_id" in told
    for status, index in (
        (None, "ix_fires_schedule_id_id"),
        (FireStatus.FIRED, "ix_fires_schedule_id_id"),
        (FireStatus.SKIPPED, "ix_fires_status_schedule_id_id"),
    ):
        told = plans(filled, reading(filled, status))
        assert index in told, told
        assert "SCAN fires" not in told
        assert "Seq Scan" not in told
        assert "TEMP B-TREE" not in told


def test_a_tick_is_as_quick_with_many_schedules_as_with_few(filled: Store) -> None:
    with filled.read_across() as tx:
        query = sa.select(sa.func.count()).select_from(t.schedules)
        assert tx.conn.execute(query).scalar_one() == MANY
    told = plans(filled, lambda: list_due(filled, OLD - timedelta(days=1), 100))
    assert "ix_schedules_wake_at_id" in told
    assert "Sort" not in told.replace("Incremental Sort", "")
