"""The API process: uvicorn on the socket the supervisor opened."""

import socket
import threading
import time

import uvicorn

from revolution_hub.api.app import make_api
from revolution_hub.api.wire import Wire
from revolution_hub.cli.children.start import Started, calm_collector


def run_api(child: Started) -> None:
    """Serve until told to stop."""
    api = make_api(child.hub)
    calm_collector()
    config = uvicorn.Config(
        api,
        http=Wire,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=child.hub.settings.drain_s,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)

    def report() -> None:
        while not server.started:
            time.sleep(0.01)
        child.tell("alive")

    threading.Thread(target=report, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=child.listen)])
