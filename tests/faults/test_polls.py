"""Polls whose worker is killed: between the provider's answer and the commit, and right behind the commit."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rig.hub import HTTP
from rig.site import DATABASES, Site, wait_until

pytestmark = pytest.mark.faults

LISTENS = {"name": "listens", "on": [{"event": "ledger.entry.made"}], "steps": [{"set": {"seen": 1}}]}
ENTRIES = 5


def enter(site: Site, numbers: range) -> None:
    """Let something happen at the provider that nobody reports."""
    for number in numbers:
        headers = {"x-key": f"outside-{number}"}
        HTTP.put(f"{site.provider.url}/repeatable", json={"note": "outside"}, headers=headers)


def poll_of(site: Site) -> dict[str, Any]:
    (one,) = site.owners[0].team.ask("GET", "/api/polls")["items"]
    return dict(one)


def look(site: Site) -> None:
    site.owners[0].team.ask("POST", f"/api/polls/{poll_of(site)['id']}/run")


def seen(site: Site) -> list[int]:
    rows = site.rows("SELECT data FROM events WHERE source = 'poll'")
    told = (json.loads(one["data"]) if isinstance(one["data"], str) else one["data"] for one in rows)
    return sorted(one["number"] for one in told)


@pytest.mark.parametrize("stack", DATABASES)
@pytest.mark.parametrize("point", ["poll.after_answer", "poll.after_commit"])
def test_a_worker_that_is_killed_while_it_looks_loses_nothing_and_doubles_nothing(
    site: Site, point: str, figure: Callable[[str, float], None]
) -> None:
    # Given one worker that is to die at its second look, and a workflow that hears what only a poll finds
    site.start(crash=f"worker/{point}:2", worker_processes=1)
    site.owners[0].team.publish(LISTENS)
    wait_until(lambda: poll_of(site)["polled_at"], "the first look is done", 30.0, site.hub.log)
    # When something happens at the provider and is looked for
    enter(site, range(ENTRIES))
    look(site)
    crash = f"worker/{point}:2"
    wait_until(lambda: site.crashed(crash), f"the worker dies at {point}", 30.0, site.hub.log)
    # Then it is all found by its replacement, each happening once
    wait_until(lambda: len(seen(site)) == ENTRIES, "everything is found", 60.0, site.hub.log)
    enter(site, range(ENTRIES, 2 * ENTRIES))
    wait_until(lambda: poll_of(site)["state"] == "waiting", "the look has ended", 60.0, site.hub.log)
    look(site)
    wait_until(lambda: len(seen(site)) == 2 * ENTRIES, "what follows is found", 60.0, site.hub.log)
    site.settle()
    assert seen(site) == list(range(2 * ENTRIES))
    assert site.count("status = 'succeeded'") == 2 * ENTRIES
    ledger = poll_of(site)["ledger"]
    assert (ledger["polled"], ledger["doubled"]) == (2 * ENTRIES, 0)
