"""F35, F36: an action that raises anything, and one that hangs in every way, in every place."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from rig.hub import Probe
from rig.judge import judge
from rig.site import DATABASES, Owner, Site, one_step, wait_until
from rig.whole import NOTE

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]

RAISED = {
    "base_exception": "plugin_failed",
    "system_exit": "plugin_failed",
    "keyboard_interrupt": "plugin_failed",
    "unsayable": "plugin_failed",
    "long_message": "plugin_failed",
    "long_refusal": "rejected",
}
LARGEST_ERROR = 4_000
LIMIT_S = 1.0
GRACE_S = 5.0
SLOW_S = 2.5
"""What the machine may take on top: the watch looks once a second."""
API_S = 0.1


def foul(action: str, **given: Any) -> dict[str, Any]:
    return {"id": "act", "uses": f"foul.{action}", "with": {"note": NOTE, **given}}


def hooked(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "on": [{"webhook": {}}], "steps": list(steps), **more}


def shown(owner: Owner, execution_id: str) -> Any:
    return owner.team.ask("GET", f"/api/workflow-executions/{execution_id}")


@on_each_database
def test_f35_whatever_an_action_raises_fails_its_step_and_nothing_else(site: Site) -> None:
    # Given workflows whose actions raise what no action should
    site.start()
    owner = site.owners[0]
    for what in RAISED:
        owner.publish(hooked(what, foul("raise_it", what=what)))
    workers = site.hub.children("worker")
    # When each is run more often than there are workers
    taken = [(what, site.deliver_until_accepted(owner, what)) for what in RAISED for _ in range(3)]
    judge(site)
    # Then each step has failed with an error that is short and tells nothing of the data
    for what, execution_id in taken:
        ended = shown(owner, execution_id)
        step = ended["steps"][0]
        assert (ended["status"], step["error"]["code"]) == ("failed", RAISED[what]), ended
        for told in (ended["error"], step["error"], *(one["error"] for one in step["attempts"])):
            assert len(json.dumps(told)) < LARGEST_ERROR, what
            assert owner.canary not in json.dumps(told), what
    # And the same processes are at work, and the log is no longer than a log
    assert site.hub.children("worker") == workers
    log = (site.folder / "hub.log").read_text(errors="replace")
    assert owner.canary not in log
    assert len(log) < 1_000_000


def hanging(how: str) -> dict[str, dict[str, Any]]:
    """Workflows with an action that hangs: alone, as an item beside others, in a branch beside another."""
    hang = {**foul("hang_forever", how=how), "timeout": LIMIT_S, "retry": {"attempts": 1}}
    tidy = {"id": "tidy", "uses": "ledger.put_entry", "with": {"note": NOTE}}
    only_two = {**hang, "if": "{{ item == 2 }}"}
    loop = {
        "id": "each",
        "for_each": "{{ vars.list }}",
        "concurrency": 2,
        "on_item_error": "continue",
        "steps": [only_two, tidy],
        "result": "{{ item }}",
    }
    both = {"id": "both", "parallel": {"bad": [hang], "good": [tidy]}}
    return {
        "alone": hooked("alone", hang),
        "item": hooked("item", loop, vars={"list": [0, 1, 2, 3, 4, 5]}),
        "branch": hooked("branch", both),
    }


@pytest.mark.parametrize(
    ("stack", "how"), [("sqlite", "sleep"), ("postgresql+redis", "spin"), ("sqlite", "swallow")]
)
def test_f36_an_action_that_hangs_is_taken_over_wherever_it_stands(
    site: Site, how: str, figure: Figure
) -> None:
    # Given actions that hang: alone, in an item, in a branch
    site.start()
    owner, other = site.owners
    documents = hanging(how)
    for document in documents.values():
        owner.publish(document)
    quick = one_step("add_entry")
    other.publish(quick)
    workers = site.hub.children("worker")
    with Probe(site.hub.url) as probe:
        begun_s = time.monotonic()
        bad = {name: site.deliver_until_accepted(owner, name) for name in documents}
        # When others are at work beside them
        for _ in range(20):
            site.deliver_until_accepted(other, quick["name"])
        wait_until(
            lambda: site.count(f"tenant_id = '{other.team.tenant_id}' AND status <> 'succeeded'") == 0, ""
        )
        figure("the others were done after", time.monotonic() - begun_s)
        # Then each is taken over in time
        wait_until(lambda: shown(owner, bad["alone"])["status"] == "failed", "it is taken over", 30)
        figure("taken over after", time.monotonic() - begun_s)
        assert time.monotonic() - begun_s < LIMIT_S + GRACE_S + SLOW_S
    judge(site)
    ended = {name: shown(owner, one) for name, one in bad.items()}
    assert (ended["alone"]["status"], ended["alone"]["error"]["code"]) == ("failed", "timeout")
    # And the other items went on, and so did the other branch
    items = owner.team.ask("GET", f"/api/workflow-executions/{bad['item']}/steps/each/items")["items"]
    assert ended["item"]["status"] == "succeeded"
    assert [(one["result"], (one["error"] or {}).get("code")) for one in items] == [
        (None, "timeout") if number == 2 else (number, None) for number in range(6)
    ]
    error = ended["branch"]["error"]
    assert (ended["branch"]["status"], error["code"], error["details"]["branch"]) == (
        "failed",
        "timeout",
        "bad",
    )
    assert len(site.provider.effects("repeatable")) == 5 + 1
    assert set(site.provider.effects("once").values()) == {1}
    # And the processes in which something hangs were replaced
    wait_until(lambda: not set(site.hub.children("worker")) & set(workers), "they are replaced", 30)
    figure("p99 of the API", probe.p99_s())
    assert (probe.failures, probe.p99_s() < API_S) == (0, True)


@pytest.mark.parametrize(
    ("stack", "how", "action"),
    [("sqlite", "pattern", "hang_once"), ("postgresql+redis", "foreign", "hang_forever")],
)
def test_f36_an_action_that_stops_its_whole_process_costs_one_process(
    site: Site, how: str, action: str, figure: Figure
) -> None:
    # Given calls that must not be repeated, under way in every process
    site.provider.pace("once", 3.0)
    site.start()
    owner, other = site.owners
    slow = one_step("add_entry")
    other.publish(slow)
    step = foul(action, how=how) | ({} if action == "hang_once" else {"timeout": LIMIT_S})
    owner.publish(hooked("bad", step))
    neighbors = [site.deliver_until_accepted(other, slow["name"]) for _ in range(8)]
    site.provider.wait_for_calls("once", len(neighbors))
    workers = site.hub.children("worker")
    with Probe(site.hub.url) as probe:
        # When an action stops its whole process
        begun_s = time.monotonic()
        bad = site.deliver_until_accepted(owner, "bad")
        given_up = ("failed", "waiting")
        wait_until(lambda: shown(owner, bad)["status"] in given_up, "it is given up", 40, site.hub.log)
        figure("given up after", time.monotonic() - begun_s)
        # Then the process that says nothing any more is replaced
        wait_until(lambda: set(workers) - set(site.hub.children("worker")), "replaced", 40, site.hub.log)
        figure("the process was replaced after", time.monotonic() - begun_s)
    figure("p99 of the API", probe.p99_s())
    judge(site)
    # And the step has failed, but of what must not be repeated a person is asked; it was entered once
    ended = shown(owner, bad)
    attempts = [one["status"] for one in ended["steps"][0]["attempts"]]
    if action == "hang_once":
        assert (ended["wait_reason"], attempts) == ("uncertain", ["unknown"])
    else:
        assert (ended["status"], ended["error"]["code"], attempts) == ("failed", "timeout", ["failed"])
    # And what was under way beside it was done once, or is a person's question
    assert site.provider.effects("once") == {f"{one}.act": 1 for one in neighbors}
    # And the hub works on, and answered all the while
    site.provider.pace("once", 0.0)
    last = site.deliver_until_accepted(other, slow["name"])
    wait_until(lambda: shown(other, last)["status"] == "succeeded", "a new one is done", 30, site.hub.log)
    assert (probe.failures, probe.p99_s() < API_S) == (0, True)
