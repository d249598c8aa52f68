"""prune: what has ended long ago goes with everything that is its, and nothing else does."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.files.file_store import FileStore
from revolution_hub.model.change import Intake, Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import first_id, new_id
from revolution_hub.model.status import ENDED, ExecutionStatus
from revolution_hub.store import prune
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import put
from revolution_hub.store.connect import SQLITE
from revolution_hub.store.prune import BATCH, Walk, count_due, prune_events, prune_executions
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
DUE = NOW - timedelta(days=30)
OLD, YOUNG = NOW - timedelta(days=40), NOW - timedelta(days=20)
BEFORE = dict.fromkeys(ENDED, DUE)
SUCCEEDED, FAILED = ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED
MANY = 100_000

numbers = itertools.count()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(database: str, folder: Path) -> Iterator[Store]:
    files = FileStore(folder, inline_bytes=1024)
    files.prepare()
    made = Store(database, files=files)
    yield made
    made.close()


def id_at(moment: datetime, prefix: str = "exe") -> str:
    """Return an id as it was made at that moment, a new one each time."""
    return f"{first_id(prefix, moment)[:-8]}{next(numbers):08}"


def add(store: Store, make: Any, made: datetime = OLD, **more: Any) -> Execution:
    """Store an execution as if it had been made then and had ended at once, with a step and an attempt."""
    given = {"status": SUCCEEDED, "created_at": made, "finished_at": made, **more}
    execution: Execution = make.execution(id=id_at(made), **given)
    submit(store, Start(execution=execution, steps=(make.step(execution),)))
    row = {"execution_id": execution.id, "step_id": "send", "tenant_id": execution.tenant_id}
    with store.begin_across() as tx:
        put(
            tx.conn,
            t.attempts,
            [{**row, "number": 1, "status": "succeeded", "worker": "wrk_1", "started_at": made}],
        )
        put(tx.conn, t.callbacks, [{**row, "data": {"n": 1}, "received_at": made}])
    return execution


def left(store: Store) -> set[str]:
    """Return the executions that are there; each has all its parts, and there are no others."""
    with store.read_across() as tx:
        found = set(tx.conn.execute(sa.select(t.executions.c.id)).scalars())
        for part in (t.step_executions, t.attempts, t.callbacks):
            assert set(tx.conn.execute(sa.select(part.c.execution_id)).scalars()) == found
    return found


def pruned(store: Store, before: Any = None, **more: Any) -> int:
    return prune_executions(store, BEFORE if before is None else before, threading.Event(), Walk(), **more)


def test_what_ended_long_ago_goes_and_the_rest_stays(store: Store, make: Any) -> None:
    gone = [add(store, make, status=one) for one in sorted(ENDED)]
    stay = [add(store, make, YOUNG), add(store, make, OLD, finished_at=YOUNG)]
    stay += [add(store, make, status=one, finished_at=None) for one in ExecutionStatus if one not in ENDED]
    assert count_due(store, BEFORE) == len(gone)
    assert pruned(store) == len(gone)
    assert left(store) == {one.id for one in stay}
    assert pruned(store) == 0


def test_each_status_has_its_own_age(store: Store, make: Any) -> None:
    failed, succeeded = add(store, make, status=FAILED), add(store, make)
    cancelled = add(store, make, status=ExecutionStatus.CANCELLED, finished_at=None)
    assert pruned(store, {}) == 0
    assert pruned(store, {FAILED: OLD - timedelta(days=1), SUCCEEDED: DUE}) == 1
    assert left(store) == {failed.id, cancelled.id}
    assert pruned(store, {ExecutionStatus.CANCELLED: DUE}) == 1
    assert left(store) == {failed.id}
    assert succeeded.id not in left(store)


def test_children_go_with_the_execution_they_belong_to(store: Store, make: Any) -> None:
    root, other = add(store, make), add(store, make, finished_at=YOUNG)
    children = [add(store, make, parent_id=root.id, place=at) for at in range(3)]
    add(store, make, parent_id=children[0].id, place=0)
    kept = add(store, make, parent_id=other.id, place=0)
    assert count_due(store, BEFORE) == 1
    assert pruned(store) == 1
    assert left(store) == {other.id, kept.id}


@pytest.mark.parametrize("status", [one for one in ExecutionStatus if one not in ENDED])
def test_nothing_goes_under_a_child_that_is_under_way(store: Store, make: Any, status: Any) -> None:
    root = add(store, make)
    child = add(store, make, parent_id=root.id, status=status, finished_at=None)
    assert pruned(store) == 0
    assert left(store) == {root.id, child.id}


def test_a_child_whose_parent_is_gone_is_found(store: Store, make: Any) -> None:
    add(store, make, parent_id="exe_gone")
    add(store, make, OLD, finished_at=YOUNG, parent_id="exe_gone")
    under_way = add(store, make, parent_id="exe_gone", status=ExecutionStatus.RUNNING)
    assert pruned(store) == 2
    assert left(store) == {under_way.id}


def test_files_go_with_their_execution(store: Store, folder: Path, make: Any) -> None:
    big = {"text": "x" * 2000}
    gone, stays = add(store, make, trigger=big), add(store, make, YOUNG, trigger=big)
    assert {one.name for one in (folder / "ten_a").iterdir()} == {gone.id, stays.id}
    assert pruned(store) == 1
    assert {one.name for one in (folder / "ten_a").iterdir()} == {stays.id}


def test_files_that_nobody_names_are_found_after_a_day(store: Store, folder: Path, make: Any) -> None:
    big = {"text": "x" * 2000}
    named, event = add(store, make, trigger=big), make.event(data=big)
    submit(store, Intake(delivery=make.delivery(), event=event))
    assert store.files is not None
    stray = store.files.keep("ten_b", "exe_never_committed", b"{}")
    now = datetime.now(UTC)
    assert prune.remove_strays(store, now - timedelta(days=1), threading.Event()) == 0
    assert store.files.read(stray) == b"{}"
    assert prune.remove_strays(store, now + timedelta(seconds=5), threading.Event()) == 1
    assert {one.name for one in folder.rglob("*_*") if one.parent != folder} == {named.id, event.id}


def test_a_batch_is_small_and_an_execution_goes_whole(store: Store, make: Any) -> None:
    def size(execution: Execution, steps: int) -> str:
        rows = [make.step(execution, f"s{at}") for at in range(steps)]
        submit(store, Start(execution=make.execution(), steps=tuple(rows)))
        return execution.id

    ids = [size(add(store, make), count) for count in (0, 200, 200, 200, BATCH * 3, 0, 0)]
    batches = list(prune._in_batches(store, ids))
    assert batches == [ids[:3], ids[3:4], ids[4:5], ids[5:]]
    assert pruned(store) == len(ids)
    with store.read_across() as tx:
        assert tx.conn.execute(sa.select(sa.func.count()).select_from(t.step_executions)).scalar_one() == 0


def test_it_ends_when_it_is_told_to(store: Store, make: Any) -> None:
    with store.begin_across() as tx:
        _fill(tx.conn, store.dialect, BATCH * 3)
    stop, walk = threading.Event(), Walk()
    stop.set()
    assert prune_executions(store, BEFORE, stop, walk) == BATCH
    assert walk.after
    stop.clear()
    assert prune_executions(store, BEFORE, stop, walk) == BATCH * 2
    assert not walk.after


def test_a_walk_goes_on_behind_what_stays(store: Store, make: Any) -> None:
    with store.begin_across() as tx:
        _fill(tx.conn, store.dialect, BATCH * 2, status="waiting")
    due = add(store, make, OLD + timedelta(days=1))
    walk = Walk()
    steps = [prune_executions(store, BEFORE, threading.Event(), walk, most=1) for _ in range(3)]
    assert steps == [0, 0, 1]
    assert walk.after == ""
    with store.read_across() as tx:
        assert due.id not in tx.conn.execute(sa.select(t.executions.c.id)).scalars().all()


def test_several_at_once_remove_everything_once(store: Store, database: str, make: Any) -> None:
    for _ in range(60):
        root = add(store, make)
        add(store, make, parent_id=root.id)
    kept = add(store, make, YOUNG)
    others = [Store(database) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(pruned, others)) >= 60
    for one in others:
        one.close()
    assert left(store) == {kept.id}


def test_events_and_deliveries_go_by_age(store: Store, folder: Path, make: Any) -> None:
    kept = set()
    for moment in (OLD, YOUNG):
        for tenant in ("ten_a", None):
            delivery = make.delivery(id=id_at(moment, "dlv"), tenant_id=tenant)
            event = make.event(
                id=id_at(moment, "evt"),
                dedup_key=new_id("key"),
                data={"text": "x" * 2000},
                delivery_id=delivery.id,
            )
            submit(store, Intake(delivery=delivery, event=event))
            again = make.delivery(id=id_at(moment, "dlv"), tenant_id=tenant)
            submit(store, Intake(delivery=again, event=replace(event, id=id_at(moment, "evt"), data={})))
            if moment is YOUNG:
                kept |= {event.id}
    assert prune_events(store, DUE, threading.Event()) == 8
    with store.read_across() as tx:
        counts = [
            tx.conn.execute(sa.select(sa.func.count()).select_from(one)).scalar_one()
            for one in (t.events, t.deliveries, t.app_deliveries, t.duplicates)
        ]
        assert set(tx.conn.execute(sa.select(t.events.c.id)).scalars()) == kept
    assert counts == [2, 2, 2, 2]
    assert {one.name for one in (folder / "ten_a").iterdir()} == kept


def test_one_that_has_ended_may_be_removed(store: Store, make: Any) -> None:
    root = add(store, make, YOUNG, trigger={"text": "x" * 2000})
    child = add(store, make, YOUNG, parent_id=root.id)
    other = add(store, make, YOUNG)
    with store.begin("ten_a") as tx, pytest.raises(ConflictError, match=f"a part of {root.id}"):
        prune.remove_one(tx, child.id)
    with store.begin("ten_b") as tx, pytest.raises(NotFoundError):
        prune.remove_one(tx, root.id)
    with store.begin("ten_a") as tx:
        gone = prune.remove_one(tx, root.id)
    prune.finish(store, [gone], threading.Event())
    assert left(store) == {other.id}


def test_one_that_has_not_ended_may_not_be_removed(store: Store, make: Any) -> None:
    running = add(store, make, status=ExecutionStatus.RUNNING)
    parent = add(store, make)
    child = add(store, make, parent_id=parent.id, status=ExecutionStatus.WAITING)
    for one in (running, parent):
        with store.begin("ten_a") as tx, pytest.raises(ConflictError) as refused:
            prune.remove_one(tx, one.id)
        assert refused.value.code == "not_ended"
    assert left(store) == {running.id, parent.id, child.id}


def _fill(conn: sa.Connection, dialect: str, count: int, status: str = "succeeded") -> None:
    """Add many plain executions that ended long ago, in one statement."""
    beginning = first_id("exe", OLD)[:-8]
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    number = "printf('%08d', i)" if dialect == SQLITE else "lpad(i::text, 8, '0')"
    moment = ":moment" if dialect == SQLITE else "CAST(:moment AS timestamptz)"
    columns = "id, tenant_id, workflow_id, version, status, trigger, fence, crashes, created_at, finished_at"
    values = f":beginning || {number}, 'ten_a', 'wf_1', 1, :status, '{{}}', 1, 0, {moment}, {moment}"
    insert = f"INSERT INTO executions ({columns}) "
    statement = (
        f"{rows}{insert}SELECT {values} FROM n"
        if dialect != SQLITE
        else f"{insert}{rows}SELECT {values} FROM n"
    )
    given = {
        "count": count,
        "beginning": beginning,
        "status": status,
        "moment": OLD.strftime("%Y-%m-%d %H:%M:%S.%f") if dialect == SQLITE else OLD.isoformat(),
    }
    conn.execute(sa.text(statement), given)


def plan(conn: sa.Connection, dialect: str, query: Any) -> str:
    compiled = query.compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if dialect == SQLITE else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in conn.exec_driver_sql(f"{explain} {compiled}"))


@pytest.fixture
def crowded(store: Store, database: str, request: pytest.FixtureRequest) -> Store:
    """A database with very many executions, whose statistics are up to date."""
    with store.begin_across() as tx:
        _fill(tx.conn, store.dialect, MANY)
    if store.dialect != SQLITE:
        # What PostgreSQL does by itself a while after a table has grown.
        name = sa.make_url(database).database
        request.getfixturevalue("any_postgres").execute("ANALYZE executions", name)
    return store


def test_a_batch_reads_a_stretch_of_the_key_however_many_there_are(crowded: Store) -> None:
    until = first_id("exe", DUE)
    with crowded.read_across() as tx:
        middle = f"{first_id('exe', OLD)[:-8]}{MANY // 2:08}"
        walk = plan(tx.conn, crowded.dialect, prune.range_query(middle, until))
        oldest = plan(tx.conn, crowded.dialect, prune.oldest_query(t.events, first_id("evt", DUE)))
        rows = tx.conn.execute(prune.range_query(middle, until)).all()
    assert [int(one.id[-8:]) for one in rows] == list(range(MANY // 2 + 1, MANY // 2 + BATCH + 1))
    if crowded.dialect == SQLITE:
        assert walk == "SEARCH executions USING INDEX sqlite_autoindex_executions_1 (id>? AND id<?)"
        assert "SEARCH events USING" in oldest
        assert "id<?" in oldest
    else:
        assert "Index Scan using pk_executions" in walk
        assert "Seq Scan" not in walk
        assert "Sort" not in walk
    assert "TEMP B-TREE" not in walk + oldest
    assert count_due(crowded, BEFORE) == MANY


def test_very_many_are_removed_in_small_transactions(crowded: Store) -> None:
    walk = Walk()
    assert prune_executions(crowded, BEFORE, threading.Event(), walk, most=10) == 10 * BATCH
    assert count_due(crowded, BEFORE) == MANY - 10 * BATCH
