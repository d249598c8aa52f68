"""The worker process, and the isolated one for executions whose workers vanished twice."""

import signal
import socket
import sys

from revolution_hub.cli.children.start import Started, calm_collector, run_child
from revolution_hub.queue.wake import Ear, SocketEar
from revolution_hub.queue.ways import make_ear
from revolution_hub.queue.worker import Worker


def run_worker(child: Started) -> None:
    """Drive executions until told to stop. Without an ear it is the isolated worker, which only polls."""
    isolated = child.ear < 0
    ear: Ear = SocketEar() if isolated else make_ear(child.hub.settings, socket.socket(fileno=child.ear))
    worker = Worker(child.hub, ear, child.tell, isolated=isolated)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm_collector()
    worker.run()


if __name__ == "__main__":
    run_child("isolated" if "--ear" not in sys.argv else "worker", run_worker)
