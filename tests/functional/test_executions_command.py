"""Executions at the command line, against a hub that runs."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig.command import run_command
from rig.hub import LiveHub, kill_all, start_hub

STEPS = [
    {"id": "first", "set": {"n": "{{ inputs.n }}"}},
    {"id": "fan", "parallel": {"left": [{"id": "l", "set": {"x": 1}}], "right": [{"id": "r", "set": {}}]}},
    {
        "id": "each",
        "for_each": "{{ inputs.list }}",
        "steps": [{"id": "half", "set": {"h": "{{ 6 / item }}"}}],
    },
    {"id": "nap", "wait": {"for": "{{ inputs.nap }}"}},
]
INPUTS = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "default": 1},
        "list": {"type": "array", "default": [1, 2, 3]},
        "nap": {"default": 0},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line beside a hub with one workflow."""

    hub: LiveHub
    folder: Path
    workflow_id: str

    def told(self, *command: str, code: int = 0) -> str:
        """Return what an `executions` command wrote; to standard error if it is to fail."""
        settings = {"REVOLUTION_URL": self.hub.url, "REVOLUTION_API_KEY": self.hub.key, "COLUMNS": "250"}
        done = run_command(self.folder, "executions", *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *command: str) -> Any:
        return json.loads(self.told(*command, "--json"))

    def start(self, **data: Any) -> str:
        path = f"/api/workflows/{self.workflow_id}/execute"
        return str(self.hub.ask("POST", path, {"data": data})["execution_id"])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One hub for the whole file."""
    data = tmp_path_factory.mktemp("hub")
    hub = start_hub(data, "")
    document = {"name": "w", "on": [{"manual": {}}], "inputs": INPUTS, "steps": STEPS}
    workflow_id = hub.ask("POST", "/api/workflows", {"document": document})["id"]
    hub.ask("POST", f"/api/workflows/{workflow_id}/publish")
    yield Line(hub=hub, folder=tmp_path_factory.mktemp("work"), workflow_id=workflow_id)
    hub.stop()
    kill_all(data)


def test_executions_are_listed_shown_and_followed(line: Line) -> None:
    execution_id = line.start(nap=2)
    followed: list[str] = []
    follow = threading.Thread(
        target=lambda: followed.append(line.told("show", execution_id, "--follow", "--every", "0.2"))
    )
    follow.start()
    line.hub.wait_for_end(execution_id)
    follow.join(30)
    assert "succeeded" in followed[0]
    shown = line.told("show", execution_id)
    for part in ("fan.left", "fan.right", "3 succeeded, 0 failed of 3", "Status: succeeded"):
        assert part in shown
    assert execution_id in line.told("list", "--workflow", line.workflow_id, "--status", "succeeded,failed")
    assert line.json("list", "--parent", execution_id)["items"]
    assert line.json("list", "--after", "2200-01-01T00:00:00Z") == {"items": [], "next_cursor": None}
    assert line.json("show", execution_id)["id"] == execution_id
    items = line.json("items", execution_id, "each", "--limit", "2")
    assert [one["index"] for one in items["items"]] == [0, 1]
    rest = line.told("items", execution_id, "each", "--cursor", items["next_cursor"], "--status", "succeeded")
    assert '{"h": 2}' in rest


def test_pages_are_continued_with_the_cursor_they_name(line: Line) -> None:
    made = [line.start() for _ in range(3)]
    first = line.told("list", "--oldest", "--limit", "1", "--workflow", line.workflow_id)
    cursor = first.partition("--cursor ")[2].strip()
    second = line.json("list", "--oldest", "--limit", "1", "--cursor", cursor)
    assert second["items"][0]["id"] not in first
    assert set(made) <= {one["id"] for one in line.json("list", "--limit", "200")["items"]}


def test_a_failed_execution_is_retried_and_replayed(line: Line) -> None:
    execution_id = line.start(list=[1, 0, 3])
    line.hub.wait_for_end(execution_id)
    assert "failed" in line.told("list", "--status", "failed")
    assert "1 failed of 3" in line.told("show", execution_id)
    (failed,) = line.json("items", execution_id, "each", "--status", "failed")["items"]
    assert failed["index"] == 1
    shown = line.told("show", failed["execution_id"], "--item", "1")
    assert ("half#1" in shown, "half#0" in shown) == (True, False)
    # The list is what it was, so it fails again; with another one it does not.
    assert "Status:" in line.told("retry", execution_id)
    assert line.hub.wait_for_end(execution_id)["status"] == "failed"
    (line.folder / "data.json").write_text('{"n": 7, "list": [2]}')
    new = line.json("replay", execution_id, "--data", f"@{line.folder / 'data.json'}")["execution_id"]
    assert line.hub.wait_for_end(new)["status"] == "succeeded"
    assert [one["id"] for one in line.json("list", "--replay-of", execution_id)["items"]] == [new]
    again = line.told("replay", new, "--from-step", "each", "--version", "1").split()[-1]
    ended = line.hub.wait_for_end(again)
    assert (ended["status"], ended["steps"][0]["output"]) == ("succeeded", {"n": 7})


def test_an_execution_is_cancelled(line: Line) -> None:
    execution_id = line.start(nap=600)
    line.hub.wait_for(execution_id, lambda one: one["wait_reason"] == "timer")
    assert "timer" in line.told("list", "--wait-reason", "timer")
    assert "Status: cancelled" in line.told("cancel", execution_id)
    assert "already ended" in line.told("cancel", execution_id, code=1)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("show", "exe_none"), "there is no such execution"),
        (("list", "--status", "lost"), "status: is none of"),
        (("replay", "exe_none", "--data", "{"), "--data is not JSON"),
        (("replay", "exe_none", "--data", "@/none/such"), "--data cannot be read"),
        (("replay", "exe_none", "--input", "{}"), "--input is for the step that --from-step names"),
        (("retry", "exe_none", "--input", "[1"), "--input is not JSON"),
        (("resolve", "exe_none", "a#1/b", "happened"), "there is no such execution"),
        (("items", "exe_none", "a#1"), "there is no such execution"),
    ],
)
def test_what_cannot_be_done_is_one_readable_line(command: tuple[str, ...], says: str, line: Line) -> None:
    assert says in line.told(*command, code=1)
