"""Databases are filled with what a hub writes, memory is read as it is, and costs are divided rightly."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.ending import Wrong
from bench.fill import APART, COPIED, Model, fill, made_before, statements
from bench.inside import EFFECTS, Inside, inside, new_home
from bench.resident import growth, resident_bytes
from bench.rows import Database, count_since, wait_until_ended
from growth import against
from memory import held_at
from revolution_hub.model.ids import first_id
from revolution_hub.services.executions import list_executions
from revolution_hub.store import tables as t
from revolution_hub.store.listing import Filter
from revolution_hub.store.paging import Page
from steps import KINDS, ratio, require_result, run_once
from steps import growth as growth_of_steps

NOW = datetime(2020, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    """An engine over an SQLite database."""
    with inside(*new_home(tmp_path, "hub", None)) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """One for tests that leave nothing open behind them."""
    with inside(*new_home(tmp_path_factory.mktemp("shared"), "hub", None)) as made:
        yield made


def _counts(database: Database) -> dict[str, int]:
    return {name: database.rows(f"SELECT count(*) FROM {name}")[0][0] for name in COPIED}


def _model(bench: Inside) -> Model:
    """Run three steps, and add an event and a delivery as a webhook would have left them."""
    workflow_id = bench.publish("three", KINDS["set"](3))
    execution_id, _, _ = run_once(bench, workflow_id)
    came: dict[str, Any] = {"tenant_id": "ten_bench", "source_id": "hok_1", "received_at": NOW}
    with bench.hub.store.begin("ten_bench") as tx:
        tx.conn.execute(t.deliveries.insert().values(id="dlv_1", body=b"{}", headers={}, **came))
        tx.conn.execute(
            t.events.insert().values(
                id="evt_1",
                delivery_id="dlv_1",
                connector="",
                type="webhook.received",
                dedup_key="1",
                data={},
                **came,
            )
        )
    return Model(execution_id, "evt_1", "dlv_1")


def test_a_database_is_filled_with_whole_copies_that_are_older(bench: Inside) -> None:
    model = _model(bench)
    before = fill(bench.database, model, NOW, 120)
    assert _counts(bench.database) == {
        "executions": 121,
        "step_executions": 363,
        "events": 121,
        "deliveries": 121,
    }
    assert before < NOW - 120 * APART
    found, _ = list_executions(bench.hub, bench.principal, Page(limit=200), Filter())
    assert found[0].id == model.execution_id
    assert [str(one.status) for one in found[1:]].count("failed") == 2
    assert [one.created_at for one in found[1:]] == [NOW - index * APART for index in range(1, 121)]
    linked = (
        "SELECT count(*) FROM executions e JOIN events v ON v.id = e.event_id "
        "JOIN deliveries d ON d.id = v.delivery_id"
    )
    assert bench.database.rows(linked) == [(120,)]


def test_every_moment_and_key_of_a_copy_is_its_own() -> None:
    for name, own in COPIED.items():
        columns = t.metadata.tables[name].columns
        keys = {one.name for one in t.metadata.tables[name].primary_key}
        assert set(own) <= {one.name for one in columns}
        assert keys & {"id", "execution_id"} <= set(own)
    assert all("timestamptz" not in one for one in statements(Model("e", "v", "d"), sqlite=True))


def test_ids_of_copies_sort_by_their_moment() -> None:
    copies = list(made_before(NOW, 5))
    ids = [row[0] for row in copies]
    assert ids == sorted(ids, reverse=True)
    assert len({len(one) for one in ids} | {len(first_id("exe", NOW))}) == 1
    assert ids[0] < first_id("exe", NOW) < first_id("exe", NOW + APART)
    assert first_id("exe", NOW - APART) <= ids[0]


def test_only_what_was_made_since_is_counted(bench: Inside) -> None:
    model = _model(bench)
    fill(bench.database, model, NOW, 10)
    since = count_since(bench.database, NOW - 4 * APART)
    # The one that was copied is newer.
    assert (since.executions, since.steps, since.whole) == (5, 15, 5)
    wait_until_ended(bench.database, NOW - timedelta(days=1), 0.0)


def test_an_execution_that_has_not_ended_is_waited_for(bench: Inside) -> None:
    workflow_id = bench.publish("late", KINDS["set"](1))
    (execution_id,) = bench.start(workflow_id)
    with pytest.raises(Wrong, match="1 executions have not ended"):
        wait_until_ended(bench.database, datetime.now(UTC) - timedelta(minutes=1), 0.0)
    with pytest.raises(Wrong, match="left"):
        bench.require([execution_id], 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_chain_has_as_many_steps_as_it_says_and_counts_them(shared: Inside, kind: str, size: int) -> None:
    workflow_id = shared.publish(f"{kind} {size}", KINDS[kind](size))
    execution_id, cpu_s, wall_s = run_once(shared, workflow_id)
    shared.require([execution_id], size)
    require_result(shared, execution_id, kind, size)
    with pytest.raises(Wrong):
        require_result(shared, execution_id, kind, size + 10)
    assert cpu_s > 0
    assert wall_s > 0


def test_the_same_action_is_there_with_every_effect(shared: Inside) -> None:
    calls = [{"id": f"s_{one}", "uses": f"bench.count_{one}", "with": {"n": 1}} for one in EFFECTS]
    workflow_id = shared.publish("effects", list(calls))
    ids = shared.start(workflow_id, 3)
    shared.work(3, threads=2)
    shared.require(ids, len(EFFECTS))
    with pytest.raises(Wrong, match="0 of 1"):
        shared.work(1)


def test_memory_is_that_of_the_processes() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the memory of other processes is read from /proc")
    mine = resident_bytes([os.getpid()])
    assert 10_000_000 < mine <= resident_bytes([os.getpid()], "VmHWM")
    assert resident_bytes([os.getpid(), os.getpid()]) >= 2 * 10_000_000


def test_growth_is_the_slope() -> None:
    assert growth([(100, 1_000), (200, 1_300), (300, 1_600)]) == pytest.approx(3.0)
    assert held_at([(100, 7), (200, 8), (2_000, 9)], 0.1) == 8


def test_a_cost_is_divided_by_what_stood_beside_it() -> None:
    cost = dict.fromkeys(("accepted_us", "drained_us", "page_us", "failed_page_us", "claim_us"), 3.0)
    beside = [dict.fromkeys(cost, value) for value in (1.0, 2.0)]
    assert against(cost, beside) == dict.fromkeys(cost, 2.0)


def test_a_thousand_steps_are_divided_by_a_thousand_of_one() -> None:
    costs = {
        1: [1.0, 2.0],
        10: [2.0, 2.0],
        100: [20.0, 20.0],
        1_000: [500.0, 500.0],
        2_000: [1_500.0, 1_500.0],
    }
    assert ratio(costs) == pytest.approx(0.375)
    assert growth_of_steps(costs) == pytest.approx(5.0)
