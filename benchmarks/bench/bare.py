"""What calls alone take: the same requests by the same HTTP client, from as many threads, and nothing else.

Two processes, as the hub has two workers. Every thread keeps its connection.
"""

import multiprocessing
import threading
import time

import httpx2

from bench.ending import Wrong

PROCESSES = 2
TIMEOUT_S = 60.0


def seconds_of_calls(provider: str, items: int, at_once: int) -> float:
    """Return how long so many calls of the provider take with so many under way at a time."""
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Barrier(PROCESSES + 1), spawn.Event()
    each = (provider, items // PROCESSES, at_once // PROCESSES, ready, go)
    callers = [spawn.Process(target=_call, args=each) for _ in range(PROCESSES)]
    for caller in callers:
        caller.start()
    ready.wait(TIMEOUT_S)
    began_s = time.monotonic()
    go.set()
    for caller in callers:
        caller.join()
    if any(caller.exitcode for caller in callers):
        raise Wrong("the calls alone have failed")
    return time.monotonic() - began_s


def _call(provider: str, items: int, threads: int, ready: "threading.Barrier", go: threading.Event) -> None:
    def work(number: int) -> None:
        with httpx2.Client(base_url=provider, trust_env=False, timeout=TIMEOUT_S) as client:
            go.wait()
            for at in range(number, items, threads):
                key = {"x-key": f"bare-{id(go)}-{at}"}
                client.get("/read", params={"note": str(at)}, headers=key).raise_for_status().json()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait(TIMEOUT_S)
    for worker in workers:
        worker.join()
