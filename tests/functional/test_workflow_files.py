"""Workflows in files and at the command line, against a hub that runs."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rig.command import run_command
from rig.hub import LiveHub, kill_all, start_hub

GREET = """\
name: greet
on:
  - webhook: {}
  - manual: {}
inputs:
  type: object
  properties:
    who: {type: string, default: world}
steps:
  - id: text
    set:
      text: |
        Hello {{ inputs.who }},
        bye
  - id: again
    call: echo
    with: {text: "{{ vars.text }}"}
  - finish: {output: "{{ steps.again }}"}
"""
ECHO = {"name": "echo", "steps": [{"finish": {"output": "{{ inputs.text }}"}}]}
BROKEN = "name: broken\nsteps:\n  - id: a\n    sett: {}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line beside a hub, and a folder of workflows."""

    hub: LiveHub
    folder: Path

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        settings = {"REVOLUTION_URL": self.hub.url, "REVOLUTION_API_KEY": self.hub.key}
        done = run_command(self.folder, *command, **settings)
        assert "Traceback" not in done.stderr
        return done

    def told(self, *command: str, code: int = 0) -> str:
        done = self.run(*command)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code in (0, 2) else done.stderr

    def write(self, name: str, content: object) -> Path:
        path = self.folder / "flows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def names(self) -> list[str]:
        return sorted(one["name"] for one in self.hub.ask("GET", "/api/workflows")["items"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One hub for the whole file."""
    data = tmp_path_factory.mktemp("hub")
    hub = start_hub(data, "")
    yield Line(hub=hub, folder=tmp_path_factory.mktemp("work"))
    hub.stop()
    kill_all(data)


@pytest.fixture
def line(running: Line, tmp_path: Path) -> Line:
    """A hub without workflows, and a folder with two of which one calls the other."""
    for one in running.hub.ask("GET", "/api/workflows")["items"]:
        running.hub.ask("DELETE", f"/api/workflows/{one['id']}")
    line = Line(hub=running.hub, folder=tmp_path)
    line.write("greet.yaml", GREET)
    line.write("deeper/echo.json", ECHO)
    return line


def test_a_folder_is_applied_shown_and_run(line: Line) -> None:
    flows = str(line.folder / "flows")
    shown = line.told("diff", flows, code=2)
    assert "create" in shown
    assert "+name: greet" in shown
    assert "-null" not in shown
    assert line.names() == []
    assert line.told("apply", flows, "--dry-run").count("create") == 2
    assert line.names() == []

    # What is called is made first, although its file comes second; the webhook's secret is shown.
    done = line.told("apply", flows)
    assert "2 created" in done
    assert "signing secret, shown this once: whsec_" in done
    assert line.names() == ["echo", "greet"]
    assert "2 unchanged" in line.told("apply", flows)
    assert "unchanged" in line.told("diff", flows)

    line.write("greet.yaml", GREET.replace("Hello", "Good day,"))
    assert "+        Good day, {{ inputs.who }}," in line.told("diff", flows, code=2)
    assert "1 changed, 1 unchanged" in line.told("apply", flows, "--no-publish")
    assert "published" not in line.told("diff", flows, "--no-publish")
    assert "publish" in line.told("diff", flows, code=2)
    assert "1 published, 1 unchanged" in line.told("apply", flows)

    started = line.hub.ask("POST", f"/api/workflows/{workflow_id(line)}/execute", {})
    ended = line.hub.wait_for_end(started["execution_id"])
    assert (ended["status"], ended["output"]) == ("succeeded", "Good day, world,\nbye\n")
    assert ended["version"] == 2


def test_the_commands_of_a_workflow_show_and_change_it(line: Line) -> None:
    line.told("apply", str(line.folder / "flows"))
    line.write("greet.yaml", GREET.replace("Hello", "Good day,"))
    line.told("apply", str(line.folder / "flows"))
    assert "greet" in line.told("workflows", "list")
    assert "published: version 2" in line.told("workflows", "show", "greet")
    assert line.told("workflows", "export", "greet", "--version", "1").startswith("name: greet\n")
    assert line.told("workflows", "versions", "greet").count("key_") == 2
    assert "version 2 was published already" in line.told("workflows", "publish", "greet")
    assert "version 3 is published" in line.told("workflows", "rollback", "greet", "1")
    dry = line.told("workflows", "dry-run", workflow_id(line), "--data", '{"who": "Ada"}')
    assert "Good day," in dry
    assert "End: succeeded" in dry
    assert "not published any more" in line.told("workflows", "unpublish", "greet")
    assert "there is no workflow 'gone'" in line.told("workflows", "show", "gone", code=1)
    assert "publish" in line.told("apply", str(line.folder / "flows"))


def test_nothing_is_changed_if_one_file_is_wrong(line: Line) -> None:
    flows = line.folder / "flows"
    line.told("apply", str(flows))
    before = line.hub.ask("GET", "/api/workflows")
    broken = line.write("broken.yaml", BROKEN)
    line.write("echo.yaml", "name: echo\nsteps:\n  - set: {}\n")
    line.write("unreadable.yml", "a: [1")
    line.write("new.json", {"name": "new", "steps": [{"set": {"n": 1}}]})
    wrong = line.write("wrong.yaml", "name: wrong\nsteps:\n  - call: gone\n")
    told = line.told("apply", str(flows), code=1)
    assert f"{wrong}:3:5 steps[0].call: there is no" in told
    assert f"{broken}:4:5 steps[0].sett: " in told
    assert f"{flows / 'echo.yaml'}:1:1 name: the name 'echo' is already used in" in told
    assert f"{flows / 'unreadable.yml'} line 1" in told
    assert line.hub.ask("GET", "/api/workflows") == before


def test_what_is_in_no_file_is_deleted_only_if_asked_to(line: Line) -> None:
    flows = line.folder / "flows"
    line.told("apply", str(flows))
    (flows / "deeper" / "echo.json").unlink()
    assert "1 unchanged" in line.told("apply", str(flows))
    assert "starts 'echo', which would be deleted" in line.told("apply", str(flows), "--prune", code=1)
    (flows / "greet.yaml").unlink()
    assert "2 deleted" in line.told("apply", str(flows), "--prune")
    assert line.names() == []
    assert "nothing to do" in line.told("apply", str(flows), "--prune")
    assert "is not a folder" in line.told("diff", str(flows / "gone"), code=1)


def workflow_id(line: Line) -> str:
    return str(line.hub.ask("GET", "/api/workflows?name=greet")["items"][0]["id"])
