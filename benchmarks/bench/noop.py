"""Raw Dramatiq: messages that do nothing, in processes with as many threads as the hub's.

Run as a module it is one such process: it works until the process that started it closes its input, then
prints how many messages it did, when the first began and when the last was done, by the machine's clock.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

QUEUE = "noop"
SPARE_CONNECTIONS = 16
_LIMIT_S = 120.0
_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Noop:
    """The actor, and what it counted."""

    def __init__(self, url: str, threads: int) -> None:
        # By itself redis-py stops at a hundred connections, which more threads than that would fight for.
        pool = redis.ConnectionPool.from_url(url, max_connections=threads + SPARE_CONNECTIONS)
        self.client = redis.Redis(connection_pool=pool)
        self.broker: Any = RedisBroker(client=self.client, middleware=[])
        self.actor: Any = dramatiq.actor(broker=self.broker, queue_name=QUEUE, actor_name="noop")(self._do)
        self._lock = threading.Lock()
        self.first_s: float | None = None
        self.last_s: float = 0.0
        self.done = 0

    def _do(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            self.first_s = self.first_s or now_s
            self.last_s = now_s
            self.done += 1


def noop_rate(url: str, number: int, *, processes: int, threads: int) -> float:
    """Enqueue the messages, then let the processes work; return how many were done a second."""
    noop = Noop(url, 1)
    for _ in range(number):
        noop.actor.send()
    command = [sys.executable, "-m", "bench.noop", "--url", url, "--threads", str(threads)]
    workers = [
        subprocess.Popen(command, cwd=_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    try:
        _wait_until_empty(noop)
        told = [json.loads(one.communicate(timeout=_LIMIT_S)[0]) for one in workers]
    finally:
        for one in workers:
            one.kill()
            one.wait()
    done = sum(one["done"] for one in told)
    if done != number:
        raise RuntimeError(f"{number} messages were sent and {done} done")
    worked = [one for one in told if one["done"]]
    begun_s, ended_s = min(one["first_s"] for one in worked), max(one["last_s"] for one in worked)
    return number / float(ended_s - begun_s)


def _wait_until_empty(noop: Noop) -> None:
    give_up_s = time.monotonic() + _LIMIT_S
    # Unlike the queue itself, its messages stay until they are acknowledged.
    while noop.client.hlen(f"{noop.broker.namespace}:{QUEUE}.msgs"):
        if time.monotonic() > give_up_s:
            raise RuntimeError("the messages were not done in time")
        time.sleep(0.05)


def main() -> None:
    """Work as one process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    noop = Noop(given.url, given.threads)
    worker = dramatiq.Worker(noop.broker, worker_threads=given.threads)
    worker.start()
    sys.stdin.read()
    worker.stop()
    print(json.dumps({"done": noop.done, "first_s": noop.first_s, "last_s": noop.last_s}))


if __name__ == "__main__":
    main()
