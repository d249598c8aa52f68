"""Events are repeated by the hundred while the clocks that do it are killed again and again."""

import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import sqlalchemy as sa
from rig.judge import judge
from rig.site import DATABASES, Site, one_step, wait_until

from revolution_hub.store import tables as t

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("stack", DATABASES)]

MANY = 450
LIMIT_S = 120.0


def kill_clocks(site: Site) -> None:
    for pid in site.hub.children("clock"):
        # It may be gone by now, which is what is wanted.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_replay_of_many_events_starts_each_once_whatever_happens_to_the_clock(site: Site) -> None:
    # Given many events, each of which was done once
    site.start()
    name = site.publish(one_step("put_entry"))
    owner = site.owners[0]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: site.deliver_until_accepted(owner, name), range(MANY)))
    site.settle(limit_s=LIMIT_S)
    event_ids = {one["id"] for one in site.rows(sa.select(t.events.c.id))}
    (workflow,) = owner.team.ask("GET", "/api/workflows")["items"]
    # When all of them are repeated, and the clock is killed at random moments meanwhile
    body = {"workflow_id": workflow["id"], "filter": {"source": "webhook"}}
    replay = owner.team.ask("POST", "/api/events/replay", body)
    random_ = random.Random(7)

    def finished() -> bool:
        shown = owner.team.ask("GET", f"/api/event-replays/{replay['id']}")
        if shown["status"] == "running":
            time.sleep(random_.uniform(0.0, 0.4))
            kill_clocks(site)
        return bool(shown["status"] == "done")

    for _ in range(5):
        if finished():
            break
    wait_until(
        lambda: owner.team.ask("GET", f"/api/event-replays/{replay['id']}")["status"] == "done",
        "the replay is done",
        LIMIT_S,
        site.hub.log,
    )
    judge(site, limit_s=LIMIT_S)
    # Then each was started once more, and once only
    shown = owner.team.ask("GET", f"/api/event-replays/{replay['id']}")
    assert (shown["looked_at"], shown["started"], shown["problem"]) == (MANY, MANY, None)
    repeated = Counter(
        one["replay_of"] for one in site.rows(sa.select(t.executions.c.replay_of)) if one["replay_of"]
    )
    assert (set(repeated), set(repeated.values())) == (event_ids, {1})
    effects = site.provider.effects("repeatable")
    assert (len(effects), set(effects.values())) == (2 * MANY, {1})
