"""Where the master key shows while a hub runs: in no command line, and in nothing a process hands on (V6)."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.hub import LiveHub, processes_of

from revolution_hub.vault.master_key import make_master_key, read_key_file


def command_line(pid: int) -> bytes:
    return (Path("/proc") / str(pid) / "cmdline").read_bytes()


def environment(pid: int) -> bytes:
    return (Path("/proc") / str(pid) / "environ").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looking at processes needs /proc")
@pytest.mark.parametrize("way", ["file", "environment"])
def test_the_master_key_is_in_no_command_line_and_from_a_file_in_no_environment(
    tmp_path: Path, other_hub: Callable[..., LiveHub], way: str
) -> None:
    key = make_master_key()
    text = base64.b64encode(key.reveal()).decode()
    given = {"REVOLUTION_MASTER_KEY": text} if way == "environment" else {}
    hub = other_hub(tmp_path, "", **given)
    try:
        if way == "file":
            key = read_key_file(tmp_path / "master.key")[0]
        spelled = [
            base64.b64encode(key.reveal()),
            key.reveal().hex().encode(),
            key.reveal(),
        ]
        pids = processes_of(tmp_path)
        assert len(pids) >= 4
        for pid in pids:
            assert not any(one in command_line(pid) for one in spelled)
            if way == "file":
                assert not any(one in environment(pid) for one in spelled)
        # A process that is started by one of the hub's is handed none: the worker asks what it would inherit.
        document = {"name": "look", "steps": [{"id": "look", "uses": "hostile.show_environment", "with": {}}]}
        made = hub.ask("POST", "/api/workflows", {"document": document})
        hub.ask("POST", f"/api/workflows/{made['id']}/publish")
        started = hub.ask("POST", f"/api/workflows/{made['id']}/execute", {})["execution_id"]
        ended = hub.wait_for_end(started)
        names = ended["steps"][0]["output"]["done"].split()
        assert "REVOLUTION_DATA_DIR" in names
        assert "REVOLUTION_MASTER_KEY" not in names
    finally:
        hub.stop()
