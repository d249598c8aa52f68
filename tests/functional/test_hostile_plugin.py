"""One bad plugin cannot stop the others: hanging, spinning and dying end within their limits."""

import time
from typing import Any

import pytest


def _one(uses: str, **step: Any) -> dict[str, Any]:
    return {"name": uses, "steps": [{"id": "act", "uses": uses, **step}]}


def _tidy(seconds: float = 1.0) -> dict[str, Any]:
    return _one("hostile.take_time", **{"with": {"seconds": seconds}})


@pytest.mark.parametrize("uses", ["hostile.hang_forever", "hostile.spin_forever"])
def test_an_action_that_never_returns_is_taken_over_and_others_finish(
    hub: Any, team: Any, probe_of: Any, uses: str
) -> None:
    with probe_of(hub) as probe:
        # Given an execution whose action never returns
        bad = team.start(_one(uses, retry={"attempts": 1}))
        time.sleep(0.5)
        # When others are started beside it
        others = [team.start({**_tidy(), "name": f"tidy {number}"}) for number in range(4)]
        # Then they finish, and the bad one fails with the reason
        for other in others:
            assert team.wait_for_end(other)["status"] == "succeeded"
        ended = team.wait_for_end(bad)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "timeout")
    # And the API answered all the while
    assert probe.failures == 0
    # And the worker was replaced: a new execution still finishes
    assert team.wait_for_end(team.start({**_tidy(0.1), "name": "after"}))["status"] == "succeeded"


def test_an_action_that_kills_its_process_is_given_up_and_others_finish(
    hub: Any, team: Any, probe_of: Any
) -> None:
    with probe_of(hub) as probe:
        # Given an execution that kills every worker that drives it, beside some that take their time
        others = [team.start({**_tidy(3), "name": f"tidy {number}"}) for number in range(4)]
        bad = team.start(_one("hostile.kill_process"))
        # Then it fails after three workers, and the others finish
        ended = team.wait_for_end(bad, limit_s=120)
        for other in others:
            assert team.wait_for_end(other, limit_s=120)["status"] == "succeeded"
    assert (ended["status"], ended["error"]["code"]) == ("failed", "crashed")
    assert probe.failures == 0


def test_a_once_action_that_kills_its_process_runs_once_and_asks_a_person(hub: Any, team: Any) -> None:
    # When an action that must not be repeated takes its worker down
    execution_id = team.start(_one("hostile.kill_once"))
    # Then it is not repeated: the step is uncertain after its only attempt
    waiting = hub.wait_for(
        execution_id, lambda one: one["wait_reason"] == "uncertain", limit_s=90, key=team.key
    )
    assert [one["status"] for one in waiting["steps"][0]["attempts"]] == ["unknown"]
    # When a person says that it did not happen, it may be tried again, and again asks
    team.ask(
        "POST",
        f"/api/workflow-executions/{execution_id}/steps/act/resolve",
        {"outcome": "did_not_happen"},
    )
    again = hub.wait_for(
        execution_id, lambda one: len(one["steps"][0]["attempts"]) == 2, limit_s=90, key=team.key
    )
    assert again["steps"][0]["attempts"][0]["status"] == "failed"


def test_an_action_that_raises_exit_fails_its_step_and_says_no_secret(shared_team: Any) -> None:
    ended = shared_team.wait_for_end(shared_team.start(_one("hostile.raise_exit")))
    assert (ended["status"], ended["error"]["code"]) == ("failed", "plugin_failed")
    assert "secret-in-the-message" not in str(ended)


def test_a_plugin_that_cannot_be_imported_is_listed_and_the_others_work(shared_team: Any) -> None:
    names = [one["name"] for one in shared_team.ask("GET", "/api/integrations")["items"]]
    assert {"ai", "google", "hostile", "hubspot"} <= set(names)
