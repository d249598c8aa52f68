"""Workers that die between the sub-steps of an action, or in their midst: each effect is there once."""

from typing import Any

import pytest
from rig.judge import judge
from rig.site import DATABASES, Site, one_step

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

ENTRIES = ("entry-1", "entry-2", "entry-3")


def run(site: Site, crash: str) -> Any:
    """Let a worker die there while an action makes its three sub-calls; returns the execution."""
    site.start(crash=crash)
    name = site.publish(one_step("add_entries"))
    execution_id = site.deliver_until_accepted(site.owners[0], name)
    judge(site)
    assert site.crashed(crash)
    return shown(site, execution_id)


def shown(site: Site, execution_id: str) -> Any:
    return site.owners[0].team.ask("GET", f"/api/workflow-executions/{execution_id}")


def each_once(execution_id: str) -> dict[str, int]:
    return {f"{execution_id}.act/{name}": 1 for name in ENTRIES}


@on_each_database
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_worker_that_dies_between_sub_steps_leaves_the_rest_to_another(site: Site, nth: int) -> None:
    # Given a worker that dies when this many of the sub-steps are recorded
    ended = run(site, f"worker.after_record:{nth}")
    # Then another one goes on behind them
    assert ended["status"] == "succeeded"
    assert ended["steps"][0]["output"] == {"entries": [0, 1, 2]}
    assert [one["status"] for one in ended["steps"][0]["attempts"]] == ["failed", "succeeded"]
    assert site.provider.effects("once") == each_once(ended["id"])


@on_each_database
@pytest.mark.parametrize(
    ("point", "happened"), [("worker.before_effect:3", False), ("worker.after_effect:2", True)]
)
def test_a_worker_that_dies_in_the_midst_of_a_sub_step_leaves_a_question(
    site: Site, point: str, happened: bool
) -> None:
    # Given a worker that dies during the second sub-call (the attempt of the action itself is reached first)
    asked = run(site, point)
    # Then nobody repeats it: a person is asked
    assert (asked["status"], asked["wait_reason"], asked["wait_on"]) == (
        "waiting",
        "uncertain",
        "act/entry-2",
    )
    done = {**each_once(asked["id"]), f"{asked['id']}.act/entry-2": int(happened)}
    del done[f"{asked['id']}.act/entry-3"]
    assert site.provider.effects("once") == {key: count for key, count in done.items() if count}
    # When the person says what is true
    said = {"outcome": "happened", "result": {"note": "seen", "entry": 1}}
    site.owners[0].team.ask(
        "POST",
        f"/api/workflow-executions/{asked['id']}/steps/act/entry-2/resolve",
        said if happened else {"outcome": "did_not_happen"},
    )
    judge(site)
    # Then the action goes on, and each effect is there exactly once
    ended = shown(site, asked["id"])
    assert (ended["status"], ended["steps"][0]["output"]) == ("succeeded", {"entries": [0, 1, 2]})
    assert site.provider.effects("once") == each_once(asked["id"])
