"""100,000 webhooks at 500 a second: how soon each is accepted, whether one is lost, and what memory it takes.

Run: python benchmarks/burst.py [--quick]. The last line is one JSON object; times are milliseconds. Measured
embedded (SQLite) and on PostgreSQL with Redis, everything else as it comes. Beside the burst another tenant
delivers ten a second.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ending import Wrong, finish
from bench.figures import percentile, table
from bench.resident import resident_bytes
from bench.rows import Database, misses, moment, settled_rows
from bench.sender import Sent, trickle
from bench.servers import (
    LiveHub,
    own_folder,
)
from bench.stack import STACKS, running_stack
from bench.workflows import Hook, new_member, publish, yardstick

PER_SECOND = 500
SAMPLES = 50
FIRST = 0.1
"""Memory at the end is divided by what was held when so much was accepted."""


@dataclass(slots=True, kw_only=True)
class Place:
    """A hub, its database, and the two tenants. `held` are moments, and what all processes held then."""

    name: str
    hub: LiveHub
    database: Database
    busy: Hook
    small: Hook
    held: list[tuple[float, int]] = field(default_factory=list)

    def processes(self) -> list[int]:
        """Return the processes of the hub."""
        return [pid for role in ("api", "worker", "clock") for pid in self.hub.children(role)]


async def _burst(place: Place, number: int) -> tuple[Sent, Sent, float]:
    over, begun_s = asyncio.Event(), time.monotonic()

    async def watch() -> None:
        while not over.is_set():
            held = await asyncio.to_thread(resident_bytes, place.processes())
            place.held.append((time.monotonic() - begun_s, held))
            await asyncio.sleep(number / PER_SECOND / SAMPLES)

    async def many() -> tuple[Sent, float]:
        sent = await trickle(place.busy, over, name=f"busy_{place.name}", every_s=1 / PER_SECOND, most=number)
        took_s = time.monotonic() - begun_s
        over.set()
        return sent, took_s

    (busy, took_s), small, _ = await asyncio.gather(
        many(), trickle(place.small, over, name=f"small_{place.name}"), watch()
    )
    return busy, small, took_s


def _require_all(place: Place, hook: Hook, sent: Sent) -> list[float]:
    """Raise Wrong unless each accepted one was done, once and whole; return the seconds each waited."""
    wrong = misses(settled_rows(place.database, hook.workflow_id), sent.accepted)
    if wrong:
        raise Wrong(f"{place.name}: {'; '.join(wrong)}")
    times = place.database.rows(
        "SELECT created_at, started_at FROM executions WHERE workflow_id = ?", hook.workflow_id
    )
    return [(moment(started) - moment(created)).total_seconds() for created, started in times]


@contextmanager
def _place(folder: Path, name: str) -> Iterator[Place]:
    with running_stack(folder, name) as stack:
        hub = stack.hub
        yield Place(
            name=name,
            hub=hub,
            database=stack.database,
            busy=publish(new_member(hub, "Busy"), yardstick("accepted")),
            small=publish(new_member(hub, "Small"), yardstick("accepted")),
        )


def _visit(folder: Path, name: str, number: int) -> dict[str, Any]:
    with _place(folder, name) as place:
        busy, small, took_s = asyncio.run(_burst(place, number))
        waited_s = _require_all(place, place.busy, busy)
        small_s = _require_all(place, place.small, small)
    if busy.accepted != number:
        raise Wrong(f"{number} webhooks were sent and {busy.accepted} accepted")
    first = next(held for at_s, held in place.held if at_s >= took_s * FIRST)
    last = place.held[-1][1]
    return {
        f"per_second_{name}": round(number / took_s, 1),
        f"accept_p50_ms_{name}": round(percentile(busy.took_s, 0.5) * 1000, 2),
        f"accept_p99_ms_{name}": round(percentile(busy.took_s, 0.99) * 1000, 2),
        f"accept_max_ms_{name}": round(max(busy.took_s) * 1000, 1),
        f"put_off_{name}": busy.put_off,
        f"started_p95_ms_{name}": round(percentile(waited_s, 0.95) * 1000, 1),
        f"small_started_p95_ms_{name}": round(percentile(small_s, 0.95) * 1000, 1),
        f"rss_ratio_{name}": round(last / first, 3),
        f"rss_mb_first_{name}": round(first / 1e6, 1),
        f"rss_mb_end_{name}": round(last / 1e6, 1),
        f"executions_counted_{name}": len(waited_s),
    }


def _measure(number: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"webhooks": number}
    with own_folder() as folder:
        for name in STACKS:
            figures |= _visit(folder, name, number)
            print(f"{name}: {number:,} accepted and done", flush=True)
    what = (
        "per_second",
        "accept_p50_ms",
        "accept_p99_ms",
        "started_p95_ms",
        "small_started_p95_ms",
        "rss_ratio",
    )
    rows = [(name, *(f"{figures[f'{one}_{name}']:g}" for one in what)) for name in STACKS]
    print("\n" + table(("", *what), rows) + "\n")
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="5,000 webhooks instead of 100,000")
    given = parser.parse_args()
    finish(lambda: _measure(5_000 if given.quick else 100_000))


if __name__ == "__main__":
    main()
