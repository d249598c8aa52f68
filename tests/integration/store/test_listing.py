"""The list of executions: every filter finds what it says, each from an index, however many there are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.change import Start
from revolution_hub.model.execution import error_json
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store.details import list_replays, root_of
from revolution_hub.store.listing import Filter, list_page, queries
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

SQLITE = "sqlite"
OLD = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 20_000
ENDED = ExecutionStatus.FAILED


@pytest.fixture
def varied(store: Store, make: Any) -> dict[str, str]:
    """Executions that differ in what can be asked for, by a name of the difference."""
    kinds: dict[str, dict[str, Any]] = {
        "queued": {},
        "suspect": {"crashes": 2},
        "running": {"status": ExecutionStatus.RUNNING},
        "waiting": {"status": ExecutionStatus.WAITING, "wait_reason": WaitReason.TIMER},
        "uncertain": {"status": ExecutionStatus.WAITING, "wait_reason": WaitReason.UNCERTAIN},
        "failed": {"status": ENDED, "error": error_json("no_page", "no")},
        "late": {"status": ENDED, "error": error_json("timeout", "late")},
        "done": {"status": ExecutionStatus.SUCCEEDED},
        "other": {"status": ExecutionStatus.SUCCEEDED, "workflow_id": "wf_2", "event_id": "evt_1"},
        "by_ada": {"status": ExecutionStatus.CANCELLED, "started_by": "key_ada"},
    }
    made = {name: make.execution(**more) for name, more in kinds.items()}
    made["child"] = make.execution(parent_id=made["done"].id, parent_step="fan", place=0, status=ENDED)
    made["replay"] = make.execution(replay_of=made["failed"].id)
    made["foreign"] = make.execution(tenant_id="ten_b", status=ENDED, error=error_json("no_page", "no"))
    for one in made.values():
        submit(store, Start(execution=one))
    return {name: one.id for name, one in made.items()}


S = ExecutionStatus
CASES: dict[str, tuple[Any, Sequence[str]]] = {
    "nothing asked": (
        {},
        [
            *("queued", "suspect", "running", "waiting", "uncertain"),
            *("failed", "late", "done", "other", "by_ada", "replay"),
        ],
    ),
    "queued": ({"statuses": (S.QUEUED,)}, ["queued", "suspect", "replay"]),
    "running": ({"statuses": (S.RUNNING,)}, ["running"]),
    "failed": ({"statuses": (S.FAILED,)}, ["failed", "late"]),
    "several": ({"statuses": (S.FAILED, S.RUNNING, S.CANCELLED)}, ["running", "failed", "late", "by_ada"]),
    "with those that succeeded": ({"statuses": (S.SUCCEEDED, S.RUNNING)}, ["running", "done", "other"]),
    "a reason to wait": ({"wait_reason": WaitReason.UNCERTAIN}, ["uncertain"]),
    "a reason that does not fit": ({"wait_reason": WaitReason.TIMER, "statuses": (S.FAILED,)}, []),
    "an error": ({"error_code": "no_page"}, ["failed"]),
    "a workflow": ({"workflow_id": "wf_2"}, ["other"]),
    "a workflow and a status": ({"workflow_id": "wf_2", "statuses": (S.FAILED,)}, []),
    "an event": ({"event_id": "evt_1"}, ["other"]),
    "somebody": ({"started_by": "key_ada"}, ["by_ada"]),
    "a parent": ({"parent_id": "done"}, ["child"]),
    "a parent and a status": ({"parent_id": "done", "statuses": (S.QUEUED,)}, []),
    "replays": ({"replay_of": "failed"}, ["replay"]),
}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_a_filter_finds_what_it_says(
    case: str, newest_first: bool, store: Store, varied: dict[str, str]
) -> None:
    wanted, names = CASES[case]
    named = ("parent_id", "replay_of")
    given = {key: varied[value] if key in named else value for key, value in wanted.items()}
    found, after = [], None
    while True:
        with store.read("ten_a") as tx:
            page = Page(limit=2, after=after, newest_first=newest_first)
            rows, after = list_page(tx, page, Filter(**given))
        found += [one.id for one in rows]
        if after is None:
            break
    assert found == sorted((varied[name] for name in names), reverse=newest_first)


def test_a_span_of_time_is_one_of_ids(store: Store, make: Any) -> None:
    moments = [OLD + timedelta(hours=hours) for hours in range(5)]
    for one in moments:
        submit(store, Start(execution=make.execution(id=first_id("exe", one), created_at=one)))
    with store.read("ten_a") as tx:
        span = Filter(created_after=moments[1], created_before=moments[3])
        rows, _ = list_page(tx, Page(newest_first=False), span)
        before, _ = list_page(tx, Page(), Filter(before_id=first_id("exe", moments[2])))
    assert [one.created_at for one in rows] == moments[1:3]
    assert [one.created_at for one in before] == [moments[1], moments[0]]


def test_relatives_of_another_tenant_are_not_found(store: Store, varied: dict[str, str]) -> None:
    with store.read("ten_a") as tx:
        assert root_of(tx, varied["child"]) == varied["done"]
        assert list_replays(tx, varied["failed"]) == [varied["replay"]]
    with store.read("ten_b") as tx:
        assert list_replays(tx, varied["failed"]) == []
        with pytest.raises(NotFoundError):
            root_of(tx, varied["child"])


def _fill(conn: sa.Connection, dialect: str) -> None:
    """Add many executions: of a hundred, one failed, one waits, one is a child and one a replay."""
    beginning = first_id("exe", OLD)[:-8]
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    number = "printf('%08d', i)" if dialect == SQLITE else "lpad(i::text, 8, '0')"
    moment = ":moment" if dialect == SQLITE else "CAST(:moment AS timestamptz)"
    columns = "id, tenant_id, workflow_id, version, status, trigger, fence, crashes, created_at, parent_id,"
    columns += " replay_of, event_id"
    status = "CASE i % 100 WHEN 1 THEN 'failed' WHEN 2 THEN 'waiting' ELSE 'succeeded' END"
    values = f":beginning || {number}, 'ten_a', 'wf_' || (i % 5), 1, {status}, '{{}}', 1, 0, {moment},"
    values += " CASE i % 100 WHEN 3 THEN 'exe_parent' END, CASE i % 100 WHEN 4 THEN 'exe_old' || i END,"
    values += f" 'evt_' || {number}"
    insert = f"INSERT INTO executions ({columns}) "
    select = f"SELECT {values} FROM n"
    statement = f"{insert}{numbers}{select}" if dialect == SQLITE else f"{numbers}{insert}{select}"
    given = {
        "count": MANY,
        "beginning": beginning,
        "moment": OLD.strftime("%Y-%m-%d %H:%M:%S.%f") if dialect == SQLITE else OLD.isoformat(),
    }
    conn.execute(sa.text(statement), given)


@pytest.fixture
def crowded(store: Store, database: str, request: pytest.FixtureRequest) -> Store:
    """A database with very many executions, whose statistics are up to date."""
    with store.begin_across() as tx:
        _fill(tx.conn, store.dialect)
    if store.dialect != SQLITE:
        name = sa.make_url(database).database
        request.getfixturevalue("any_postgres").execute("ANALYZE executions", name)
    return store


ID, WORKFLOW, STATUS = "tenant_id_id", "tenant_id_workflow_id_id", "tenant_id_status_id"
PLANS: dict[str, tuple[Filter, str]] = {
    "nothing asked": (Filter(), ID),
    "somebody": (Filter(started_by="key_ada"), "tenant_id_started_by_id"),
    "a workflow": (Filter(workflow_id="wf_3"), WORKFLOW),
    "failed": (Filter(statuses=(S.FAILED,)), STATUS),
    "failed of a workflow": (Filter(statuses=(S.FAILED,), workflow_id="wf_1"), STATUS),
    "a reason to wait": (Filter(wait_reason=WaitReason.UNCERTAIN), STATUS),
    "an error": (Filter(error_code="timeout"), STATUS),
    "a parent": (Filter(parent_id="exe_parent"), "parent_id_parent_step_place"),
    "replays": (Filter(replay_of="exe_old4"), "tenant_id_replay_of_id"),
    "running": (Filter(statuses=(S.RUNNING,)), "tenant_id_connection_id_lease_owner"),
    "queued": (Filter(statuses=(S.QUEUED,)), ""),
    "an event": (Filter(event_id="evt_00000077"), ""),
}


def plans_of(store: Store, wanted: Filter) -> list[str]:
    """Return how the database goes about each of the queries."""
    found = []
    explain = "EXPLAIN QUERY PLAN" if store.dialect == SQLITE else "EXPLAIN"
    with store.read("ten_a") as tx:
        for query in queries("ten_a", Page(), wanted):
            text = query.compile(dialect=tx.conn.dialect, compile_kwargs={"literal_binds": True})
            found.append("\n".join(str(row[-1]) for row in tx.conn.exec_driver_sql(f"{explain} {text}")))
    return found


@pytest.mark.parametrize("case", PLANS)
def test_each_page_comes_from_an_index(case: str, crowded: Store) -> None:
    wanted, index = PLANS[case]
    plans = plans_of(crowded, wanted)
    assert plans
    for plan in plans:
        assert "SCAN executions" not in plan, plan
        assert "Seq Scan on executions" not in plan, plan
        if crowded.dialect == SQLITE:
            assert f"ix_executions_{index}" in plan or not index, plan
            sorted_apart = "USE TEMP B-TREE FOR ORDER BY" in plan
            # These are few: what runs, what waits in line, one event, and the children of one.
            assert sorted_apart <= (case in ("running", "queued", "an event", "a parent")), plan


def test_an_event_is_found_among_very_many(crowded: Store) -> None:
    with crowded.read("ten_a") as tx:
        rows, _ = list_page(tx, Page(), Filter(event_id="evt_00000077"))
    assert [one.event_id for one in rows] == ["evt_00000077"]
