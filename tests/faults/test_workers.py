"""F1–F4, F7, F9, F10: workers that die, freeze, or are taken down by what they run."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from rig.judge import judge
from rig.site import DATABASES, LEASE_S, THREADS, Site, held_by, one_step, wait_until

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]
ACTIONS = {"pure": "measure_note", "repeatable": "put_entry", "once": "add_entry"}


def shown(site: Site, execution_id: str) -> Any:
    """Return an execution as its owner sees it."""
    taken = next(one for one in site.accepted if one.execution_id == execution_id)
    owner = next(one for one in site.owners if one.team.tenant_id == taken.tenant_id)
    return owner.team.ask("GET", f"/api/workflow-executions/{execution_id}")


@on_each_database
def test_f1_a_worker_that_dies_before_the_effect_has_it_done_once_by_another(
    site: Site, figure: Figure
) -> None:
    # Given a worker that dies when an attempt is committed and nothing has left
    site.start(crash="worker.before_effect")
    name = site.publish(one_step("put_entry"))
    # When a delivery is accepted
    execution_id = site.deliver_until_accepted(site.owners[0], name)
    # Then another worker does it, once
    figure("recovered in", judge(site))
    assert site.crashed("worker.before_effect")
    ended = shown(site, execution_id)
    assert ended["status"] == "succeeded"
    assert [one["status"] for one in ended["steps"][0]["attempts"]] == ["failed", "succeeded"]
    assert len(site.provider.calls("repeatable")) == 1


@on_each_database
@pytest.mark.parametrize("effect", ACTIONS)
def test_f2_a_worker_that_dies_after_the_effect(site: Site, effect: str, figure: Figure) -> None:
    # Given a worker that dies when its action has done its work and nothing of it is recorded
    site.start(crash="worker.after_effect")
    name = site.publish(one_step(ACTIONS[effect]))
    # When a delivery is accepted
    execution_id = site.deliver_until_accepted(site.owners[0], name)
    figure("recovered in", judge(site))
    assert site.crashed("worker.after_effect")
    ended = shown(site, execution_id)
    calls = site.provider.calls(effect)
    if effect == "once":
        # Then nobody repeats what must not be repeated: a person is asked
        assert (ended["status"], ended["wait_reason"]) == ("waiting", "uncertain")
        assert [one["status"] for one in ended["steps"][0]["attempts"]] == ["unknown"]
        assert len(calls) == 1
    elif effect == "repeatable":
        # Then it is asked for again under the same key, and happens once
        assert ended["status"] == "succeeded"
        assert [call.key for call in calls] == [f"{execution_id}.act"] * 2
        assert site.provider.effects("repeatable") == {f"{execution_id}.act": 1}
    else:
        # Then it is computed again
        assert ended["status"] == "succeeded"


@on_each_database
def test_f3_a_worker_that_dies_after_the_record_leaves_the_next_step_to_another(
    site: Site, figure: Figure
) -> None:
    # Given a worker that dies when a result is committed and the next step is not begun
    site.start(crash="worker.after_record")
    document = one_step("add_entry")
    document["steps"].append({**one_step("put_entry")["steps"][0], "id": "after"})
    name = site.publish(document)
    # When a delivery is accepted
    execution_id = site.deliver_until_accepted(site.owners[0], name)
    # Then the next step is done, and the recorded one is not done again
    figure("recovered in", judge(site))
    assert site.crashed("worker.after_record")
    assert [step["status"] for step in shown(site, execution_id)["steps"]] == ["succeeded", "succeeded"]
    assert len(site.provider.calls("once")) == 1


@on_each_database
def test_f4_a_worker_that_dies_before_its_task_is_done_leaves_nothing_to_repeat(
    site: Site, figure: Figure
) -> None:
    # Given a worker that dies when everything is committed, and before its task counts as done
    site.start(crash="worker.before_ack")
    name = site.publish(one_step("add_entry"))
    # When a delivery is accepted, and a second one after it
    first = site.deliver_until_accepted(site.owners[0], name)
    wait_until(lambda: site.crashed("worker.before_ack"), "the worker dies", report=site.hub.log)
    second = site.deliver_until_accepted(site.owners[1], name)
    # Then each was done once
    figure("recovered in", judge(site))
    assert site.provider.effects("once") == {f"{first}.act": 1, f"{second}.act": 1}


@on_each_database
def test_f7_a_frozen_worker_that_wakes_up_late_changes_nothing(site: Site, figure: Figure) -> None:
    # Given a worker whose action has called a provider that takes its time
    site.start()
    name = site.publish(one_step("put_entry"))
    site.provider.trouble("repeatable", "slow", seconds=1.0)
    execution_id = site.deliver_until_accepted(site.owners[0], name)
    site.provider.wait_for_calls("repeatable")
    sleeper = str(site.rows("SELECT lease_owner FROM executions")[0]["lease_owner"])
    pid = _worker_named(site, sleeper)
    # When it freezes for three leases
    begun_s = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        # Then another one does the work
        site.settle()
        figure("taken over after", time.monotonic() - begun_s)
        wait_until(lambda: time.monotonic() - begun_s > 3 * LEASE_S, "three leases have passed")
    finally:
        os.kill(pid, signal.SIGCONT)
    # And what the sleeper does when it wakes up changes nothing, while it goes on with other work
    for _ in range(50):
        site.deliver_until_accepted(site.owners[1], name)
        site.settle()
        mine = f"worker = '{sleeper}' AND status = 'succeeded'"
        if site.rows(f"SELECT execution_id FROM attempts WHERE {mine}"):
            break
    else:
        raise AssertionError("the sleeper takes no work")
    judge(site)
    ended = shown(site, execution_id)
    assert ended["status"] == "succeeded", ended
    assert [one["status"] for one in ended["steps"][0]["attempts"]] == ["failed", "succeeded"]
    assert site.provider.effects("repeatable")[f"{execution_id}.act"] == 1


def _worker_named(site: Site, name: str) -> int:
    for pid in site.hub.children("worker"):
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            if name in line.read().decode().rstrip("\0").split():
                return pid
    raise AssertionError(f"there is no worker {name}")


@pytest.mark.parametrize(
    ("stack", "how"), [*((stack, "kill") for stack in DATABASES), ("sqlite", "segfault")]
)
def test_f9_an_action_that_takes_down_its_process_fails_and_its_neighbors_do_not(
    site: Site, how: str, figure: Figure
) -> None:
    # Given executions that take their time
    site.start()
    slow = site.publish(one_step("get_entry"))
    bad = site.publish(one_step("end_process", how=how))
    site.provider.pace("read", 1.5)
    neighbors = [site.deliver_until_accepted(owner, slow) for owner in site.owners * 2]
    # When another one takes down every process it runs in
    bad_id = site.deliver_until_accepted(site.owners[0], bad)
    # Then it fails after the third, and the others succeed
    figure("given up after", judge(site, limit_s=120))
    ended = shown(site, bad_id)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "crashed")
    assert {shown(site, one)["status"] for one in neighbors} == {"succeeded"}
    # And the workers were replaced
    wait_until(lambda: any(held_by(pid)[0] >= THREADS for pid in site.hub.children("worker")), "a new worker")


@pytest.mark.parametrize("stack", ["sqlite"])
def test_f9_an_action_that_uses_up_all_memory_fails_alone(site: Site) -> None:
    # Given executions that take their time
    site.start()
    slow = site.publish(one_step("get_entry"))
    bad = site.publish(one_step("end_process", how="memory"))
    site.provider.pace("read", 1.5)
    neighbors = [site.deliver_until_accepted(owner, slow) for owner in site.owners]
    site.provider.wait_for_calls("read", 2)
    # When another one asks for more memory than the process may have
    bad_id = site.deliver_until_accepted(site.owners[0], bad)
    # Then it fails with the reason, in a process that lives on
    judge(site)
    ended = shown(site, bad_id)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "plugin_failed")
    assert "MemoryError" in ended["error"]["message"]
    assert {shown(site, one)["status"] for one in neighbors} == {"succeeded"}
    assert "ended with code" not in site.hub.log()


@on_each_database
def test_f10_killed_workers_are_replaced_at_once(site: Site, figure: Figure) -> None:
    # Given a hub at work
    site.start()
    name = site.publish(one_step("put_entry"))
    site.provider.pace("repeatable", 0.5)
    for owner in site.owners * 3:
        site.deliver_until_accepted(owner, name)
    site.provider.wait_for_calls("repeatable")
    # When every worker is killed
    killed = site.hub.children("worker")
    begun_s = time.monotonic()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    # Then there are as many new ones soon, and the work is done
    def replaced() -> bool:
        alive = [pid for pid in site.hub.children("worker") if held_by(pid)[0] >= THREADS]
        return len(alive) == len(killed) and not set(alive) & set(killed)

    wait_until(replaced, "the workers are replaced", report=site.hub.log)
    figure("replaced after", time.monotonic() - begun_s)
    figure("recovered in", judge(site))
    assert set(site.provider.effects("repeatable").values()) == {1}
    assert len(site.provider.effects("repeatable")) == 6
