"""The worker process, and the isolated one for executions whose workers vanished twice."""

import signal
import socket

from revolution_hub.cli.children.start import Started, calm_collector
from revolution_hub.queue.poller import Poller
from revolution_hub.queue.prober import Prober
from revolution_hub.queue.wake import Ear, SocketEar
from revolution_hub.queue.ways import make_ear
from revolution_hub.queue.worker import Worker

LAST_LOOK_S = 2.0
"""How long the end waits for polls that are looked at; what is not done then is looked for again."""


def run_worker(child: Started) -> None:
    """Drive executions until told to stop. Without an ear it is the isolated worker, which only polls."""
    isolated = child.ear < 0
    ear: Ear = SocketEar() if isolated else make_ear(child.hub.settings, socket.socket(fileno=child.ear))
    worker = Worker(child.hub, ear, child.tell, isolated=isolated)
    beside: list[Poller | Prober] = []
    if not isolated:
        beside = [Poller(child.hub, worker.stop), Prober(child.hub, worker.stop)]
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm_collector()
    for one in beside:
        one.start()
    worker.run()
    for one in beside:
        one.stop(LAST_LOOK_S)
