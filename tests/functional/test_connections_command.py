"""`revolution connections`, against a hub that runs in processes of its own, with real plugins."""

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
        done = run_command(self.folder, "connections", *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture
def line(fresh_team: Any, tmp_path: Path) -> Line:
    """A command line of a new tenant, which is connected to each sandbox."""
    return Line(fresh_team, tmp_path)


def test_connections_are_listed_shown_and_tested(line: Line) -> None:
    found = json.loads(line.told("list", "--json"))
    assert {one["connector"] for one in found} == {"hubspot", "google", "ai"}
    assert {(one["status"], one["default"]) for one in found} == {("connected", True)}
    assert "default" in line.told("list", "ai")
    for one in found:
        assert "connected" in line.told("test", one["connector"], one["name"])
    shown = json.loads(line.told("show", "ai", found[0]["name"], "--json"))
    assert (shown["impact"]["workflows"], shown["problem"]) == ([], None)
    assert shown["probed_at"] is not None


def test_a_connection_is_renamed_disabled_enabled_and_deleted_knowingly(line: Line) -> None:
    line.team.ask("POST", "/api/workflows", {"document": {"name": "mailing", "steps": STEPS}})
    assert "ai models: connected" in line.told("rename", "ai", "default", "models")
    assert "(moving), the default" in line.told("disable", "ai", "models", "--reason", "moving")
    assert "draft 'mailing' uses it as the default" in line.told("show", "ai", "models")
    assert "ai models: connected" in line.told("enable", "ai", "models")
    assert "the default" in line.told("default", "ai", "models")
    assert "'mailing'" in line.told("delete", "ai", "models", code=1)
    assert "is deleted" in line.told("delete", "ai", "models", "--force")
    assert "there is no ai connection 'models'" in line.told("show", "ai", "models", code=1)
