"""Roles and integrations at the command line, against a hub that runs in processes of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from rig.command import run_command

STEPS = [{"id": "mail", "uses": "ai.generate_follow_up", "with": {"lead": {"email": "a@b.test"}}}]


class Line:
    """A command line beside the shared hub."""

    def __init__(self, team: Any, folder: Path) -> None:
        self.team, self.folder = team, folder

    def told(self, *command: str, code: int = 0) -> str:
        settings = {
            "REVOLUTION_URL": self.team.hub.url,
            "REVOLUTION_API_KEY": self.team.key,
            "COLUMNS": "240",
        }
        done = run_command(self.folder, *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture
def line(fresh_team: Any, tmp_path: Path) -> Line:
    """A command line of a new tenant."""
    return Line(fresh_team, tmp_path)


def test_a_role_is_made_listed_and_deleted(line: Line) -> None:
    made = line.told("roles", "create", "reader", "workflow:read", "--description", "looks on")
    assert "The role reader allows: workflow:read." in made
    listed = line.told("roles", "list")
    assert "looks on" in listed
    assert "operator" in listed
    names = [one["name"] for one in json.loads(line.told("roles", "list", "--json"))]
    assert names[-1] == "reader"
    line.told("roles", "delete", "reader")
    assert "there is no such role" in line.told("roles", "delete", "reader", code=1)
    assert "does not exist" in line.told("roles", "create", "reader", "workflow:admire", code=1)


def test_an_action_and_an_integration_are_turned_off_and_on(line: Line) -> None:
    document = {"document": {"name": "mail", "steps": STEPS}}
    line.told("integrations", "disable", "ai", "generate_follow_up")
    assert "generate_follow_up" in line.told("integrations", "list")
    refused = line.team.hub.call("POST", "/api/workflows", document, key=line.team.key)
    assert [one["code"] for one in refused.json()["problems"]] == ["disabled"]
    line.told("integrations", "enable", "ai", "generate_follow_up")
    line.told("integrations", "disable", "ai")
    shown = {one["name"]: one for one in json.loads(line.told("integrations", "list", "--json"))}
    assert (shown["ai"]["enabled"], shown["ai"]["disabled_actions"]) == (False, [])
    assert shown["ai"]["version"]
    line.told("integrations", "enable", "ai")
    line.team.ask("POST", "/api/workflows", document)


def test_a_step_of_a_disabled_action_fails_in_the_worker_process(line: Line) -> None:
    workflow = {"name": "mail", "steps": [{"wait": {"for": "2s"}}, *STEPS]}
    execution_id = line.team.start(workflow)
    line.told("integrations", "disable", "ai")
    ended = line.team.wait_for_end(execution_id)
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "integration_disabled"
