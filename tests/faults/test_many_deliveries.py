"""F32, F33: one delivery many times at once, and deliveries in an order of their own."""

import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from rig.judge import judge
from rig.site import DATABASES, Site, one_step, wait_until
from rig.whole import NOTE

from revolution_hub.store import tables as t

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]
COPIES = 50
ACCOUNTS = ("one", "two")
EACH = 8


@on_each_database
def test_f32_a_delivery_that_comes_fifty_times_at_once_starts_one_execution(
    site: Site, figure: Figure
) -> None:
    # Given two processes of the API
    site.start(api_processes=2)
    name = site.publish(one_step("add_entry"))
    owner = site.owners[0]
    # When one delivery comes fifty times, in parallel
    begun_s = time.monotonic()
    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(lambda _: site.deliver(owner, name, "msg_same"), range(COPIES)))
    figure("all answered after", time.monotonic() - begun_s)
    # Then every sender is told the same execution, and there is no other
    assert {one.status_code if one is not None else 0 for one in answers} == {202}
    assert len({one.execution_id for one in site.accepted}) == 1
    judge(site)
    assert site.count("1 = 1") == 1
    assert list(site.provider.effects("once").values()) == [1]


def ordered(*, keyed: bool) -> dict[str, Any]:
    """A workflow of two steps, for one account one execution at a time if it is `keyed`."""
    note = NOTE + " {{ trigger.data.account }} {{ trigger.data.number }}"
    steps = [{"id": f"put_{n}", "uses": "ledger.put_entry", "with": {"note": note}} for n in (1, 2)]
    document: dict[str, Any] = {"name": "ordered", "on": [{"webhook": {}}], "steps": steps}
    return {**document, "concurrency": {"key": "{{ trigger.data.account }}"}} if keyed else document


def kill_one_worker(site: Site) -> None:
    # The last one may not have been replaced yet.
    wait_until(lambda: site.hub.children("worker"), "there is a worker", report=site.hub.log)
    os.kill(site.hub.children("worker")[0], signal.SIGKILL)


def deliver_shuffled(site: Site) -> dict[str, list[str]]:
    """Deliver numbered events in a shuffled sequence; returns each account's executions as they arrived."""
    events = [(account, number) for account in ACCOUNTS for number in range(EACH)]
    random.Random(33).shuffle(events)
    arrived: dict[str, list[str]] = {account: [] for account in ACCOUNTS}
    for at, (account, number) in enumerate(events):
        if at in (5, 11):
            kill_one_worker(site)
        data = {"account": account, "number": number}
        arrived[account].append(site.deliver_until_accepted(site.owners[0], "ordered", data=data))
    return arrived


def overlapping(site: Site, execution_ids: list[str]) -> int:
    """Count the executions that began before the one before them had ended."""
    rows = {one["id"]: one for one in site.rows(sa.select(t.executions))}
    in_line = [rows[one] for one in execution_ids]
    return sum(one["finished_at"] > after["started_at"] for one, after in pairwise(in_line))


@on_each_database
@pytest.mark.parametrize("keyed", [True, False])
def test_f33_events_of_one_key_are_done_one_at_a_time_as_they_arrived(
    site: Site, keyed: bool, figure: Figure
) -> None:
    # Given a workflow with a concurrency key, or without, and a provider that takes its time
    site.provider.pace("repeatable", 0.15)
    site.start()
    site.owners[0].publish(ordered(keyed=keyed))
    # When events arrive in a sequence of their own, and workers are killed meanwhile
    arrived = deliver_shuffled(site)
    kill_one_worker(site)
    # Then all of them are done
    figure("done in", judge(site))
    assert site.count("status = 'succeeded'") == len(ACCOUNTS) * EACH
    overlaps = {account: overlapping(site, ids) for account, ids in arrived.items()}
    if not keyed:
        # Without a key nobody waits for anybody
        assert max(overlaps.values()) > 0
        return
    # And those of one account came one after the other, in the order they arrived in
    assert overlaps == dict.fromkeys(ACCOUNTS, 0)
    called = [call.key.partition(".")[0] for call in site.provider.calls("repeatable")]
    for ids in arrived.values():
        assert [one for one in dict.fromkeys(called) if one in ids] == ids
