"""Whether an execution costs the same however many are stored: 10,000, 100,000 and a million beside 1,000.

Run: python benchmarks/growth.py [--quick]. The last line is one JSON object. Each size is measured between
two new databases with a thousand executions; a ratio is its cost divided by the mean of these two. Measured
on SQLite and on PostgreSQL: webhooks accepted, the same drained, a page of the list, a claim.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench.ending import Wrong, finish
from bench.figures import median, percentile, table
from bench.fill import fill, find_model
from bench.inside import Inside, inside, new_home
from bench.rows import Database, count_since, misses, moment, wait_until_ended
from bench.sender import burst
from bench.servers import (
    LiveHub,
    Postgres,
    own_folder,
    running_hub,
    running_postgres,
    running_workers,
)
from bench.workflows import Hook, new_member, publish, yardstick
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.services.executions import list_executions
from revolution_hub.store.listing import Filter
from revolution_hub.store.paging import Page

SMALL = 1_000
WARM = 200
CLAIMS = 20
CLAIMED = 10
LOOKS = 60
LIMIT_S = 300.0
COSTS = ("accepted_us", "drained_us", "page_us", "failed_page_us", "claim_us")
_names = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A database, a hub without workers on it that takes webhooks in, and a hub within this process."""

    name: str
    folder: Path
    hub: LiveHub
    hook: Hook
    bench: Inside
    database: Database
    settings: dict[str, str]

    def stored(self) -> int:
        """Return how many executions there are."""
        return int(self.database.rows("SELECT count(*) FROM executions")[0][0])

    def grow_to(self, size: int) -> None:
        """Fill up to so many executions, with their steps, events and deliveries."""
        ((oldest,),) = self.database.rows("SELECT min(created_at) FROM executions")
        before = datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest
        before = before if before.tzinfo else before.replace(tzinfo=UTC)
        fill(self.database, find_model(self.database, self.hook.workflow_id), before, size - self.stored())
        if self.stored() != size:
            raise Wrong(f"{self.stored()} executions are stored instead of {size}")

    def send(self, number: int) -> tuple[datetime, float]:
        """Let the hub accept webhooks; return when that began and how many seconds it took."""
        begun, begun_s = datetime.now(UTC), time.perf_counter()
        sent = asyncio.run(burst(self.hook, number, name=f"grow{next(_names)}"))
        if sent.accepted != number:
            raise Wrong(f"{number} webhooks were sent and {sent.accepted} accepted")
        return begun, time.perf_counter() - begun_s

    def drain(self, begun: datetime) -> None:
        """Start two worker processes and wait until everything made since then has ended."""
        with running_workers(
            self.folder / f"workers{next(_names)}", self.hub, REVOLUTION_WORKER_PROCESSES="2", **self.settings
        ):
            wait_until_ended(self.database, begun, LIMIT_S)

    def drain_here(self) -> float:
        """Claim and drive some in this process; return the seconds a tenth of the claims did not exceed."""
        took = []
        for _ in range(CLAIMS):
            begun_s = time.perf_counter()
            taken = self.bench.claim(CLAIMED)
            took.append(time.perf_counter() - begun_s)
            if len(taken) != CLAIMED:
                raise Wrong(f"{CLAIMED} executions were to be claimed, and {len(taken)} were")
            for one in taken:
                self.bench.drive(one)
        return percentile(took, 0.1)

    def page(self, wanted: Filter, limit: int) -> float:
        """Return the seconds a tenth of the looks at a page of the list did not exceed."""
        took = []
        for _ in range(LOOKS):
            begun_s = time.perf_counter()
            found, _ = list_executions(self.bench.hub, self.bench.principal, Page(limit=limit), wanted)
            took.append(time.perf_counter() - begun_s)
            if len(found) != limit:
                raise Wrong(f"a page of {limit} holds {len(found)}")
        return percentile(took, 0.1)

    def cost(self, number: int) -> dict[str, float]:
        """Measure what one execution costs here, in microseconds, with `number` of them."""
        begun, accepted_s = self.send(number)
        claim_s = self.drain_here()
        pages = self.page(Filter(), 50), self.page(Filter(statuses=(ExecutionStatus.FAILED,)), 10)
        driven_here = CLAIMS * CLAIMED
        self.drain(begun)
        wrong = misses(count_since(self.database, begun), number)
        if wrong:
            raise Wrong(f"{self.name}: {'; '.join(wrong)}")
        drained_s = self._drained_s(begun, driven_here, number - driven_here)
        seconds = (accepted_s / number, drained_s / (number - driven_here), *pages, claim_s)
        return {name: one * 1e6 for name, one in zip(COSTS, seconds, strict=True)}

    def _drained_s(self, begun: datetime, here: int, number: int) -> float:
        """Return the seconds from the first start to the last end, without those driven in this process."""
        rows = self.database.rows(
            "SELECT started_at, finished_at FROM executions WHERE id >= ? ORDER BY id",
            first_id("exe", begun),
        )[here:]
        if len(rows) != number:
            raise Wrong(f"{number} executions were left to the workers, and {len(rows)} were theirs")
        starts, ends = ([moment(one) for one in column] for column in zip(*rows, strict=True))
        return (max(ends) - min(starts)).total_seconds()


@contextmanager
def new_place(folder: Path, server: Postgres | None) -> Iterator[Home]:
    """Make a database with a thousand executions, and the hubs on it."""
    name = f"growth{next(_names)}"
    with ExitStack() as stack:
        url, database = new_home(folder, name, server)
        settings = {"REVOLUTION_DATABASE_URL": url}
        hub = stack.enter_context(running_hub(folder / name, REVOLUTION_WORKER_PROCESSES="0", **settings))
        member = new_member(hub, "Growing")
        home = Home(
            name=name,
            folder=folder,
            hub=hub,
            hook=publish(member, yardstick("accepted")),
            bench=stack.enter_context(inside(url, database, tenant_id=member.tenant_id)),
            database=database,
            settings=settings,
        )
        begun, _ = home.send(WARM)
        home.drain(begun)
        home.grow_to(SMALL)
        yield home


def against(cost: dict[str, float], beside: list[dict[str, float]]) -> dict[str, float]:
    """Divide each cost by the mean of what it was in the small databases before and after."""
    return {name: cost[name] / (sum(one[name] for one in beside) / len(beside)) for name in COSTS}


def _small(folder: Path, server: Postgres | None, number: int) -> dict[str, float]:
    with new_place(folder, server) as home:
        return home.cost(number)


def _visit(folder: Path, name: str, sizes: list[int], rounds: int, number: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(folder)) if name == "postgresql" else None
        home = stack.enter_context(new_place(folder, server))
        rows = []
        for size in sizes:
            home.grow_to(size)
            costs, ratios = [], []
            before = _small(folder, server, number)
            for _ in range(rounds):
                costs.append(home.cost(number))
                after = _small(folder, server, number)
                ratios.append(against(costs[-1], [before, after]))
                before = after
            told = {one: median([ratio[one] for ratio in ratios]) for one in COSTS}
            figures |= {f"ratio_{one}_{name}_{size}": round(told[one], 3) for one in COSTS}
            figures |= {f"{one}_{name}_{size}": round(median([c[one] for c in costs]), 1) for one in COSTS}
            figures[f"executions_counted_{name}_{size}"] = rounds * number
            rows.append(
                (f"{size:,}", *(f"{figures[f'{one}_{name}_{size}']:.0f}  {told[one]:.2f}" for one in COSTS))
            )
            print(
                f"{name:<10} {size:>9,}: " + ", ".join(f"{one} {told[one]:.2f}" for one in COSTS), flush=True
            )
    head = (name, *(f"{one.removesuffix('_us')}, µs and ratio" for one in COSTS))
    print("\n" + table(head, rows) + "\n", flush=True)
    return figures


def _measure(sizes: list[int], rounds: int, number: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"small": SMALL, "webhooks": number}
    for name in ("sqlite", "postgresql"):
        with own_folder() as folder:
            figures |= _visit(folder, name, sizes, rounds, number)
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20,000 executions once, and fewer webhooks")
    given = parser.parse_args()
    if given.quick:
        finish(lambda: _measure([20_000], 1, 1_000))
    finish(lambda: _measure([10_000, 100_000, 1_000_000], 3, 4_000))


if __name__ == "__main__":
    main()
