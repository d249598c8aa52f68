"""Pages: every row exactly once, in both directions, whatever is added or removed meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from revolution_hub.model.change import Start
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import connections
from revolution_hub.store.listing import Filter, list_page
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store


def add(store: Store, make: Any, count: int, **more: Any) -> list[str]:
    made = [make.execution(**more) for _ in range(count)]
    for one in made:
        submit(store, Start(execution=one))
    return sorted(one.id for one in made)


def walk(
    store: Store,
    limit: int,
    *,
    newest_first: bool,
    between: Callable[[], None] = lambda: None,
    **filters: Any,
) -> list[list[str]]:
    pages, after = [], None
    while True:
        page = Page(limit=limit, after=after, newest_first=newest_first)
        with store.read("ten_a") as tx:
            rows, after = list_page(tx, page, Filter(**filters))
        pages.append([one.id for one in rows])
        if after is None:
            return pages
        between()


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("count", "limit"), [(0, 3), (1, 1), (2, 3), (3, 3), (4, 3), (6, 3), (7, 3), (7, 1)])
def test_walking_meets_every_row_once_in_order(
    count: int, limit: int, newest_first: bool, store: Store, make: Any
) -> None:
    ids = add(store, make, count)
    add(store, make, 2, tenant_id="ten_b")
    pages = walk(store, limit, newest_first=newest_first)
    assert [one for page in pages for one in page] == sorted(ids, reverse=newest_first)
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages) == max(1, -(-count // limit))


def test_rows_added_while_walking_from_the_newest_are_left_for_the_next_walk(store: Store, make: Any) -> None:
    ids = add(store, make, 5)
    late: list[str] = []
    pages = walk(
        store, 2, newest_first=True, between=lambda: late.extend(add(store, make, 1, id=f"exe_zz{len(late)}"))
    )
    assert [one for page in pages for one in page] == sorted(ids, reverse=True)
    assert len(late) == 2


def test_a_cursor_whose_row_is_gone_still_continues_behind_it(store: Store, make: Any) -> None:
    names = [make.connection(name=f"c{number}") for number in range(4)]
    with store.begin("ten_a") as tx:
        for one in names:
            connections.add(tx, one)
        rows, after = connections.list_page(tx, Page(limit=2, newest_first=False), None)
        connections.remove(tx, rows[-1].id)
        rest, end = connections.list_page(tx, Page(limit=2, after=after, newest_first=False), None)
    assert [one.id for one in rows + rest] == sorted(one.id for one in names)
    assert end is None


def test_filters_narrow_every_page(store: Store, make: Any) -> None:
    ids = add(store, make, 3, workflow_id="wf_2", status=ExecutionStatus.FAILED)
    add(store, make, 3, workflow_id="wf_2")
    add(store, make, 3, status=ExecutionStatus.FAILED)
    pages = walk(store, 2, newest_first=False, workflow_id="wf_2", statuses=(ExecutionStatus.FAILED,))
    assert pages == [ids[:2], ids[2:]]


def test_a_cursor_that_names_nothing_gives_an_empty_end_or_everything(store: Store, make: Any) -> None:
    ids = add(store, make, 3)
    with store.read("ten_a") as tx:
        low, _ = list_page(tx, Page(after=""), Filter())
        high, _ = list_page(tx, Page(after="zzz"), Filter())
    assert low == []
    assert [one.id for one in high] == sorted(ids, reverse=True)
