"""`revolution vault …` at a terminal, and what starts, or does not, with which master keys (F41, F42)."""

import base64
import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rig.command import refusal, run_child, run_command
from rig.hub import LiveHub
from rig.key_store import TOKEN, KeyStoreServer, key_store

from revolution_hub.model.connection import Connection
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.model.time import utc_now
from revolution_hub.prepare import prepare
from revolution_hub.settings import Settings
from revolution_hub.store import across, connections
from revolution_hub.store.tx import Store
from revolution_hub.supervisor import CONFIGURATION_FAULT
from revolution_hub.vault.master_key import make_master_key, read_key_file, write_key_file
from revolution_hub.vault.vault import Vault

SECRETS = 120
"""More than two batches of a rotation."""


@pytest.fixture(scope="session")
def sealed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a hub in which a tenant has connections; each test takes a copy."""
    folder = tmp_path_factory.mktemp("sealed")
    prepare(Settings(data_dir=folder), lambda _: None)
    store = Store(f"sqlite:///{folder / 'hub.db'}")
    vault = Vault(read_key_file(folder / "master.key")[0], store, utc_now)
    tenant_id, now = str(across.first_tenant(store)), utc_now()
    for number in range(SECRETS):
        made = Connection(
            id=new_id("con"),
            tenant_id=tenant_id,
            connector="acme",
            name=f"connection {number}",
            status=ConnectionStatus.CONNECTED,
            created_at=now,
            updated_at=now,
            credential=vault.seal(tenant_id, "", {}),
        )
        sealed = vault.seal(tenant_id, made.id, {"api_key": f"canary-{number}"})
        with store.begin(tenant_id) as tx:
            connections.add(tx, made)
            connections.replace_credential(
                tx, made, sealed, status=ConnectionStatus.CONNECTED, reason=None, now=now
            )
    store.close()
    return folder


@pytest.fixture
def folder(sealed_folder: Path, tmp_path: Path) -> Path:
    """A copy of the data folder."""
    return Path(shutil.copytree(sealed_folder, tmp_path / "used"))


def told(folder: Path, *options: str, **settings: str) -> str:
    done = run_command(folder, "vault", *options, **settings)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.strip()


def status(folder: Path, **settings: str) -> Any:
    return json.loads(told(folder, "status", "--json", **settings))


def keys_of(folder: Path) -> list[str]:
    return [one.key_id for one in read_key_file(folder / "master.key")]


def data_keys_used(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "hub.db")) as conn:
        return {row[0] for row in conn.execute("SELECT sealed_key_id FROM connections")}


def _missing(folder: Path) -> None:
    (folder / "master.key").unlink()


def _writing(text: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "master.key"
        path.write_bytes(text(path.read_bytes()))

    return change


def _readable(folder: Path) -> None:
    (folder / "master.key").chmod(0o644)


def _rotated_elsewhere(folder: Path) -> None:
    # On another machine: the data keys are under a key that this one does not have.
    path = folder / "master.key"
    before = path.read_bytes()
    told(folder, "rotate", "--master-key")
    path.write_bytes(before)


def _half_rotated_elsewhere(folder: Path) -> None:
    path = folder / "master.key"
    _killed_while(folder, "rotate", "--master-key")
    newest = read_key_file(path)[0]
    write_key_file(path, [newest])


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (_missing, "master key"),
    "another": (_writing(lambda _: os.urandom(32).hex().encode()), "is not the one the stored data"),
    "truncated": (_writing(lambda text: text[:-9]), "master key"),
    "empty": (_writing(lambda _: b""), "the master key cannot be read"),
    "weak": (_writing(lambda _: b"00" * 32), "the master key is not safe"),
    "readable by others": (_readable, "chmod 600"),
    "rotated elsewhere": (_rotated_elsewhere, "is not the one the stored data"),
    "half rotated elsewhere": (_half_rotated_elsewhere, "put it back behind the newest key"),
}
IN_CHILDREN = ("missing", "truncated", "half rotated elsewhere")
"""What is tried in every kind of process here; that another key is refused by each is tried with starts."""
COMMANDS = (("serve",), ("vault", "status"), ("vault", "verify"), ("vault", "rotate", "--data-keys"))


@pytest.mark.parametrize("fault", FAULTS)
def test_no_process_starts_with_a_wrong_master_key_and_none_is_made(folder: Path, fault: str) -> None:
    make, said = FAULTS[fault]
    make(folder)
    present = (folder / "master.key").exists() and (folder / "master.key").read_bytes()
    done = [(command, run_command(folder, *command)) for command in COMMANDS]
    if fault in IN_CHILDREN:
        for role in ("api", "worker", "clock"):
            child = run_child(role, folder)
            assert child.returncode == CONFIGURATION_FAULT, child
            done.append(((role,), child))
    for command, one in done:
        assert said in refusal(one), command
    # Nothing was minted, and the file is as it was.
    assert ((folder / "master.key").exists() and (folder / "master.key").read_bytes()) == present


def _killed_while(folder: Path, *options: str) -> None:
    """Run a command that is killed within a batch."""
    armed = {"REVOLUTION_TESTING": "true", "REVOLUTION_CRASHPOINT": "command/rotate.mid_batch"}
    done = run_command(folder, "vault", *options, **armed)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done


def test_data_keys_are_rotated_and_everything_opens(folder: Path) -> None:
    before = data_keys_used(folder)
    assert told(folder, "rotate", "--data-keys") == f"{SECRETS} secrets of 1 owners are under the newest key."
    assert not before & data_keys_used(folder)
    assert told(folder, "verify") == f"2 data keys and {SECRETS} secrets open; no older key is needed."
    assert "Data keys" in told(folder, "status")


@pytest.mark.parametrize("batch", [1, 3])
def test_a_killed_rotation_of_data_keys_goes_on_where_it_stopped(folder: Path, batch: int) -> None:
    armed = {"REVOLUTION_TESTING": "true", "REVOLUTION_CRASHPOINT": f"command/rotate.mid_batch:{batch}"}
    done = run_command(folder, "vault", "rotate", "--data-keys", **armed)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done
    # Some are under the new key, none is lost; a hub would start, and it is said what is to be done.
    left = refusal(run_command(folder, "vault", "verify"))
    assert "a rotation of data keys is not finished" in left
    found = status(folder)
    assert found["unfinished_since"]
    assert found["owners"][0]["under_older"] == SECRETS - 50 * (batch - 1)
    again = told(folder, "rotate", "--data-keys")
    assert again.startswith("A rotation that had been broken off was finished: ")
    assert told(folder, "verify").startswith("2 data keys")


def test_a_killed_rotation_of_the_master_key_goes_on_with_the_same_key(folder: Path) -> None:
    old = keys_of(folder)
    _killed_while(folder, "rotate", "--master-key")
    both = keys_of(folder)
    assert both[1:] == old
    assert "is wrapped with the master key" in refusal(run_command(folder, "vault", "verify"))
    assert "still needed" in refusal(run_command(folder, "vault", "retire"))
    told(folder, "rotate", "--master-key")
    assert keys_of(folder) == both
    assert status(folder)["wrapped_with"] == {both[0]: 1}
    # Then the older one may go, and everything opens without it.
    assert told(folder, "retire").startswith("1 older master keys were taken out")
    assert keys_of(folder) == both[:1]
    assert told(folder, "verify").startswith("1 data keys")


def test_a_new_key_may_be_handed_to_other_machines_before_it_is_used(folder: Path) -> None:
    old = keys_of(folder)
    assert "Copy the file" in told(folder, "rotate", "--master-key", "--only-make")
    made = keys_of(folder)
    assert made[1:] == old
    assert status(folder)["in_use"] == old[0]
    assert "holds a newer master key already" in told(folder, "rotate", "--master-key", "--only-make")
    told(folder, "rotate", "--master-key")
    assert keys_of(folder) == made
    assert status(folder)["in_use"] == made[0]


def test_a_backup_from_before_a_rotation_opens_while_the_key_of_its_time_is_there(folder: Path) -> None:
    shutil.copy(folder / "hub.db", folder / "backup.db")
    told(folder, "rotate", "--master-key")
    told(folder, "rotate", "--data-keys")
    kept = (folder / "master.key").read_bytes()
    told(folder, "retire")

    def restore() -> None:
        for more in ("-wal", "-shm"):
            (folder / f"hub.db{more}").unlink(missing_ok=True)
        shutil.copy(folder / "backup.db", folder / "hub.db")

    restore()
    line = refusal(run_command(folder, "vault", "verify"))
    assert line.startswith("the master key is not the one the stored data was sealed with")
    (folder / "master.key").write_bytes(kept)
    assert told(folder, "verify").startswith(f"1 data keys and {SECRETS} secrets open")
    # And the backup can be rotated like any other.
    told(folder, "rotate", "--master-key")
    told(folder, "verify")


def test_keys_of_the_environment_are_rotated_by_whoever_sets_it(folder: Path) -> None:
    old = (folder / "master.key").read_text().strip()
    (folder / "master.key").unlink()
    alone = {"REVOLUTION_MASTER_KEY": old}
    line = refusal(run_command(folder, "vault", "rotate", "--master-key", **alone))
    assert "holds no newer master key than the one in use" in line
    new = base64.b64encode(make_master_key().reveal()).decode()
    both = {"REVOLUTION_MASTER_KEY": f"{new},{old}"}
    told(folder, "rotate", "--master-key", **both)
    told(folder, "verify", REVOLUTION_MASTER_KEY=new)
    assert "not the one" in refusal(run_command(folder, "vault", "status", **alone))
    assert "take the older ones out there" in refusal(run_command(folder, "vault", "retire", **both))


def _store_settings(server: KeyStoreServer) -> dict[str, str]:
    return {"REVOLUTION_MASTER_KEY_URL": server.address, "REVOLUTION_MASTER_KEY_TOKEN": TOKEN}


def test_keys_of_a_store_are_rotated_by_writing_a_new_version(folder: Path) -> None:
    with key_store() as server:
        server.put((folder / "master.key").read_text())
        (folder / "master.key").unlink()
        told(folder, "verify", **_store_settings(server))
        server.put(base64.b64encode(make_master_key().reveal()).decode())
        told(folder, "rotate", "--master-key", **_store_settings(server))
        server.versions[0] = None
        told(folder, "verify", **_store_settings(server))
        assert not (folder / "master.key").exists()
        # A process that finds the store away may try again; one that is refused may not.
        server.answer = (503, b"")
        assert run_child("clock", folder, **_store_settings(server)).returncode == 1
        server.answer = (403, b"")
        refused = run_child("clock", folder, **_store_settings(server))
        assert refused.returncode == CONFIGURATION_FAULT
        assert TOKEN not in refused.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--data-keys", "--master-key"),
        (),
        ("--master-key", "--tenant", "ten_x"),
        ("--data-keys", "--only-make"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(folder: Path, options: tuple[str, ...]) -> None:
    assert refusal(run_command(folder, "vault", "rotate", *options)).startswith("say --data-keys")


def test_an_unknown_tenant_is_refused(folder: Path) -> None:
    line = refusal(run_command(folder, "vault", "rotate", "--data-keys", "--tenant", "ten_x"))
    assert line == "nothing is sealed for a tenant ten_x"


def test_a_running_hub_goes_on_through_rotations(tmp_path: Path, other_hub: Any, world: Any) -> None:
    # Given a hub whose connections are used all the time
    hub: LiveHub = other_hub(tmp_path, world.allow)
    running = world.running["ai"]
    body = {"credential": running.sandbox.connection, "base_url": running.base_url}
    hub.ask("POST", "/api/integrations/ai/connections", body)
    asked = {"name": "mail", "steps": [{"id": "mail", **_MAIL}]}
    made = hub.ask("POST", "/api/workflows", {"document": asked})
    hub.ask("POST", f"/api/workflows/{made['id']}/publish")

    def run() -> str:
        started = hub.ask("POST", f"/api/workflows/{made['id']}/execute", {})["execution_id"]
        return str(hub.wait_for_end(started)["status"])

    assert run() == "succeeded"
    # When both kinds of keys are rotated and the old master key is thrown away
    for options in (["rotate", "--data-keys"], ["rotate", "--master-key"], ["retire"]):
        told(tmp_path, *options)
        assert run() == "succeeded"
    # Then it makes new secrets, and a worker that is new opens them as well
    made_tenant = hub.ask("POST", "/api/tenants", {"name": "New"})
    hub.ask("POST", "/api/integrations/ai/connections", body, key=made_tenant["api_key"])
    hub.kill_worker()
    time.sleep(0.2)
    assert run() == "succeeded"
    assert told(tmp_path, "verify").endswith("no older key is needed.")
    hub.stop()


_MAIL = {
    "uses": "ai.generate_follow_up",
    "with": {"lead": {"email": "ada@example.com", "firstname": "Ada"}, "language": "en"},
}
