"""Crash points: named places where a process under test ends itself as a power cut would end it.

A process is armed with `name`, `name:nth` or `role/name:nth` and dies the nth time it comes to that place. It
dies once per installation, not once per process: a mark in the data folder tells its replacement to go on.
"""

import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

NAMES = {
    "ingest.after_verify": "a delivery is known to be genuine, and nothing is kept yet",
    "ingest.after_commit": "a delivery is kept, and no worker was told",
    "ingest.after_enqueue": "workers were told, and the sender was not",
    "worker.after_claim": "executions are held, and none is driven yet",
    "worker.before_effect": "an attempt is committed, and its action was not called",
    "worker.after_effect": "an action did its work, and nothing of it is recorded",
    "worker.after_record": "the result of a `once` action is committed",
    "worker.after_next_enqueued": "a step is done, and the next one is about to begin",
    "worker.before_ack": "an execution is driven as far as it goes, and its task is not done",
    "committer.before_commit": "a batch of changes is written, and not committed",
    "committer.after_commit": "a batch of changes is committed, and nobody was told",
    "approval.after_consume": "an approval is used up by a commit, and what it was given for is not done",
    "payload.after_keep": "a large payload is in its file, and the row that names it is not committed",
    "poll.after_answer": "a poll has its provider's answer, and nothing of it is kept",
    "poll.after_commit": "what a poll has found is kept, and no worker was told",
    "token.after_provider_answer": "a provider has renewed an authorization, and nothing of it is kept",
    "rotate.mid_batch": "secrets or data keys are sealed anew under a newer key, and that is not committed",
    "clock.after_sweep": "due and abandoned executions are queued, and no worker was told",
}
"""Every place, and what is true at it."""

ROLES = frozenset({"api", "clock", "worker", "isolated", "command"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPoint:
    """Where to die: at which name, at which time, and in processes of which role (empty: any)."""

    name: str
    nth: int = 1
    role: str = ""


def parse_crash_point(text: str) -> CrashPoint:
    """Read `[role/]name[:nth]`; raises ValueError for a name or role that does not exist."""
    place, _, nth = text.partition(":")
    role, slash, name = place.rpartition("/")
    if name not in NAMES:
        raise ValueError(f"{name[:80]!r} is not a crash point; there are {', '.join(sorted(NAMES))}")
    if slash and role not in ROLES:
        raise ValueError(f"{role[:80]!r} is not a role; there are {', '.join(sorted(ROLES))}")
    if ":" in text and not (nth.isascii() and nth.isdigit() and 0 < int(nth[:9]) == int(nth)):
        raise ValueError("behind the colon stands a whole number from 1")
    return CrashPoint(name=name, nth=int(nth or 1), role=role)


@dataclass(slots=True)
class _Armed:
    point: CrashPoint
    mark: Path
    reached: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        if name != self.point.name:
            return
        # The lock is kept: no other thread may get past the place this process dies at.
        with self.lock:
            self.reached += 1
            if self.reached == self.point.nth and _first(self.mark):
                os.kill(os.getpid(), signal.SIGKILL)


_armed: list[_Armed] = []


def arm(point: CrashPoint, role: str, data_dir: Path) -> None:
    """Arm this process, if the point is meant for its role and no process of this installation died there."""
    mark = data_dir / f"crashpoint-{point.name}"
    if point.role in ("", role) and not mark.exists():
        _armed[:] = [_Armed(point, mark)]


def reach(name: str) -> None:
    """Say that this place is reached. Does nothing unless the process is armed with it."""
    if _armed:
        _armed[0].count(name)


def _first(mark: Path) -> bool:
    try:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
