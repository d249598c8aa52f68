"""Every list of the event log is answered from an index, however much the log holds."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.event import DeliveryMark, EventOutcome, EventSource
from revolution_hub.model.ids import first_id
from revolution_hub.store import deliveries, event_replays, events, taps
from revolution_hub.store.connect import SQLITE
from revolution_hub.store.events import EventFilter
from revolution_hub.store.paging import Page
from revolution_hub.store.taps import Wanted
from revolution_hub.store.tx import Store, Tx

MANY = 60_000
OLD = datetime(2026, 11, 1, tzinfo=UTC)


def _fill(conn: sa.Connection, dialect: str) -> None:
    """Add very many events, each with its delivery, of two tenants, all through one hook."""
    number = "printf('%08d', i)" if dialect == SQLITE else "lpad(i::text, 8, '0')"
    moment = ":moment" if dialect == SQLITE else "CAST(:moment AS timestamptz)"
    given = {
        "count": MANY,
        "event": first_id("evt", OLD)[:-8],
        "delivery": first_id("dlv", OLD)[:-8],
        "moment": OLD.strftime("%Y-%m-%d %H:%M:%S.%f") if dialect == SQLITE else OLD.isoformat(),
    }
    tenant = "CASE i % 2 WHEN 0 THEN 'ten_a' ELSE 'ten_b' END"
    body = "x'7b7d'" if dialect == SQLITE else "'{}'::bytea"
    mark = "CASE i % 500 WHEN 0 THEN 'unparseable' END"
    inserts = {
        "events (id, tenant_id, source_id, delivery_id, connector, type, dedup_key, data, received_at)": (
            f":event || {number}, {tenant}, 'hok_1', :delivery || {number}, '', 'a.b.c' || (i % 7), "
            f"'key-' || i, '{{}}', {moment}"
        ),
        "deliveries (id, tenant_id, source_id, body, headers, received_at, mark)": (
            f":delivery || {number}, {tenant}, 'hok_1', {body}, '{{}}', {moment}, {mark}"
        ),
        "app_deliveries (id, source_id, body, headers, received_at, mark)": (
            f":delivery || {number}, 'app_' || (i % 3), {body}, '{{}}', {moment}, {mark}"
        ),
    }
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    for into, values in inserts.items():
        select = f"SELECT {values} FROM n"
        parts = (f"INSERT INTO {into}", numbers) if dialect == SQLITE else (numbers, f"INSERT INTO {into}")
        text = sa.text(" ".join((*parts, select)))
        conn.execute(text, {name: value for name, value in given.items() if f":{name}" in str(text)})


@pytest.fixture
def crowded(store: Store, database: str, request: pytest.FixtureRequest) -> Store:
    """A database with very many events and deliveries, whose statistics are up to date."""
    with store.begin_across() as tx:
        _fill(tx.conn, store.dialect)
    if store.dialect != SQLITE:
        name = sa.make_url(database).database
        analyze = "ANALYZE events, deliveries, app_deliveries, executions"
        request.getfixturevalue("any_postgres").execute(analyze, name)
    return store


def plans_of(store: Store, act: Callable[[Tx], Any]) -> list[str]:
    """Return how the database goes about each statement of what is done."""
    done: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        done.append((statement, parameters))

    explain = "EXPLAIN QUERY PLAN" if store.dialect == SQLITE else "EXPLAIN"
    with store.read("ten_a") as tx:
        sa.event.listen(tx.conn, "before_cursor_execute", note)
        act(tx)
        sa.event.remove(tx.conn, "before_cursor_execute", note)
        return [
            "\n".join(str(row[-1]) for row in tx.conn.exec_driver_sql(f"{explain} {statement}", parameters))
            for statement, parameters in done
        ]


def events_of(**wanted: Any) -> Callable[[Tx], Any]:
    return lambda tx: events.list_page(tx, Page(), EventFilter(**wanted))


MIDDLE = first_id("evt", OLD)[:-8] + f"{MANY // 2:08}"
ACTS: dict[str, Callable[[Tx], Any]] = {
    "all": events_of(),
    "a page behind": lambda tx: events.list_page(tx, Page(after=MIDDLE), EventFilter(type="none.of.it")),
    "the oldest first": lambda tx: events.list_page(
        tx, Page(after=MIDDLE, newest_first=False), EventFilter(connector="none")
    ),
    "a type": events_of(type="a.b.c3"),
    "a group": events_of(type="none.*"),
    "an endpoint": events_of(source_id="hok_1", source=EventSource.WEBHOOK),
    "an outcome": events_of(outcome=EventOutcome.FILTERED),
    "a time": events_of(after=OLD, type="none"),
    "a path": events_of(path=("n",), value="1"),
    "deliveries": lambda tx: deliveries.list_page(tx, Page(), ["app_1", "app_2"]),
    "marked deliveries": lambda tx: deliveries.list_page(tx, Page(), [], mark=DeliveryMark.UNPARSEABLE),
    "marked deliveries of an app": lambda tx: deliveries.list_page(
        tx, Page(), ["app_1"], mark=DeliveryMark.DUPLICATE, app_id="app_1"
    ),
    "a tap": lambda tx: taps.list_came(tx, Wanted(names=["none.*"], hook_id="hok_2"), MIDDLE[4:], 50),
    "failed ones": events_of(failed=True),
    "what was started": lambda tx: events.list_started(tx, [MIDDLE]),
    "replays": event_replays.count_running,
}


FEW = ("a path", "what was started", "failed ones", "marked deliveries", "a tap", "replays")
"""Of these there are so few, or they are named, that a database may prefer to sort them."""


@pytest.mark.parametrize("case", ACTS)
def test_nothing_is_looked_for_by_going_through_a_table(case: str, crowded: Store) -> None:
    plans = plans_of(crowded, ACTS[case])
    assert plans
    for plan in plans:
        for table in ("events", "deliveries", "app_deliveries", "executions", "event_replays"):
            assert f"SCAN {table}\n" not in f"{plan}\n", plan
            assert f"Seq Scan on {table} " not in plan or table in ("executions", "event_replays"), plan
        sorted_apart = "TEMP B-TREE" in plan or "Sort" in plan
        assert not sorted_apart or case in FEW, plan


def test_a_page_of_a_rare_type_ends_where_its_stretch_does(crowded: Store) -> None:
    with crowded.read("ten_a") as tx:
        found, cursor = events.list_page(tx, Page(), EventFilter(type="none.of.it"))
        ten_thousandth = tx.conn.execute(
            sa.text("SELECT id FROM events WHERE tenant_id = 'ten_a' ORDER BY id DESC LIMIT 1 OFFSET 9999")
        ).scalar_one()
    assert (found, cursor) == ([], ten_thousandth)


def test_a_page_at_the_end_of_the_log_has_no_next_one(crowded: Store) -> None:
    with crowded.read("ten_a") as tx:
        after, pages = None, 0
        while True:
            found, after = events.list_page(tx, Page(after=after), EventFilter(type="none.of.it"))
            pages += 1
            assert found == []
            if after is None:
                break
    # Of 30,000 events each page looks at 10,000; the last one sees that there is nothing behind them.
    assert pages in (3, 4)


def test_a_page_with_a_path_reads_only_so_many(crowded: Store) -> None:
    with crowded.read("ten_a") as tx:
        found, cursor = events.list_page(tx, Page(), EventFilter(path=("n",), value="1"))
        thousandth = tx.conn.execute(
            sa.text("SELECT id FROM events WHERE tenant_id = 'ten_a' ORDER BY id DESC LIMIT 1 OFFSET 999")
        ).scalar_one()
    assert (found, cursor) == ([], thousandth)


def test_a_tap_that_was_left_alone_goes_through_a_long_log_stretch_by_stretch(crowded: Store) -> None:
    shown: list[str] = []
    place: str | None = ""
    looks = 0
    with crowded.read("ten_a") as tx:
        while place is not None:
            came, place = taps.list_came(tx, Wanted(names=["a.b.c3"]), place, 5_000)
            shown += [at for at, _ in came]
            looks += 1
        every = tx.conn.execute(
            sa.text("SELECT id FROM events WHERE tenant_id = 'ten_a' AND type = 'a.b.c3' ORDER BY id")
        ).scalars()
        assert shown == [one.partition("_")[2] for one in every]
    assert looks == MANY // 2 // taps.SCANNED + 1
