"""`revolution serve` and `revolution migrate`."""

import logging
import signal
import sys

from revolution_hub.app import open_store, prepare, read_api_key
from revolution_hub.cli.show import out, settings
from revolution_hub.settings import Settings
from revolution_hub.store.migrate import migrate
from revolution_hub.supervisor import Supervisor, listen


def serve() -> None:
    """Run the hub: API, worker and clock on this machine, until it is told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    read = settings()
    listener = listen(read)
    port = int(listener.getsockname()[1])
    prepare(read, _say)
    supervisor = Supervisor(settings=read, listener=listener, say=_say, on_ready=lambda: _ready(read, port))
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, supervisor.stop)
    sys.exit(supervisor.run())


def migrate_database() -> None:
    """Bring the database to the newest schema."""
    read = settings()
    store = open_store(read)
    try:
        out.print(f"The database is at revision {migrate(store)}.")
    finally:
        store.close()


def _say(line: str) -> None:
    out.print(line, soft_wrap=True)


def _ready(read: Settings, port: int) -> None:
    out.print(f"Revolution Hub listens on http://{read.host}:{port}", soft_wrap=True)
    key = read_api_key(read)
    if key is not None:
        out.print(f"API key: {key}", soft_wrap=True)
    out.print("Press Ctrl+C to stop.")
