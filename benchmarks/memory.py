"""Whether a worker's memory stays flat over 100,000 executions.

Run: python benchmarks/memory.py [--quick]. The last line is one JSON object. Webhooks are accepted and
drained in fifty portions, and after each the memory of the worker processes is read. Four in five run three
steps, the fifth a for_each, a parallel and a call. Measured embedded (SQLite) and on PostgreSQL with Redis.
"""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.ending import Wrong, finish
from bench.figures import table
from bench.load import BODY
from bench.resident import growth, resident_bytes
from bench.rows import Database, misses, settled_rows, wait_until_ended
from bench.sender import burst
from bench.servers import (
    LiveHub,
    own_folder,
)
from bench.stack import STACKS, running_stack
from bench.workflows import Hook, Member, new_member, publish, yardstick
from revolution_sdk import JsonObject

PORTIONS = 50
FIRST = 0.1
"""The share of the executions after which the memory is taken as what it is to stay."""
ITEMS = 5
MIXED_EVERY = 5
LIMIT_S = 600.0
MIXED_BODY = b'{"numbers":[1,2,3,4,5]}'
CALLED: JsonObject = {
    "name": "called",
    "inputs": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "steps": [
        {"id": "seen", "set": {"n": "{{ inputs.n }}"}},
        {"id": "done", "finish": {"output": "{{ vars.n }}"}},
    ],
}
MIXED: JsonObject = {
    "name": "mixed",
    "on": [{"webhook": {"auth": "standard-webhooks", "answer": "accepted"}}],
    "steps": [
        {
            "id": "each",
            "for_each": "{{ trigger.data.numbers }}",
            "concurrency": 2,
            "steps": [{"id": "twice", "set": {"twice": "{{ item + item }}"}}],
            "result": "{{ vars.twice }}",
        },
        {
            "id": "both",
            "parallel": {
                "left": [{"id": "sum", "set": {"sum": "{{ steps.each.items[0] + steps.each.items[1] }}"}}],
                "right": [{"id": "last", "set": {"last": "{{ steps.each.items[4] }}"}}],
            },
        },
        {"id": "other", "call": "called", "with": {"n": "{{ steps.both.left.sum.sum }}"}},
    ],
}


@dataclass(slots=True, kw_only=True)
class Place:
    """A hub, its database, its two workflows, and what was read after each portion."""

    name: str
    hub: LiveHub
    database: Database
    plain: Hook
    mixed: Hook
    workers: list[int]
    points: list[tuple[int, int]] = field(default_factory=list)

    def portion(self, number: int, plain: int, mixed: int) -> None:
        """Let so many webhooks of each workflow be accepted and drained, then read the memory."""
        begun = datetime.now(UTC)
        asyncio.run(_send(self, f"{self.name}_{number}", plain, mixed))
        wait_until_ended(self.database, begun, LIMIT_S)
        if sorted(self.hub.children("worker")) != self.workers:
            raise Wrong("a worker was replaced meanwhile, so its memory cannot be compared")
        done = (self.points[-1][0] if self.points else 0) + plain + mixed
        self.points.append((done, resident_bytes(self.workers)))


async def _send(place: Place, name: str, plain: int, mixed: int) -> None:
    sent = await asyncio.gather(
        burst(place.plain, plain, name=f"plain_{name}", body=BODY, connections=25),
        burst(place.mixed, mixed, name=f"mixed_{name}", body=MIXED_BODY, connections=25),
    )
    if [one.accepted for one in sent] != [plain, mixed]:
        raise Wrong(f"{plain} and {mixed} webhooks were sent, {[one.accepted for one in sent]} accepted")


def require_all(place: Place, plain: int, mixed: int) -> int:
    """Raise Wrong unless everything was done, once and whole; return how many executions, with children."""
    wrong = misses(settled_rows(place.database, place.plain.workflow_id), plain)
    ((parents,),) = place.database.rows(
        "SELECT count(*) FROM executions WHERE workflow_id = ? AND parent_id IS NULL", place.mixed.workflow_id
    )
    ((all_of_them, good),) = place.database.rows(
        "SELECT count(*), sum(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END) FROM executions"
    )
    found = place.database.rows("SELECT kind, count(*) FROM step_executions GROUP BY kind")
    counted = {str(kind): int(number) for kind, number in found}
    told = [counted.get(kind, 0) for kind in ("for_each", "item", "parallel", "call", "finish")]
    wanted = [mixed, mixed * ITEMS, mixed, mixed, mixed]
    if wrong or parents != mixed or good != all_of_them or told != wanted:
        raise Wrong(
            f"{'; '.join(wrong)} {mixed} mixed ones left {parents}, with {counted}; "
            f"{good} of {all_of_them} succeeded"
        )
    return int(all_of_them)


@contextmanager
def _place(folder: Path, name: str) -> Iterator[Place]:
    with running_stack(folder, name) as stack:
        hub = stack.hub
        member = new_member(hub, "Long")
        _publish_called(member)
        yield Place(
            name=name,
            hub=hub,
            database=stack.database,
            plain=publish(member, yardstick("accepted")),
            mixed=publish(member, MIXED),
            workers=sorted(hub.children("worker")),
        )


def _publish_called(member: Member) -> None:
    made = member.ask("POST", "/api/workflows", {"document": CALLED})
    member.ask("POST", f"/api/workflows/{made['id']}/publish")


def _visit(folder: Path, name: str, executions: int) -> dict[str, Any]:
    each = executions // PORTIONS
    mixed = each // MIXED_EVERY
    with _place(folder, name) as place:
        for number in range(PORTIONS):
            place.portion(number, each - mixed, mixed)
            if (number + 1) % (PORTIONS // 5) == 0:
                done, held = place.points[-1]
                print(f"{name:<9} {done:>7} executions   {held / 1e6:7.1f} MB", flush=True)
        counted = require_all(place, PORTIONS * (each - mixed), PORTIONS * mixed)
        peak = resident_bytes(place.workers, "VmHWM")
    settled, end = held_at(place.points, FIRST), place.points[-1][1]
    return {
        f"rss_ratio_{name}": round(end / settled, 3),
        f"bytes_per_execution_{name}": round(growth(place.points[len(place.points) // 2 :]), 1),
        f"rss_mb_first_{name}": round(settled / 1e6, 1),
        f"rss_mb_end_{name}": round(end / 1e6, 1),
        f"rss_mb_most_{name}": round(peak / 1e6, 1),
        f"workers_{name}": len(place.workers),
        f"executions_counted_{name}": place.points[-1][0],
        f"executions_with_children_{name}": counted,
    }


def held_at(points: list[tuple[int, int]], share: float) -> int:
    """Return what was held when this share of the executions was done."""
    last = points[-1][0]
    return next(held for done, held in points if done >= last * share)


def _measure(executions: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with own_folder() as folder:
        for name in STACKS:
            figures |= _visit(folder, name, executions)
    head = ("", "MB after a tenth", "MB at the end", "ratio", "MB at most", "bytes an execution")
    what = ("rss_mb_first", "rss_mb_end", "rss_ratio", "rss_mb_most", "bytes_per_execution")
    rows = [(name, *(f"{figures[f'{one}_{name}']:g}" for one in what)) for name in STACKS]
    print("\n" + table(head, rows) + "\n")
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="5,000 executions instead of 100,000")
    given = parser.parse_args()
    finish(lambda: _measure(5_000 if given.quick else 100_000))


if __name__ == "__main__":
    main()
