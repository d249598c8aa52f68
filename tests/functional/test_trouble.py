"""The database in trouble under a running hub: it says no before it accepts anything, and heals by itself."""

import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig.hub import LiveHub, Team
from rig.missing import missing
from rig.postgres import Postgres

LISTENING = {
    "name": "listening",
    "on": [{"webhook": {"auth": "none"}}],
    "steps": [{"id": "seen", "set": {"text": "{{ trigger.data.text }}"}}],
}
LARGE = "x" * 100_000
HEALS_S = 30.0


def _team_of(hub: LiveHub) -> Team:
    made = hub.ask("POST", "/api/tenants", {"name": "Team"})
    return Team(hub=hub, key=made["api_key"], tenant_id=made["id"])


def _post(url: str, text: str) -> httpx2.Response:
    headers = {"content-type": "application/json"}
    body = f'{{"text": "{text}"}}'.encode()
    return httpx2.post(url, content=body, headers=headers, timeout=90, trust_env=False)


def _is_turned_away(answer: httpx2.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "database_unavailable"


def _health(hub: LiveHub) -> int:
    return httpx2.get(f"{hub.url}/api/health", timeout=60, trust_env=False).status_code


def _wait_until(what: Callable[[], bool], hub: LiveHub) -> None:
    give_up_s = time.monotonic() + HEALS_S
    while not what():
        assert time.monotonic() < give_up_s, hub.log()
        time.sleep(0.05)


def _all_that_was_accepted_ends(team: Team, accepted: list[httpx2.Response]) -> None:
    ids = {one.json()["execution_id"] for one in accepted}
    assert {one["id"] for one in team.executions()} == ids
    assert {team.wait_for_end(one)["status"] for one in ids} == {"succeeded"}


class Disk:
    """What a hub has to write on. Full, it takes not one more page; where it cannot be, files cannot grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder]
        self._own = subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not self._own and not hasattr(resource, "prlimit"):
            missing("no disk can be filled here")

    def fill(self, hub: LiveHub) -> None:
        if not self._own:
            _limit(hub, (self.folder / "hub.db-wal").stat().st_size)
            return
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with suppress(OSError):
                    while ballast.write(b"x" * size):
                        pass

    def free(self, hub: LiveHub) -> None:
        if self._own:
            (self.folder / "ballast").unlink()
        else:
            _limit(hub, resource.RLIM_INFINITY)

    def close(self) -> None:
        if self._own:
            subprocess.run(["umount", "-l", self.folder], check=True)


def _limit(hub: LiveHub, size: int) -> None:
    for pid in hub.pids():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk."""
    made = Disk(tmp_path)
    yield made
    made.close()


def test_a_full_disk_turns_deliveries_away_and_heals_when_there_is_room(disk: Disk, other_hub: Any) -> None:
    # Given a hub that has accepted something
    hub = other_hub(disk.folder, "")
    try:
        team = _team_of(hub)
        url = team.publish(LISTENING)["hook_url"]
        accepted = [_post(url, "before")]
        team.wait_for_end(accepted[0].json()["execution_id"])
        # When its disk is full
        disk.fill(hub)
        # Then it turns away what it cannot keep, still reads, and says so to whoever asks how it is
        another = {"document": {**LISTENING, "name": "another"}}
        for text in (LARGE, "small"):
            _is_turned_away(_post(url, text))
        _is_turned_away(hub.call("POST", "/api/workflows", another, key=team.key))
        assert len(team.executions()) == 1
        assert _health(hub) == 503
        # When there is room again, then it accepts by itself, and nothing was half-kept
        disk.free(hub)
        _wait_until(lambda: _health(hub) == 200, hub)
        accepted += [_post(url, LARGE), _post(url, "after")]
        _all_that_was_accepted_ends(team, accepted)
    finally:
        hub.stop()


@pytest.mark.parametrize("stack", ["distributed"], indirect=True)
def test_a_postgresql_that_is_gone_turns_everything_away_and_is_found_again(
    hub: Any, team: Any, postgres_server: Postgres
) -> None:
    # Given a hub that has accepted something
    url = team.publish(LISTENING)["hook_url"]
    accepted = [_post(url, "before")]
    # When its server is gone
    postgres_server.stop("immediate")
    try:
        # Then nothing is accepted, nothing can be read, and both are said
        for _ in range(4):
            _is_turned_away(_post(url, "meanwhile"))
        _is_turned_away(hub.call("GET", "/api/workflows", key=team.key))
        assert _health(hub) == 503
        # And the operator's log holds the reason.
        assert "No such file or directory" in hub.log()
    finally:
        postgres_server.start()
    # When it is back, then the hub goes on, in every process
    _wait_until(lambda: {_health(hub) for _ in range(8)} == {200}, hub)
    accepted.append(_post(url, "after"))
    _all_that_was_accepted_ends(team, accepted)


@pytest.mark.faults
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_a_file_that_somebody_locks_turns_deliveries_away_until_it_is_free(hub: Any, team: Any) -> None:
    # Given a program that holds the database for longer than anyone waits
    url = team.publish(LISTENING)["hook_url"]
    with closing(sqlite3.connect(hub.folder / "hub.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        # When a delivery comes, then it is turned away after the wait, and reading goes on
        begun_s = time.monotonic()
        _is_turned_away(_post(url, "meanwhile"))
        assert 15 < time.monotonic() - begun_s < 60
        assert team.executions() == []
        somebody.execute("ROLLBACK")
    # When it is free again, then the next one is accepted
    _wait_until(lambda: _health(hub) == 200, hub)
    _all_that_was_accepted_ends(team, [_post(url, "after")])
