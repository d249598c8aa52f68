"""A schedule on a hub that runs: it fires what is due by itself, catches up what was missed, and is shown."""

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
    shown = run_command(
        hub.folder,
        *("workflows", "show", "tick"),
        **{"REVOLUTION_URL": hub.url, "REVOLUTION_API_KEY": hub.key},
    )
    assert shown.returncode == 0, shown.stderr
    assert "every 900 s: next 20" in shown.stdout
    assert "cron 0 8 * * * (Europe/Berlin): next 20" in shown.stdout
    assert ", last never\n" in shown.stdout
    assert "overdue" not in shown.stdout
    assert len(executions(hub)) == 1
