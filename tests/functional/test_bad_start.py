"""A database or a broker that cannot be used: one line that says what is wrong and what to do, no secret."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rig.command import bound_by_permissions, files_up_to, refusal, run_child, run_command
from rig.postgres import Postgres
from rig.redis import Redis, free_port

from revolution_hub.supervisor import CONFIGURATION_FAULT

PASSWORD = "open-sesame-4711"
URL = "REVOLUTION_DATABASE_URL"
BROKER = "REVOLUTION_BROKER_URL"


def _line(folder: Path, command: str, url: str) -> str:
    line = refusal(run_command(folder, command, **{URL: url}))
    assert PASSWORD not in line
    assert not any(part in line for part in PASSWORD.split("-") if len(part) > 4)
    return line


WRONG = {
    "unknown scheme": (f"mysql://ada:{PASSWORD}@host/hub", "sqlite:///path/to/file.db or postgresql://"),
    "empty": ("", "sqlite:///path/to/file.db or postgresql://"),
    "raw password": (f"postgresql://ada:x@{PASSWORD}@host/hub", "such as %40 for @"),
    "no such folder": ("sqlite:////nowhere/at/all/hub.db", "there is no folder /nowhere/at/all; make it"),
    "a folder": (f"sqlite:///{Path(__file__).parent}", "is a folder; name a file in REVOLUTION_DATABASE_URL"),
    "not a database": (f"sqlite:///{__file__}", "cannot be read as a database; restore"),
    "nobody listens": (f"postgresql://ada:{PASSWORD}@127.0.0.1:1/hub", "refused; check that the server runs"),
    "unknown option": (
        f"postgresql://ada:{PASSWORD}@127.0.0.1:1/hub?cheese=1",
        "; correct REVOLUTION_",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_database_address_is_one_line_with_what_to_do(tmp_path: Path, name: str) -> None:
    url, said = WRONG[name]
    # Both commands open the database the same way; that each says it is shown once.
    for command in ("serve", "migrate") if name == "nobody listens" else ("serve",):
        line = _line(tmp_path, command, url)
        assert said in line, line
        assert "REVOLUTION_DATABASE_URL" in line


@pytest.fixture(scope="session")
def guarded(postgres_server: Postgres) -> Postgres:
    """A server that wants a password from the role ada, who may connect to its databases and no more."""
    access = postgres_server.data / "pg_hba.conf"
    access.write_text(f"local all ada scram-sha-256\n{access.read_text()}")
    postgres_server.execute(f"CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'")
    for name, more in (("guarded", ""), ("latin", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")):
        postgres_server.execute(f"CREATE DATABASE {name} {more}")
    postgres_server.execute("SELECT pg_reload_conf()")
    return postgres_server


def test_what_a_postgresql_server_refuses_is_one_line_with_what_to_do(
    tmp_path: Path, guarded: Postgres
) -> None:
    where = f"?host={guarded.folder}"
    told = {
        f"ada:wrong-{PASSWORD}@/guarded": "check the user and the password",
        f"ada:{PASSWORD}@/nosuch": "create the database, or check its name",
        f"nobody:{PASSWORD}@/guarded": "create the role, or check the user",
        f"ada:{PASSWORD}@/guarded": "permission denied for schema public; grant the role",
        f"ada:{PASSWORD}@/latin": "encoding is LATIN1; create it anew",
    }
    for address, said in told.items():
        line = _line(tmp_path, "serve", f"postgresql://{address}{where}")
        assert said in line, line
    # Nothing of the installation was made before the database could be used.
    assert not (tmp_path / "api-key").exists()
    assert not (tmp_path / "master.key").exists()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which a hub could start; each test takes a copy."""
    folder = tmp_path_factory.mktemp("ready")
    done = run_command(folder, "migrate")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def used(ready: Path, tmp_path: Path) -> Path:
    """A copy of the data folder."""
    return Path(shutil.copytree(ready, tmp_path / "used"))


def _set_revision(folder: Path, revision: str) -> None:
    with closing(sqlite3.connect(folder / "hub.db")) as conn, conn:
        conn.execute("UPDATE alembic_version SET version_num = ?", (revision,))


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_process_on_an_older_schema_says_what_to_run_and_is_not_started_again(
    used: Path, role: str
) -> None:
    _set_revision(used, "0001")
    done = run_child(role, used)
    assert refusal(done) == "the database has the older schema 0001; run: revolution migrate"
    assert done.returncode == CONFIGURATION_FAULT


def test_a_newer_schema_is_refused_and_left_as_it_is(used: Path) -> None:
    _set_revision(used, "9999")
    before = (used / "hub.db").read_bytes()
    for done in (run_command(used, "serve"), run_child("clock", used)):
        line = refusal(done)
        assert line == "the database was written by a newer version of Revolution Hub; update first"
    assert (used / "hub.db").read_bytes() == before


@pytest.mark.parametrize("bound", ["file", "folder"])
def test_a_database_that_may_not_be_written_is_one_line_and_starts_nothing(used: Path, bound: str) -> None:
    # Given a database that others may read, and only read
    (used / "hub.db").chmod(0o444)
    if bound == "folder":
        used.chmod(0o555)
    # When a hub is to run on it as somebody whom permissions bind
    done = run_command(used, "serve", before=bound_by_permissions())
    used.chmod(0o755)
    # Then it says so, names the file, and makes no keys
    line = refusal(done)
    assert line.startswith("the database cannot be used: ")
    assert "let the user the hub runs as write to" in line
    assert not (used / "master.key").exists()


def test_a_full_disk_at_a_start_is_one_line_and_the_next_start_succeeds(tmp_path: Path) -> None:
    # Given no room for the tables
    done = run_command(tmp_path, "migrate", before=files_up_to(64 * 1024))
    line = refusal(done)
    assert line.startswith("the database cannot be used: ")
    assert "full" in line
    # When there is room again, then nothing half-made stands in the way
    assert run_command(tmp_path, "migrate").returncode == 0


def _broker_line(folder: Path, url: str) -> str:
    line = refusal(run_command(folder, "serve", **{BROKER: url}))
    assert PASSWORD not in line
    return line


def test_a_broker_that_is_not_there_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    line = _broker_line(tmp_path, f"redis://ada:{PASSWORD}@127.0.0.1:{port}/0")
    assert f"127.0.0.1:{port} does not answer" in line
    assert "start it or correct REVOLUTION_BROKER_URL" in line
    line = _broker_line(tmp_path, f"redis://ada:{PASSWORD}@host:{PASSWORD}/0")
    assert line == "REVOLUTION_BROKER_URL cannot be read; redis://host:6379/0 is needed"


def test_a_broker_that_refuses_us_or_forgets_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    server = Redis(tmp_path / "redis").start()
    try:
        with server.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            line = _broker_line(tmp_path, server.url)
            assert "maxmemory-policy allkeys-lru" in line
            assert "set maxmemory-policy noeviction" in line
            client.config_set("requirepass", "right")
        line = _broker_line(tmp_path, server.url.replace("//", f"//:{PASSWORD}@"))
        assert "refuses the user or password of REVOLUTION_BROKER_URL" in line
    finally:
        server.stop()
    assert not (tmp_path / "hub.db").exists()
