"""A schedule on a hub that runs: it fires what is due by itself, catches up what was missed, and is shown."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.command import run_command
from rig.hub import LiveHub, kill_all, start_hub
from rig.site import wait_until

DOCUMENT = {
    "name": "tick",
    "on": [{"schedule": {"every": "15m"}}, {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}}],
    "steps": [{"finish": {"output": "{{ trigger.data }}"}}],
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LiveHub]:
    """A hub with a schedule of each kind."""
    running = start_hub(tmp_path, "")
    try:
        made = running.ask("POST", "/api/workflows", {"document": DOCUMENT})
        running.ask("POST", f"/api/workflows/{made['id']}/publish")
        yield running
        running.stop()
    finally:
        kill_all(tmp_path)


def executions(hub: LiveHub) -> list[dict]:
    return list(hub.ask("GET", "/api/workflow-executions")["items"])


def test_what_was_missed_runs_once_and_the_schedules_are_shown(hub: LiveHub) -> None:
    # When the interval has been due for 40 minutes, as if no clock had run for so long
    with sqlite3.connect(hub.folder / "hub.db", timeout=20) as database:
        moved = """
            UPDATE schedules SET next_at = strftime('%Y-%m-%d %H:%M:%f000', next_at, '-55 minutes'),
                wake_at = strftime('%Y-%m-%d %H:%M:%f000', next_at, '-55 minutes'),
                settings = json_set(settings, '$.anchor',
                    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(settings, '$.anchor'), '-55 minutes'))
            WHERE json_extract(settings, '$.every_s') IS NOT NULL
        """
        assert database.execute(moved).rowcount == 1
    database.close()
    # Then one execution stands for all that was missed
    wait_until(lambda: bool(executions(hub)), "the schedule fires", 20.0, hub.log)
    (found,) = executions(hub)
    ended = hub.wait_for_end(found["id"])
    assert (ended["status"], ended["output"]["missed"]) == ("succeeded", 2)
    shown = command(hub, "workflows", "show", "tick")
    assert "every 900 s: next 20" in shown
    assert "cron 0 8 * * * (Europe/Berlin): next 20" in shown
    assert ", last never\n" in shown
    assert "overdue" not in shown
    assert len(executions(hub)) == 1


def command(hub: LiveHub, *words: str, code: int = 0) -> str:
    """What a command of a person who uses this hub writes."""
    environment = {"REVOLUTION_URL": hub.url, "REVOLUTION_API_KEY": hub.key, "COLUMNS": "200"}
    done = run_command(hub.folder, *words, **environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def test_the_commands_pause_resume_backfill_and_tell_what_became_of_each_instant(hub: LiveHub) -> None:
    listed = json.loads(command(hub, "schedules", "list", "--json"))["items"]
    interval = next(one["id"] for one in listed if one["every_s"])
    daily = next(one["id"] for one in listed if one["cron"])
    table = command(hub, "schedules", "list")
    assert all(text in table for text in (interval, daily, "every 900 s", "due"))
    # Paused, it is never due; resumed, it is again.
    assert "next never: paused" in command(hub, "schedules", "pause", daily)
    assert "paused" in command(hub, "schedules", "list")
    assert "next 20" in command(hub, "schedules", "resume", daily)
    shown = command(hub, "schedules", "show", daily)
    assert "At 08:00\n" in shown
    assert "overlap: allow" in shown
    # Three instants that lie behind are fired by hand, and then are left alone.
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-03T23:00:00Z")
    done = command(hub, "schedules", "backfill", daily, *span)
    assert done.count("fired") == 4
    assert "0 had been fired before" in done
    assert "3 had been fired before" in command(hub, "schedules", "backfill", daily, *span)
    assert command(hub, "schedules", "fires", daily, "--status", "fired").count("backfill") == 3
    wait_until(lambda: len(executions(hub)) == 3, "the backfill starts its executions", 20.0, hub.log)
    for one in executions(hub):
        assert hub.wait_for_end(one["id"])["output"]["backfill"] is True
    # What is wrong is told in a line that names the place.
    assert "to: this is before" in command(
        hub, "schedules", "backfill", daily, span[0], span[3], span[2], span[1], code=1
    )


def test_a_schedule_is_tried_out_without_a_hub(tmp_path: Path) -> None:
    asked = (
        "schedules",
        "preview",
        "30 2 * * *",
        "--timezone",
        "Europe/Berlin",
        "--from",
        "2026-03-29T00:00:00Z",
    )
    done = run_command(tmp_path, *asked, "--count", "2", COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert "At 02:30" in done.stdout
    assert "2026-03-29T03:00:00+02:00 │ 2026-03-29T01:00:00.000000Z │ the clocks skip the time" in done.stdout
    assert "clocks change at 2026-03-29T01:00:00.000000Z: +01:00 becomes +02:00" in done.stdout
    wrong = run_command(tmp_path, "schedules", "preview", "61 * * * *", "--timezone", "Europe/Berln")
    assert wrong.returncode == 1
    assert "cron: '61' is no minute from 0 to 59" in wrong.stderr
    assert "timezone: there is no time zone 'Europe/Berln'; did you mean Europe/Berlin" in wrong.stderr
