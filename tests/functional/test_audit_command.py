"""`revolution audit verify`, `head` and `prune` at a terminal, over the database itself."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from rig.command import refusal, run_command

from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.time import utc_now
from revolution_hub.store import audit
from revolution_hub.store.tx import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a hub with two tenants' logs: three entries of long ago each, and two of now."""
    run_command(tmp_path, "migrate").check_returncode()
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}")
    for tenant in ("ten_a", "ten_b"):
        for days in (90, 80, 70, 1, 0):
            with store.begin(tenant) as tx:
                moment = utc_now() - timedelta(days=days)
                audit.append(tx, entry_of_hub(tenant, "key.create", f"key_{days}", moment))
    store.close()
    return tmp_path


def forge(folder: Path, statement: str) -> None:
    conn = sqlite3.connect(folder / "hub.db")
    for name in ("stay", "go", "come"):
        conn.execute(f"DROP TRIGGER audit_entries_{name}")
    conn.execute(statement)
    conn.commit()
    conn.close()


def told(folder: Path, *options: str) -> str:
    done = run_command(folder, "audit", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_log_that_is_intact_is_said_to_be_with_heads_that_were_kept(folder: Path) -> None:
    assert told(folder, "verify") == "10 entries of 2 tenants are as they were written."
    heads = told(folder, "head")
    assert [line.rpartition(":")[0] for line in heads.splitlines()] == ["ten_a:5", "ten_b:5"]
    (folder / "heads.txt").write_text(heads)
    assert "10 entries" in told(folder, "verify", "--head", f"@{folder / 'heads.txt'}")
    assert told(folder, "prune", "--older-than", "60d") == "6 entries were removed."
    assert told(folder, "prune", "--older-than", "60d") == "0 entries were removed."
    found = json.loads(told(folder, "verify", "--head", f"@{folder / 'heads.txt'}", "--json"))
    assert (found["intact"], found["tenants"]["ten_a"]["count"]) == (True, 3)


def test_one_line_names_the_first_wrong_entry_and_the_code_is_one(folder: Path) -> None:
    forge(folder, "UPDATE audit_entries SET principal_name = 'Eve' WHERE tenant_id = 'ten_b' AND number = 2")
    done = run_command(folder, "audit", "verify")
    assert done.returncode == 1
    assert refusal(done) == "ten_b: entry 2 is not as it was written, or not the one that came next"
    assert "5 entries of 1 tenants" in told(folder, "verify", "--tenant", "ten_a")
    whole = run_command(folder, "audit", "verify", "--json")
    assert (whole.returncode, json.loads(whole.stdout)["tenants"]["ten_b"]["fault"]["number"]) == (1, 2)


def test_an_end_that_was_cut_off_is_found_by_a_head(folder: Path) -> None:
    head = told(folder, "head", "--tenant", "ten_a")
    forge(folder, "DELETE FROM audit_entries WHERE tenant_id = 'ten_a' AND number > 3")
    assert "8 entries" in told(folder, "verify")
    line = refusal(run_command(folder, "audit", "verify", "--head", head))
    assert line == "ten_a: entry 4 is missing; the head that was kept is entry 5"


@pytest.mark.parametrize(
    "options",
    [
        ("verify", "--head", "ten_a:1:x"),
        ("verify", "--head", "@gone.txt"),
        ("prune", "--older-than", "29d"),
        ("prune", "--older-than", "long"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(folder: Path, options: tuple[str, ...]) -> None:
    assert "cannot be" in refusal(run_command(folder, "audit", *options))
