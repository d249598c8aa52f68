"""The event log at the command line, against a hub that runs."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig.command import run_command
from rig.hub import HTTP, LiveHub, kill_all, start_hub

STEPS = [{"id": "seen", "set": {"n": "{{ trigger.data.n }}"}}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line beside a hub with a workflow that a webhook starts, and one that nothing does."""

    hub: LiveHub
    folder: Path
    hook: str
    hooked: str
    other: str

    def told(self, *command: str, code: int = 0) -> str:
        """Return what an `events` command wrote; to standard error if it is to fail."""
        settings = {"REVOLUTION_URL": self.hub.url, "REVOLUTION_API_KEY": self.hub.key, "COLUMNS": "250"}
        done = run_command(self.folder, "events", *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *command: str) -> Any:
        return json.loads(self.told(*command, "--json"))

    def send(self, **data: Any) -> str:
        """Send data to the webhook and return the event's id."""
        answer = HTTP.post(self.hub.url + self.hook, json=data)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["event_id"])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One hub for the whole file."""
    data = tmp_path_factory.mktemp("hub")
    hub = start_hub(data, "")

    def publish(name: str, on: Any) -> Any:
        document = {"name": name, "on": on, "steps": STEPS}
        workflow_id = hub.ask("POST", "/api/workflows", {"document": document})["id"]
        return hub.ask("POST", f"/api/workflows/{workflow_id}/publish")

    hooked, other = publish("hooked", [{"webhook": {"auth": "none"}}]), publish("other", [{"manual": {}}])
    yield Line(
        hub=hub,
        folder=tmp_path_factory.mktemp("work"),
        hook="/hooks/" + hooked["hook_url"].rpartition("/")[2],
        hooked=hooked["id"],
        other=other["id"],
    )
    hub.stop()
    kill_all(data)


def test_events_are_listed_and_shown(line: Line) -> None:
    first, second = line.send(n=1), line.send(n=2)
    assert [one["id"] for one in line.json("list", "--limit", "2")["items"]] == [second, first]
    found = line.json("list", "--where", "$.n=1", "--source", "webhook", "--oldest")["items"]
    assert [one["id"] for one in found] == [first]
    assert first in line.told("list", "--type", "webhook.*")
    shown = line.told("show", first)
    assert "Outcome: started" in shown
    assert '"n": 1' in shown
    assert line.json("show", first)["data"] == {"n": 1}
    assert "no such event" in line.told("show", "evt_none", code=1)
    assert "--where is a path and a value" in line.told("list", "--where", "n", code=1)


def test_one_event_is_repeated(line: Line) -> None:
    event_id = line.send(n=7)
    started = line.json("replay", event_id, "--workflow", line.other, "--key", "once")["execution_id"]
    assert line.hub.wait_for_end(started)["steps"][0]["output"] == {"n": 7}
    again = line.told("replay", event_id, "--workflow", line.other, "--key", "once")
    assert again.strip() == f"Started: {started}"


@pytest.mark.faults
def test_many_events_are_repeated_in_the_background(line: Line) -> None:
    sent = [line.send(n=100 + number, batch="many") for number in range(5)]
    replayed = line.json("replay", "--workflow", line.other, "--where", "$.batch=many", "--wait")
    assert (replayed["status"], replayed["started"]) == ("done", 5)
    assert "done, 5 started of 5" in line.told("progress", replayed["id"])
    for event_id in sent:
        (_, repeated) = line.json("show", event_id)["executions"]
        assert (repeated["workflow_id"], repeated["replay"]) == (line.other, True)
    assert "name one event, or say by options which ones" in line.told(
        "replay", "--workflow", line.other, code=1
    )


def test_a_tap_shows_what_comes_while_it_comes(line: Line) -> None:
    shown: list[str] = []
    tapping = threading.Thread(
        target=lambda: shown.append(line.told("tap", "--workflow", line.hooked, "--count", "2", "--json"))
    )
    tapping.start()
    sent: list[str] = []
    give_up_s = time.monotonic() + 60
    while tapping.is_alive() and time.monotonic() < give_up_s:
        sent.append(line.send(n=len(sent), tapped=True))
        tapping.join(0.3)
    tapping.join(30)
    items = [json.loads(one) for one in shown[0].splitlines()]
    # Those that came before the tap was there are not shown, and none is left out behind the first one.
    begun = sent.index(items[0]["id"])
    assert [one["id"] for one in items] == sent[begun : begun + 2]


def test_a_body_is_written_to_a_file_as_it_came(line: Line) -> None:
    delivery_id = line.json("show", line.send(n=9))["delivery_id"]
    target = line.folder / "body.bin"
    line.told("body", delivery_id, "--to", str(target))
    assert json.loads(target.read_bytes()) == {"n": 9}
    assert "cannot be written" in line.told("body", delivery_id, "--to", "/nowhere/x", code=1)


def test_what_has_failed_is_listed(line: Line) -> None:
    assert line.json("failed")["items"] == []
    assert "Dead letters" in line.told("failed")
