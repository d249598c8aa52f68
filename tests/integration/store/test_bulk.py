"""Many rows at once: what was written is told exactly, and what is left out of a row is empty."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.change import Applied, Intake
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_new
from revolution_hub.store.rows import columns_of, rows_of
from revolution_hub.store.submit import submit_all
from revolution_hub.store.tx import Store

MANY = 150
"""More than one statement takes on SQLite."""


@pytest.mark.parametrize(
    "there",
    [(), (0,), (MANY - 1,), (63, 64), range(64, 128), range(MANY)],
    ids=["none", "the first", "the last", "at a seam", "a whole statement", "all"],
)
def test_of_rows_that_are_partly_there_only_the_new_ones_are_named(
    there: Any, store: Store, make: Any
) -> None:
    rows = [columns_of(make.execution()) for _ in range(MANY)]
    known = [rows[at] for at in there]
    with store.begin("ten_a") as tx:
        assert add_new(tx.conn, t.executions, known) == {row["id"] for row in known}
    with store.begin("ten_a") as tx:
        assert add_new(tx.conn, t.executions, rows) == {row["id"] for row in rows} - {
            row["id"] for row in known
        }
    with store.read("ten_a") as tx:
        assert tx.conn.execute(sa.select(sa.func.count()).select_from(t.executions)).scalar_one() == MANY


def test_rows_that_are_alike_in_one_call_are_written_once(store: Store, make: Any) -> None:
    first, second = columns_of(make.execution()), columns_of(make.execution())
    with store.begin("ten_a") as tx:
        assert add_new(tx.conn, t.executions, [first, first, second]) == {first["id"], second["id"]}


@pytest.mark.parametrize("account", [None, "acct_1"])
def test_events_with_and_without_what_is_seldom_there_share_a_batch(
    account: str | None, store: Store, make: Any
) -> None:
    moment = datetime(2026, 11, 22, 9, tzinfo=UTC)
    plain, told = (
        make.event(account=None, dedup_key="plain"),
        make.event(account=account, occurred_at=moment if account else None),
    )
    outcomes = submit_all(store, [Intake(event=plain), Intake(event=told), Intake(event=plain)])
    # The third is the first handed in again, which is harmless.
    assert outcomes == [Applied(execution_ids=())] * 3
    with store.read("ten_a") as tx:
        kept = {row["id"]: row for row in tx.conn.execute(sa.select(t.events)).mappings()}
    assert (kept[plain.id]["account"], kept[plain.id]["occurred_at"]) == (None, None)
    assert (kept[told.id]["account"], kept[told.id]["occurred_at"]) == (account, moment if account else None)


def test_a_column_stays_as_long_as_one_row_has_something_in_it(make: Any) -> None:
    plain, told = make.event(account=None, dedup_key="plain"), make.event(account="acct_1")
    assert "account" not in rows_of([plain, plain], seldom=("account",))[0]
    assert [row["account"] for row in rows_of([plain, told], seldom=("account",))] == [None, "acct_1"]
    assert rows_of([], seldom=("account",)) == []
