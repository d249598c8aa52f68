"""`revolution process ROLE`: one child of the supervisor. Not for people."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Annotated

import typer
import uvicorn

from revolution_hub.api.app import make_api
from revolution_hub.app import make_hub
from revolution_hub.cli.show import fail, settings
from revolution_hub.clock import run_clock
from revolution_hub.engine.recover import replace_worker
from revolution_hub.errors import HubError, LimitError
from revolution_hub.hub import Hub
from revolution_hub.queue.wake import Bell, Ear, channel
from revolution_hub.queue.worker import Worker
from revolution_hub.supervisor import CONFIGURATION_FAULT


def process(
    role: str,
    name: Annotated[str, typer.Option()],
    bell: Annotated[int, typer.Option()],
    ear: Annotated[int, typer.Option()],
    reports: Annotated[int, typer.Option()],
    lifeline: Annotated[int, typer.Option()],
    listen: Annotated[int, typer.Option()] = -1,
) -> None:
    """Run as one process of the hub, with the file descriptors the supervisor opened."""
    logging.basicConfig(
        level=logging.WARNING, format=f"%(asctime)s {role} %(levelname)s %(name)s: %(message)s"
    )
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    ring = Bell(socket.socket(fileno=bell))
    post = socket.socket(fileno=reports)
    try:
        hub = make_hub(settings(), ring.ring, name)
    except LimitError as error:
        # The database is busy or away: that passes, so the supervisor may try again.
        fail(error.message)
        sys.exit(1)
    except HubError as error:
        fail(error.message)
        sys.exit(CONFIGURATION_FAULT)
    if role == "api":
        _run_api(hub, post, socket.socket(fileno=listen))
    elif role == "clock":
        _run_clock(hub, post)
    else:
        isolated = role == "isolated"
        _run_worker(
            hub, post, Ear(channel()[1] if isolated else socket.socket(fileno=ear)), isolated=isolated
        )
    # Threads of a hanging action must not keep the process: everything of worth is in the database.
    logging.shutdown()
    os._exit(0)


def _run_api(hub: Hub, post: socket.socket, listener: socket.socket) -> None:
    config = uvicorn.Config(
        make_api(hub),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=hub.settings.drain_s,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)

    def report() -> None:
        while not server.started:
            time.sleep(0.01)
        _tell(post, "alive")

    threading.Thread(target=report, daemon=True).start()
    server.run(sockets=[listener])


def _run_clock(hub: Hub, post: socket.socket) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_hear_of_deaths, args=(hub, post), daemon=True).start()
    _tell(post, "alive")
    run_clock(hub, stop)


def _run_worker(hub: Hub, post: socket.socket, ear: Ear, *, isolated: bool) -> None:
    worker = Worker(hub, ear, lambda word: _tell(post, word), isolated=isolated)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.run()


def _tell(post: socket.socket, word: str) -> None:
    try:
        post.sendall({"alive": b"a", "draining": b"D"}[word])
    except OSError:
        # Without a supervisor to hear it, the lifeline ends this process by itself.
        return


def _hear_of_deaths(hub: Hub, post: socket.socket) -> None:
    heard = b""
    while True:
        part = post.recv(4096)
        if not part:
            return
        *names, heard = (heard + part).split(b"\n")
        for owner in names:
            try:
                replace_worker(hub, owner.decode("ascii"))
            except HubError as error:
                logging.getLogger("revolution.clock").warning(
                    "the leases of %s run out by themselves: %s", owner.decode("ascii"), error.message
                )


def _end_with_parent(lifeline: int) -> None:
    # Reading ends when the supervisor is gone, however it went.
    while os.read(lifeline, 1):
        pass
    os._exit(1)
