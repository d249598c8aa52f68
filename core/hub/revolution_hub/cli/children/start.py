"""What every child does first: take over the descriptors, make the Hub, end with its supervisor."""

import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from setproctitle import setproctitle

from revolution_hub.app import make_hub
from revolution_hub.cli.logs import log_to_stderr
from revolution_hub.cli.show import fail, forget_keys, settings
from revolution_hub.crashpoint import arm
from revolution_hub.errors import HubError, SettingsError
from revolution_hub.hub import Hub
from revolution_hub.queue.broker_check import find_broker_fault
from revolution_hub.queue.wake import Waker
from revolution_hub.queue.ways import make_waker
from revolution_hub.settings import Settings
from revolution_hub.store.errors import StoreError
from revolution_hub.supervisor import CONFIGURATION_FAULT, WORDS, Given

LAST_RING_S = 1.0

_log = logging.getLogger("revolution")

_COLLECT_AFTER = (20_000, 50, 100)
"""Objects made before the youngest are looked at, and how many such looks before the older ones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A child that is ready to work: its Hub, the line to the supervisor, and its other descriptors."""

    hub: Hub
    post: socket.socket
    ear: int
    listen: int

    def tell(self, word: str) -> None:
        """Say "alive", "suspects" or "draining" to the supervisor."""
        try:
            self.post.sendall(WORDS[word])
        except OSError:
            # Without a supervisor to hear it, the lifeline ends this process by itself.
            return


def run_child(given: Given, work: Callable[[Started], None]) -> None:
    """Run `work` in this process, which was made for it, with the descriptors it was given."""
    setproctitle(f"revolution {given.role} {given.name}")
    log_to_stderr(given.role)
    threading.Thread(target=_end_with_parent, args=(given.lifeline,), daemon=True).start()
    hub, waker = _make(given)
    work(Started(hub=hub, post=socket.socket(fileno=given.reports), ear=given.ear, listen=given.listen))
    # What was handed back last is somebody's work now.
    waker.flush(LAST_RING_S)
    # Threads of a hanging action must not keep the process: everything of worth is in the database.
    logging.shutdown()
    os._exit(0)


def calm_collector() -> None:
    """Let the garbage collector pass over what was made at the start, and come less often.

    The modules and schemas of a start are hundreds of thousands of objects that never go away. Looking
    through them again and again took a third of the API's time and held every request up for 0.2 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _make(given: Given) -> tuple[Hub, Waker]:
    role = given.role
    try:
        read = settings()
        forget_keys()
        if read.crashpoint is not None:
            arm(read.crashpoint, role, read.data_dir)
        _check_broker(read)
        waker = make_waker(read, socket.socket(fileno=given.bell))
        return make_hub(read, waker.ring, given.name, with_plugins=role != "clock"), waker
    except StoreError as error:
        # The database is busy or away: that passes, so the supervisor may try again.
        fail(f"the {role} process cannot start yet: {error.reason}")
        sys.exit(1)
    except HubError as error:
        fail(error.message)
        # A key store may be away for a while, as a database may.
        sys.exit(1 if error.code == "key_store_away" else CONFIGURATION_FAULT)


def _check_broker(read: Settings) -> None:
    fault = find_broker_fault(read.broker_url)
    if fault and not fault.passing:
        raise SettingsError(fault.line)
    if fault:
        # It was there when the hub started, and will be again; workers look for their work meanwhile.
        _log.warning("%s", fault.line)


def _end_with_parent(lifeline: int) -> None:
    # Reading ends when the supervisor is gone, however it went.
    while os.read(lifeline, 1):
        pass
    os._exit(1)
