"""Order: events are not kept in it, unless their workflow asks for one at a time per key."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from revolution_hub.services import emitting
from revolution_hub.services.emitting import NewEvent
from revolution_hub.store import tables as t

ACCOUNTS = 4
EACH = 8
NOTE = {"id": "note", "uses": "lab.put_page", "with": {"account": "{{ trigger.data.account }}",
                                                       "place": "{{ trigger.data.place }}"}}  # fmt: skip
KEYED = {"concurrency": {"key": "{{ trigger.data.account }}", "limit": 1}}


def arrive(bench: Any) -> dict[int, list[int]]:
    """Report events of several accounts, shuffled, each a moment behind the last; returns their order."""
    chance = random.Random(7)
    places = [(account, place) for account in range(ACCOUNTS) for place in range(EACH)]
    chance.shuffle(places)
    order: dict[int, list[int]] = {}
    for account, place in places:
        bench.clock.advance(0.001)
        given = NewEvent(type="custom.account.moved", data={"account": account, "place": place})
        emitting.emit_event(bench.hub, bench.principal, given)
        order.setdefault(account, []).append(place)
    return order


def work_side_by_side(bench: Any) -> tuple[dict[int, list[int]], int]:
    """Drive what may be driven, the newest of several first; returns the order, and the most at a time."""
    most = 0
    while True:
        taken = []
        while (one := bench.claim()) is not None:
            taken.append(one)
        if not taken:
            break
        most = max(most, len(taken))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bench.drive, reversed(taken)))
    order: dict[int, list[int]] = {}
    for _, value, _ in bench.script.calls:
        order.setdefault(value["account"], []).append(value["place"])
    return order, most


def test_without_a_key_everything_is_done_and_no_order_is_promised(bench: Any) -> None:
    bench.publish(NOTE, on=[{"event": "custom.account.*"}])
    arrived = arrive(bench)
    done, most = work_side_by_side(bench)
    assert {account: sorted(places) for account, places in done.items()} == {
        account: sorted(places) for account, places in arrived.items()
    }
    assert most > ACCOUNTS


def test_with_a_key_those_that_share_it_run_one_at_a_time_in_the_order_they_came_in(bench: Any) -> None:
    bench.publish(NOTE, on=[{"event": "custom.account.*"}], **KEYED)
    arrived = arrive(bench)
    done, most = work_side_by_side(bench)
    assert done == arrived
    assert most == ACCOUNTS
    with bench.hub.store.read_across() as tx:
        statuses = set(tx.conn.execute(sa.select(t.executions.c.status)).scalars())
    assert statuses == {"succeeded"}
