"""`revolution serve` and `revolution migrate`."""

import signal
import socket
import sys
from importlib import import_module

from revolution_hub.app import usable_store
from revolution_hub.cli.first_key import read_api_key
from revolution_hub.cli.logs import log_to_stderr
from revolution_hub.cli.show import out, settings
from revolution_hub.prepare import prepare
from revolution_hub.settings import Settings
from revolution_hub.store.migrate import migrate
from revolution_hub.supervisor import Supervisor, listen


def serve() -> None:
    """Run the hub's processes on this machine (API, workers, clock) until it is told to stop."""
    log_to_stderr()
    read = settings()
    listener = listen(read) if read.api_processes else None
    prepare(read, _say)
    # All of the hub: loaded for every child at once, and only when nothing else can go wrong.
    programs = import_module("revolution_hub.cli.children.programs")
    supervisor = Supervisor(
        settings=read,
        listener=listener,
        program=programs.run,
        say=_say,
        on_ready=lambda: _ready(read, listener),
    )
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, supervisor.stop)
    sys.exit(supervisor.run())


def migrate_database() -> None:
    """Bring the database to the newest schema."""
    with usable_store(settings()) as store:
        out.print(f"The database is at revision {migrate(store)}.")


def _say(line: str) -> None:
    out.print(line, soft_wrap=True)


def _ready(read: Settings, listener: socket.socket | None) -> None:
    if listener is None:
        workers = f"{read.worker_processes} worker process{'' if read.worker_processes == 1 else 'es'}"
        out.print(f"Revolution Hub runs {workers} and a clock, and no API here.", soft_wrap=True)
    else:
        _show_address(read, int(listener.getsockname()[1]))
    out.print("Press Ctrl+C to stop.")


def _show_address(read: Settings, port: int) -> None:
    out.print(f"Revolution Hub listens on http://{read.host}:{port}", soft_wrap=True)
    key = read_api_key(read)
    if key is not None:
        out.print(f"API key: {key}", soft_wrap=True)
