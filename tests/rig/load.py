"""Senders that deliver all the time, and keep what they were answered and how long it took."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2

from rig.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: its status (0 if none came), how long it took, and whether it said when to come again."""

    status: int
    took_s: float
    retry_after: str | None


class Load:
    """Delivers one workflow's deliveries for all tenants in turn, by several senders, during a block."""

    def __init__(self, site: Site, name: str, *, senders: int = 4, pause_s: float = 0.02) -> None:
        self._site = site
        self._name = name
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(senders)]
        self.answers: list[Answer] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        owner = self._site.owners[number % len(self._site.owners)]
        while not self._stop.wait(self._pause_s):
            begun_s = time.monotonic()
            answer = self._site.deliver(owner, self._name)
            self.answers.append(_noted(answer, time.monotonic() - begun_s))

    def statuses(self) -> Counter[int]:
        """Count the answers by status."""
        return Counter(one.status for one in self.answers)

    def wrong(self) -> list[Answer]:
        """Return the answers that are neither "accepted" nor "not now, come again after …"."""
        return [one for one in self.answers if one.status != 202 and not _later(one)]


def _later(answer: Answer) -> bool:
    return answer.status == 503 and answer.retry_after is not None and answer.retry_after.isdigit()


def deliver_many(site: Site, name: str, count: int, *, senders: int = 8) -> list[Answer]:
    """Deliver so many for all tenants in turn, as fast as the senders can; returns the answers."""

    def send(number: int) -> Answer:
        begun_s = time.monotonic()
        answer = site.deliver(site.owners[number % len(site.owners)], name)
        return _noted(answer, time.monotonic() - begun_s)

    with ThreadPoolExecutor(senders) as pool:
        return list(pool.map(send, range(count)))


def p95_s(answers: list[Answer]) -> float:
    """Return what 95 of 100 answers took at most."""
    return sorted(one.took_s for one in answers)[int(len(answers) * 0.95) - 1]


def _noted(answer: httpx2.Response | None, took_s: float) -> Answer:
    if answer is None:
        return Answer(status=0, took_s=took_s, retry_after=None)
    return Answer(status=answer.status_code, took_s=took_s, retry_after=answer.headers.get("retry-after"))
