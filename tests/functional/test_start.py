"""Starting: what is wrong is said in one line with a code above 0, and a key is never made over data."""

import os
import socket
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig.command import refusal, run_child, run_command

from revolution_hub.supervisor import CONFIGURATION_FAULT


def test_unknown_and_bad_settings_are_all_named_in_one_line(tmp_path: Path) -> None:
    line = refusal(run_command(tmp_path, "serve", REVOLUTION_POTR="1", REVOLUTION_LEASE_S="never"))
    assert "REVOLUTION_POTR is not a setting (did you mean REVOLUTION_PORT?)" in line
    assert "REVOLUTION_LEASE_S cannot be used" in line


def test_a_port_in_use_is_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refusal(run_command(tmp_path / "data", "serve", REVOLUTION_PORT=port))
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert not (tmp_path / "data").exists()


@pytest.fixture
def used(tmp_path: Path, other_hub: Any) -> Path:
    """A folder in which a hub has run."""
    other_hub(tmp_path, "").stop()
    return tmp_path


def test_the_first_start_makes_private_files_and_says_so(used: Path) -> None:
    for name in ("master.key", "api-key"):
        assert stat.S_IMODE((used / name).stat().st_mode) == 0o600
    log = (used / "hub.log").read_text()
    assert "A master key was made" in log
    assert (used / "api-key").read_text().strip() in log


def test_a_second_start_keeps_everything(used: Path, other_hub: Any) -> None:
    before = (used / "master.key").read_bytes()
    hub = other_hub(used, "")
    assert hub.ask("GET", "/api/workflows") == {"items": [], "next_cursor": None}
    hub.stop()
    assert (used / "master.key").read_bytes() == before


def test_a_missing_master_key_over_data_refuses_and_makes_none(used: Path) -> None:
    (used / "master.key").unlink()
    assert "the master key is missing" in refusal(run_command(used, "serve"))
    assert not (used / "master.key").exists()


def test_a_wrong_master_key_over_data_refuses_in_every_process(used: Path) -> None:
    wrong = {"REVOLUTION_MASTER_KEY": os.urandom(32).hex()}
    assert "master key" in refusal(run_command(used, "serve", **wrong))
    for role in ("api", "worker", "clock"):
        child = run_child(role, used, **wrong)
        assert child.returncode == CONFIGURATION_FAULT, child.stderr
        assert "master key" in refusal(child)


def test_a_readable_key_file_and_a_short_key_are_refused(used: Path) -> None:
    (used / "master.key").chmod(0o644)
    assert "master.key" in refusal(run_command(used, "serve"))
    assert "key" in refusal(run_command(used, "serve", REVOLUTION_MASTER_KEY="c2hvcnQ="))


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"this is not a database, it is a letter" * 100)
    assert "database" in refusal(run_command(tmp_path, "serve"))


def test_the_demo_refuses_a_lead_it_cannot_read(tmp_path: Path) -> None:
    odd = tmp_path / "lead.json"
    odd.write_text('["no object"]')
    assert "lead.json" in refusal(run_command(tmp_path, "demo", "--lead", str(odd)))
    assert "nowhere.json" in refusal(run_command(tmp_path, "demo", "--lead", "nowhere.json"))


def test_a_hub_that_is_told_to_stop_ends_and_hands_its_work_back(tmp_path: Path, other_hub: Any) -> None:
    # Given a hub with an execution under way
    hub = other_hub(tmp_path, "")
    slow = {"id": "act", "uses": "hostile.take_time", "with": {"seconds": 2}}
    document = {"name": "slow", "steps": [slow, {**slow, "id": "then"}]}
    made = hub.ask("POST", "/api/workflows", {"document": document})
    hub.ask("POST", f"/api/workflows/{made['id']}/publish")
    started = hub.ask("POST", f"/api/workflows/{made['id']}/execute", {})["execution_id"]
    hub.wait_for(started, lambda one: bool(one["steps"]))
    # When it is told to stop
    hub.process.terminate()
    assert hub.process.wait(timeout=30) == 0
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"{hub.url}/api/health", trust_env=False)
    # Then the next one goes on where it stood, without a second attempt of what was done
    again = other_hub(tmp_path, "")
    ended = again.wait_for_end(started)
    assert ended["status"] == "succeeded"
    assert [len(step["attempts"]) for step in ended["steps"]] == [1, 1]
    again.stop()
