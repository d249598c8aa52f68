"""Serving a sandbox from a thread, for tests and demos."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from revolution_sdk.sandbox.app import Sandbox

START_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSandbox:
    """A sandbox that answers at `url` (scheme, host and port, no path)."""

    url: str
    sandbox: Sandbox

    @property
    def host(self) -> str:
        """`host:port`, as the hub's egress allow-list wants it."""
        return self.url.removeprefix("http://")

    @property
    def base_url(self) -> str:
        """What a connection to this sandbox names as its base URL."""
        return self.url + self.sandbox.base_path


@contextmanager
def run_sandbox(
    sandbox: Sandbox, *, port: int = 0, around: Callable[[Any], Any] | None = None
) -> Iterator[RunningSandbox]:
    """Serve the sandbox on loopback until the block ends. Port 0 takes a free one.

    `around` may wrap the ASGI application, for instance in a contract validator. Raises OSError if the
    port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    app: Any = sandbox.asgi()
    config = uvicorn.Config(
        around(app) if around else app, log_level="warning", access_log=False, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_LIMIT_S
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield RunningSandbox(url=f"http://127.0.0.1:{listener.getsockname()[1]}", sandbox=sandbox)
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(timeout=START_LIMIT_S)
        listener.close()
