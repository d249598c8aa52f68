"""Load from wrk, signed or plain, and what it says about a run."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.ending import NotHere
from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard

FOLDER = Path(__file__).parent
BODY = (FOLDER / "lead.json").read_bytes()
SPARE = 1.5
"""How many more signatures are made than requests are expected."""

_runs = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run of wrk: answers in all, answers that were no 2xx, connections that broke."""

    connections: int
    answers: int
    refused: int
    broken: int
    timeouts: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def good(self) -> int:
        """Answers with a 2xx."""
        return self.answers - self.refused

    @property
    def rate(self) -> float:
        """2xx per second."""
        return self.good / self.seconds

    def problems(self) -> list[str]:
        """What must not happen under this load."""
        told = {"were no 2xx": self.refused, "broke": self.broken, "timed out": self.timeouts}
        return [f"{number} requests {what}" for what, number in told.items() if number]


def require_wrk() -> None:
    """Raise NotHere unless wrk is installed."""
    if shutil.which("wrk") is None:
        raise NotHere("wrk is not installed; get it with: apt-get install wrk")


def signed_lines(secret: Secret, name: str, number: int) -> Iterator[str]:
    """Sign the body `number` times, each with an id of its own: `id time signature`."""
    now_s = int(time.time())
    for index in range(number):
        message_id = f"msg_{name}_{index}"
        yield f"{message_id} {now_s} {sign_standard(secret, message_id, now_s, BODY)}\n"


def plain_load(url: str, connections: int, seconds: int) -> Load:
    """Post the body for some seconds."""
    load, _ = _wrk(["plain.lua", url], connections, seconds)
    return load


def signed_load(url: str, secret: Secret, connections: int, seconds: int, *, expected: float) -> list[Load]:
    """Post the signed body; `expected` is how many requests a second there are at most.

    A run whose signatures were used up before its time is followed by one with twice as many; the last of
    the returned runs is the one that lasted.
    """
    runs: list[Load] = []
    number = int(expected * seconds * SPARE) + 100
    while True:
        with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="signed-") as file:
            file.writelines(signed_lines(secret, f"{time.time_ns()}_{next(_runs)}", number))
            file.flush()
            load, used_up = _wrk(["signed.lua", url, "--", file.name], connections, seconds)
        runs.append(load)
        if not used_up:
            return runs
        number *= 2


def _wrk(script: list[str], connections: int, seconds: int) -> tuple[Load, bool]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", *script]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"wrk failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    told = json.loads(lines[-1])
    used_up = bool(told.pop("used_up"))
    return Load(connections=connections, **told), used_up
