"""The honest `once`: whatever happens to worker and provider, a lead gets one mail and nobody is lied to."""

import subprocess
import sys
import time
from typing import Any

import pytest

MAIL = {
    "name": "one-mail",
    "steps": [
        {
            "id": "send",
            "uses": "google.send_email",
            "with": {"to": "ada@example.com", "subject": "Hello", "body": "One mail, and only one."},
        }
    ],
}

EITHER = pytest.mark.parametrize("stack", ["embedded", "distributed"], indirect=True)


def _wait_until(what: Any, limit_s: float = 30.0) -> None:
    give_up_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def _started(hub: Any, team: Any, execution_id: str) -> bool:
    steps = hub.execution(execution_id, team.key)["steps"]
    return bool(steps) and steps[0]["attempts"][-1:] != [] and steps[0]["attempts"][-1]["status"] == "started"


# Gmail is believed only half a minute after the attempt, so the gate waits for it once.
@pytest.mark.parametrize(
    "stack", [pytest.param("embedded", marks=pytest.mark.faults), "distributed"], indirect=True
)
def test_a_worker_killed_before_the_request_leaves_sends_one_mail(hub: Any, team: Any, world: Any) -> None:
    # Given a send whose attempt is committed, and whose token refresh takes so long that nothing has left
    world.control("google", "POST", "tokens/expire", {})
    world.fault("google", operation="token", kind="slow", seconds=6)
    execution_id = team.start(MAIL)
    _wait_until(lambda: _started(hub, team, execution_id))
    _wait_until(lambda: hub.children("worker") != [])
    # When the worker is killed
    hub.kill_worker()
    assert world.mails() == []
    # Then another one finds that nothing was sent, and sends it
    execution = team.wait_for_end(execution_id, limit_s=90)
    assert execution["status"] == "succeeded", execution
    assert len(world.mails()) == 1


@EITHER
def test_a_withheld_answer_and_a_killed_worker_are_confirmed_by_looking(
    hub: Any, team: Any, world: Any
) -> None:
    # Given a provider that accepts the mail and then does not answer
    world.fault("google", operation="messages.send", kind="withhold", seconds=20)
    execution_id = team.start(MAIL)
    _wait_until(lambda: len(world.mails()) == 1)
    # When the worker is killed while it waits for the answer
    hub.kill_worker()
    # Then the mail is found by its Message-ID instead of being sent again
    execution = team.wait_for_end(execution_id, limit_s=90)
    assert execution["status"] == "succeeded", execution
    mails = world.mails()
    assert len(mails) == 1
    assert execution["steps"][0]["output"]["message_id"] == mails[0]["message_id"]


@EITHER
def test_what_cannot_be_confirmed_waits_for_a_person(hub: Any, team: Any, world: Any) -> None:
    # Given a provider that accepts the mail, does not answer, and does not let us look for it
    world.fault("google", operation="messages.send", kind="withhold", seconds=20)
    world.control("google", "POST", "scopes", {"missing": ["messages.list"]})
    execution_id = team.start(MAIL)
    _wait_until(lambda: len(world.mails()) == 1)
    # When the worker is killed
    hub.kill_worker()
    # Then the step is uncertain and says so in the API and on the command line
    waiting = hub.wait_for(
        execution_id, lambda one: one["wait_reason"] == "uncertain", limit_s=90, key=team.key
    )
    assert waiting["status"] == "waiting"
    assert waiting["steps"][0]["status"] == "uncertain"
    shown = _command(hub, team, "executions", "show", execution_id)
    assert "uncertain" in shown
    # When a person says that it happened
    result = '{"id": "1", "thread_id": "1", "message_id": "<seen@example.com>"}'
    _command(hub, team, "executions", "resolve", execution_id, "send", "happened", "--result", result)
    # Then the execution goes on with that result, and there is still one mail
    execution = team.wait_for_end(execution_id)
    assert execution["status"] == "succeeded"
    assert execution["steps"][0]["output"]["message_id"] == "<seen@example.com>"
    assert len(world.mails()) == 1


@EITHER
@pytest.mark.parametrize("seconds", [0.0, 3.0], ids=["answers 503", "answers 503 late"])
def test_a_provider_that_accepts_and_then_fails_gets_no_second_mail(
    hub: Any, team: Any, world: Any, seconds: float
) -> None:
    # Given a provider that accepts the mail and then says it failed
    world.fault("google", operation="messages.send", kind="withhold", status=503, seconds=seconds)
    # When the mail is sent, with retries allowed
    execution_id = team.start({**MAIL, "steps": [{**MAIL["steps"][0], "retry": {"attempts": 5}}]})
    # Then it is looked up and found, not sent again
    execution = team.wait_for_end(execution_id, limit_s=90)
    assert execution["status"] == "succeeded", execution
    assert len(world.mails()) == 1


@pytest.mark.faults
def test_a_provider_that_accepts_and_never_answers_gets_no_second_mail(team: Any, world: Any) -> None:
    # Given a provider that accepts the mail and stays silent far beyond the action's deadline
    world.fault("google", operation="messages.send", kind="withhold", seconds=90)
    # When the mail is sent, with retries allowed
    execution_id = team.start({**MAIL, "steps": [{**MAIL["steps"][0], "retry": {"attempts": 5}}]})
    # Then the call is given up at its deadline, looked up and found, not sent again
    execution = team.wait_for_end(execution_id, limit_s=150)
    assert execution["status"] == "succeeded", execution
    assert execution["steps"][0]["attempts"][0]["number"] == 1
    assert len(execution["steps"][0]["attempts"]) == 1
    assert len(world.mails()) == 1


def _command(hub: Any, team: Any, *arguments: str) -> str:
    environment = {"REVOLUTION_URL": hub.url, "REVOLUTION_API_KEY": team.key, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "revolution_hub.cli.main", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
