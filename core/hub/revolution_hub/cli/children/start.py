"""What every child does first: take over the descriptors, make the Hub, end with its supervisor."""

import argparse
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from revolution_hub.app import make_hub
from revolution_hub.cli.show import fail, settings
from revolution_hub.errors import HubError, LimitError
from revolution_hub.hub import Hub
from revolution_hub.queue.wake import Bell
from revolution_hub.supervisor import CONFIGURATION_FAULT

_WORDS = {"alive": b"a", "draining": b"D"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A child that is ready to work: its Hub, the line to the supervisor, and its other descriptors."""

    hub: Hub
    post: socket.socket
    ear: int
    listen: int

    def tell(self, word: str) -> None:
        """Say "alive" or "draining" to the supervisor."""
        try:
            self.post.sendall(_WORDS[word])
        except OSError:
            # Without a supervisor to hear it, the lifeline ends this process by itself.
            return


def run_child(role: str, work: Callable[[Started], None]) -> None:
    """Run `work` as a child process with the file descriptors named on the command line."""
    parser = argparse.ArgumentParser(prog=f"revolution {role}")
    parser.add_argument("--name", required=True)
    for option in ("bell", "ear", "reports", "lifeline", "listen"):
        parser.add_argument(f"--{option}", type=int, default=-1)
    given = parser.parse_args()
    logging.basicConfig(
        level=logging.WARNING, format=f"%(asctime)s {role} %(levelname)s %(name)s: %(message)s"
    )
    threading.Thread(target=_end_with_parent, args=(given.lifeline,), daemon=True).start()
    bell = Bell(socket.socket(fileno=given.bell))
    try:
        hub = make_hub(settings(), bell.ring, given.name)
    except LimitError as error:
        # The database is busy or away: that passes, so the supervisor may try again.
        fail(error.message)
        sys.exit(1)
    except HubError as error:
        fail(error.message)
        sys.exit(CONFIGURATION_FAULT)
    work(Started(hub=hub, post=socket.socket(fileno=given.reports), ear=given.ear, listen=given.listen))
    # Threads of a hanging action must not keep the process: everything of worth is in the database.
    logging.shutdown()
    os._exit(0)


def _end_with_parent(lifeline: int) -> None:
    # Reading ends when the supervisor is gone, however it went.
    while os.read(lifeline, 1):
        pass
    os._exit(1)
