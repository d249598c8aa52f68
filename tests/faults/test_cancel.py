"""F48: an execution that is cancelled ends, wherever it is, and nothing of it has an effect afterwards."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from rig.judge import ENDED, judge
from rig.provider import Call
from rig.site import DATABASES, LEASE_S, Site, wait_until
from rig.whole import NOTE

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]


def act(step_id: str, action: str = "put_entry") -> dict[str, Any]:
    return {"id": step_id, "uses": f"ledger.{action}", "with": {"note": NOTE}}


LONG = {
    "name": "long",
    "on": [{"webhook": {}}],
    "steps": [
        act("first_put"),
        act("first_add", "add_entry"),
        {"id": "pause", "wait": {"for": 2}},
        act("later_put"),
        act("later_add", "add_entry"),
    ],
}
POINTS = (
    "worker.after_claim",
    "worker.before_effect",
    "worker.after_effect",
    "worker.after_record",
    "worker.after_next_enqueued",
    "worker.before_ack",
    "clock.after_sweep",
    "worker/committer.before_commit",
    "worker/committer.after_commit",
)
"""Those at which an execution is there and has not ended; before, there is nothing to cancel."""


def cancel(site: Site, execution_id: str) -> Any:
    """Cancel an execution; returns what is told of it, with the moment it was told."""
    path = f"/api/workflow-executions/{execution_id}/cancel"
    told = site.owners[0].team.ask("POST", path)
    return {**told, "at_s": time.time()}


def refused_again(site: Site, execution_id: str) -> tuple[int, str]:
    path = f"/api/workflow-executions/{execution_id}/cancel"
    answer = site.hub.call("POST", path, key=site.owners[0].team.key)
    return answer.status_code, answer.json()["code"]


def shown(site: Site, execution_id: str) -> Any:
    return site.owners[0].team.ask("GET", f"/api/workflow-executions/{execution_id}")


def surprising(site: Site, told: Any) -> list[Call]:
    """Return the calls that came after the answer and that the answer does not name as under way."""
    named = {f"{one['execution_id']}.{one['step']}" for one in told["under_way"]}
    return [one for one in site.provider.calls() if one.at_s > told["at_s"] and one.key not in named]


@on_each_database
@pytest.mark.parametrize("point", POINTS)
def test_f48_what_is_cancelled_after_a_process_died_stays_cancelled(
    site: Site, point: str, figure: Figure
) -> None:
    # Given an execution, and a process that dies at this point of it
    site.provider.pace("repeatable", 0.3)
    site.start(crash=point)
    site.publish(LONG)
    execution_id = site.deliver_until_accepted(site.owners[0], "long")
    wait_until(lambda: site.crashed(point), f"a process dies at {point}", 30.0, site.hub.log)
    # When it is cancelled, while others take over
    told = cancel(site, execution_id)
    assert told["status"] == "cancelled"
    # Then it cannot be cancelled again
    assert refused_again(site, execution_id) == (409, "already_ended")
    # And it stays as it is beyond its lease and its timer, and nothing is done for it that was not told
    wait_until(lambda: time.time() > told["at_s"] + LEASE_S + 1, "its lease is long over")
    figure("judged after", judge(site))
    assert surprising(site, told) == []
    ended = shown(site, execution_id)
    assert (ended["status"], ended["finished_at"]) == ("cancelled", told["finished_at"])


CALLED = {
    "name": "called",
    "inputs": {"type": "object", "properties": {"note": {"type": "string"}}},
    "steps": [{"id": "hold", "wait": {"for": "1h"}}],
}
HOLD = {"wait": {"for": "1h"}}
WAITING: dict[str, tuple[str, list[Any]]] = {
    "a timer": ("timer", [HOLD]),
    "a callback": ("callback", [{"id": "ask", "wait": {"callback": {}}}]),
    "branches": ("children", [{"parallel": {"one": [HOLD], "other": [act("put"), HOLD]}}]),
    "items": ("children", [{"for_each": "{{ vars.list }}", "concurrency": 2, "steps": [act("item"), HOLD]}]),
    "a called workflow": ("children", [{"call": "called", "with": {"note": NOTE}}]),
    "a branch of an item": (
        "children",
        [{"for_each": "{{ vars.list }}", "steps": [{"parallel": {"one": [HOLD]}}]}],
    ),
    "a retry": (
        "retry",
        [{**act("look", "get_entry"), "retry": {"attempts": 2, "delay": 3600, "longest": 3600}}],
    ),
    "a person": ("uncertain", [act("add", "add_entry")]),
}


@on_each_database
def test_f48_whatever_an_execution_waits_for_it_can_be_cancelled_with_all_its_children(site: Site) -> None:
    # Given executions that wait, each for something else
    site.start()
    site.owners[0].team.publish(CALLED)
    site.provider.trouble("read", "status", status=503)
    site.provider.trouble("once", "drop")
    waiting = {}
    for name, (reason, steps) in WAITING.items():
        document = {"name": name, "on": [{"webhook": {}}], "vars": {"list": [1, 2, 3]}, "steps": steps}
        site.owners[0].publish(document)
        waiting[name] = (site.deliver_until_accepted(site.owners[0], name), reason)
    turn = {"name": "in turn", "on": [{"webhook": {}}], "concurrency": {"key": "one"}, "steps": [HOLD]}
    site.owners[0].publish(turn)
    holder = site.deliver_until_accepted(site.owners[0], "in turn")
    waiting["a turn"] = (site.deliver_until_accepted(site.owners[0], "in turn"), "turn")
    for name, (execution_id, reason) in waiting.items():
        wait_until(lambda: shown(site, execution_id)["wait_reason"] == reason, name, 30, site.hub.log)  # noqa: B023
    wait_until(
        lambda: site.count("wait_reason = 'timer'") == 8, "the children wait as well", 30, site.hub.log
    )
    # When they are cancelled
    for name, (execution_id, _) in waiting.items():
        told = cancel(site, execution_id)
        # Then each has ended at once, is not cancelled twice, and no child of it goes on
        assert told["status"] == "cancelled", name
        assert refused_again(site, execution_id) == (409, "already_ended"), name
        assert told["under_way"] == [], name
    left = site.count(f"id <> '{holder}' AND status NOT IN {ENDED}")
    assert left == 0
    calls = len(site.provider.calls())
    cancel(site, holder)
    judge(site)
    assert len(site.provider.calls()) == calls
