"""How fast accepted webhooks are drained over Redis and PostgreSQL, as a share of Dramatiq doing nothing.

Run: python benchmarks/drain.py [--quick]. The last line is one JSON object; rates are per second. Both sides
have the same processes and threads, and everything is waiting before the first worker starts.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ending import Wrong, finish
from bench.figures import median, table
from bench.noop import noop_rate
from bench.rows import Postgresql, Rows, count_rows, misses
from bench.sender import burst
from bench.servers import (
    Postgres,
    Redis,
    new_database,
    own_folder,
    running_hub,
    running_postgres,
    running_redis,
    running_workers,
)
from bench.workflows import new_member, publish, yardstick

PROCESSES = 2
THREADS = (8, 64)
DRAIN_LIMIT_S = 600.0


@dataclass(slots=True)
class Turns:
    """What both sides did with one number of threads."""

    threads: int
    noops: list[float] = field(default_factory=list)
    executions: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def take(self, executions: float, beside: Sequence[float]) -> None:
        """Note one turn: the hub's rate between two runs of no-ops, divided by the faster of these.

        Whatever else the machine did during one run of the no-ops can then not make the hub look better.
        """
        self.noops += beside
        self.executions.append(executions)
        self.shares.append(executions / max(beside))

    @property
    def share(self) -> float:
        """The hub's rate as a share of the no-ops."""
        return median(self.shares)


@dataclass(slots=True, kw_only=True)
class Bench:
    """The two servers everything runs on."""

    folder: Path
    postgres: Postgres
    redis: Redis
    made: int = 0

    def noops(self, number: int, threads: int) -> float:
        """Time Dramatiq doing nothing."""
        self.redis.client().flushall()
        return noop_rate(self.redis.url, number, processes=PROCESSES, threads=threads)

    def drain(self, number: int, threads: int) -> float:
        """Let a hub without workers accept the webhooks, then start workers and time them."""
        self.made += 1
        name = f"drain{self.made}"
        places = {
            "REVOLUTION_DATABASE_URL": new_database(self.postgres, name),
            "REVOLUTION_BROKER_URL": self.redis.url,
            "REVOLUTION_WORKER_THREADS": str(threads),
        }
        database = Postgresql(self.postgres.url(name))
        folder = self.folder / name
        # What an earlier turn left in Redis is nobody's: the database it belonged to is not used any more.
        self.redis.client().flushall()
        with running_hub(folder, REVOLUTION_WORKER_PROCESSES="0", **places) as hub:
            hook = publish(new_member(hub, "Drained"), yardstick("accepted"))
            sent = asyncio.run(burst(hook, number, name=name))
            _require_untouched(database, hook.workflow_id, sent.accepted)
            with running_workers(
                self.folder / f"{name}-workers", hub, REVOLUTION_WORKER_PROCESSES=str(PROCESSES), **places
            ):
                rows = _wait_for_all(database, hook.workflow_id, number)
        wrong = misses(rows, number)
        if wrong:
            raise Wrong("; ".join(wrong))
        return number / _seconds(database, hook.workflow_id)


def _require_untouched(database: Postgresql, workflow_id: str, accepted: int) -> None:
    queued = database.rows(
        "SELECT count(*) FROM executions WHERE workflow_id = ? AND status = 'queued'", workflow_id
    )[0][0]
    if queued != accepted:
        raise Wrong(f"{accepted} webhooks were accepted, and {queued} executions wait for workers")


def _wait_for_all(database: Postgresql, workflow_id: str, number: int) -> Rows:
    give_up_s = time.monotonic() + DRAIN_LIMIT_S
    open_ones = "SELECT count(*) FROM executions WHERE status IN ('queued', 'running', 'waiting')"
    # Asked rarely: the question costs the database something too.
    while database.rows(open_ones)[0][0]:
        if time.monotonic() > give_up_s:
            raise Wrong(f"not drained in {DRAIN_LIMIT_S:g} s: {count_rows(database, workflow_id)}")
        time.sleep(0.5)
    return count_rows(database, workflow_id)


def _seconds(database: Postgresql, workflow_id: str) -> float:
    ((first, last),) = database.rows(
        "SELECT min(started_at), max(finished_at) FROM executions WHERE workflow_id = ?", workflow_id
    )
    return float((last - first).total_seconds())


def _measure(rounds: int, executions: int, noops: int) -> dict[str, Any]:
    with own_folder() as folder, running_postgres(folder) as postgres, running_redis(folder) as redis:
        bench = Bench(folder=folder, postgres=postgres, redis=redis)
        turns = [Turns(threads) for threads in THREADS]
        for _ in range(rounds):
            for turn in turns:
                before = bench.noops(noops, turn.threads)
                drained = bench.drain(executions, turn.threads)
                turn.take(drained, (before, bench.noops(noops, turn.threads)))
                print(
                    f"{PROCESSES} x {turn.threads:<3} {max(turn.noops[-2:]):8.0f} no-ops/s   "
                    f"{drained:8.0f} executions/s   {turn.shares[-1]:6.1%}",
                    flush=True,
                )
    return _figures(turns, executions * rounds)


def _figures(turns: list[Turns], counted: int) -> dict[str, Any]:
    rows = [
        (
            f"{PROCESSES} x {one.threads}",
            f"{median(one.noops):.0f}",
            f"{median(one.executions):.0f}",
            f"{one.share:.1%}",
        )
        for one in turns
    ]
    print("\n" + table(("", "no-ops/s", "executions/s", "share"), rows) + "\n")
    few, many = turns
    return {
        "ratio_to_noop": round(few.share, 4),
        "ratio_to_noop_2x64": round(many.share, 4),
        "executions_per_s": round(median(few.executions)),
        "executions_per_s_2x64": round(median(many.executions)),
        "noops_per_s": round(median(few.noops)),
        "noops_per_s_2x64": round(median(many.noops)),
        "executions_counted": counted * len(turns),
    }


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a third of the executions and no-ops")
    parser.add_argument("--rounds", type=int, default=3, help="how often they take turns (3)")
    given = parser.parse_args()
    executions, noops = (2_000, 5_000) if given.quick else (6_000, 15_000)
    finish(lambda: _measure(given.rounds, executions, noops))


if __name__ == "__main__":
    main()
