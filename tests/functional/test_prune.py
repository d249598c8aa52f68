"""`revolution prune` at a terminal, and a start over a folder of large payloads that cannot be used."""

from datetime import timedelta
from pathlib import Path

import pytest
from rig.command import refusal, run_command

from revolution_hub.files.file_store import FileStore
from revolution_hub.model.change import Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.time import utc_now
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

DAYS_AGO = {"succeeded": 40, "failed": 40, "cancelled": 5, "waiting": 40}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a hub with one execution of each status."""
    run_command(tmp_path, "migrate").check_returncode()
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}", files=FileStore(tmp_path / "files", inline_bytes=1024))
    for status, days in DAYS_AGO.items():
        moment = utc_now() - timedelta(days=days)
        execution = Execution(
            id=f"{first_id('exe', moment)[:-4]}{status[:4]}",
            tenant_id="ten_a",
            workflow_id="wf_1",
            version=1,
            status=ExecutionStatus(status),
            trigger={"text": "x" * 2000},
            created_at=moment,
            finished_at=None if status == "waiting" else moment,
        )
        submit(store, Start(execution=execution))
    store.close()
    return tmp_path


def payloads(folder: Path) -> int:
    return len([one for one in (folder / "files").rglob("*") if one.is_file()])


def test_what_ended_long_ago_is_counted_and_removed(folder: Path) -> None:
    def prune(*options: str) -> str:
        done = run_command(folder, "prune", "--older-than", "7d", *options)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    assert prune("--dry-run") == "2 executions would be removed."
    assert payloads(folder) == 4
    assert prune("--status", "failed") == "1 executions were removed."
    assert prune() == "1 executions were removed."
    assert prune() == "0 executions were removed."
    assert payloads(folder) == 2


@pytest.mark.parametrize("age", ["soon", "-1", "3y", "400d"])
def test_an_age_that_is_none_is_one_line(tmp_path: Path, age: str) -> None:
    done = run_command(tmp_path, "prune", f"--older-than={age}")
    assert done.stderr.startswith("--older-than cannot be used: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_folder_of_large_payloads_that_cannot_be_used_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(run_command(tmp_path, command, REVOLUTION_FILES_DIR=str(tmp_path / "file")))
    assert line == f"the folder of large payloads {tmp_path}/file cannot be used: File exists"
