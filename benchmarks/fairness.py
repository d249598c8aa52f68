"""Whether one tenant's burst keeps another waiting, and how many executions wait on a provider at once.

Run: python benchmarks/fairness.py [--quick]. The last line is one JSON object; times are seconds. Measured
embedded (SQLite) and on PostgreSQL with Redis, everything else as it comes.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from bench.ending import Wrong, finish
from bench.figures import percentile, table
from bench.rows import Database, misses, moment, settled_rows
from bench.sender import Sent, burst, trickle
from bench.servers import (
    LEDGER_PLUGIN,
    LiveHub,
    own_folder,
    running_provider,
)
from bench.stack import STACKS, running_stack
from bench.workflows import Hook, Member, new_member, publish
from revolution_sdk import JsonObject

SHORT_S = 0.2
LONG_S = 1.0
WAITING = 500
BODY = b'{"note":"a burst"}'
LIMIT_S = 900.0
LOOK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one installation did."""

    name: str
    seconds_500: float
    delays_s: list[float]
    accepted_s: list[float]
    burst_s: float

    def figures(self) -> dict[str, Any]:
        """Return them for the last line."""
        return {
            f"p95_queue_delay_s_{self.name}": round(percentile(self.delays_s, 0.95), 3),
            f"p50_queue_delay_s_{self.name}": round(percentile(self.delays_s, 0.5), 3),
            f"max_queue_delay_s_{self.name}": round(max(self.delays_s), 3),
            f"p95_accepted_s_{self.name}": round(percentile(self.accepted_s, 0.95), 3),
            f"seconds_500_{self.name}": round(self.seconds_500, 2),
            f"burst_seconds_{self.name}": round(self.burst_s, 1),
            f"asked_beside_burst_{self.name}": len(self.delays_s),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A hub, its database, and the two providers: one short, one long in answering."""

    name: str
    hub: LiveHub
    database: Database
    providers: dict[str, str]

    def member(self, name: str) -> Member:
        """Create a tenant with a connection to each provider."""
        member = new_member(self.hub, name)
        for connection, url in self.providers.items():
            body = {"name": connection, "credential": {"api_key": "none"}, "base_url": url}
            member.ask("POST", "/api/integrations/ledger/connections", body)
        return member


def _document(connection: str) -> JsonObject:
    step = {
        "id": "enter",
        "uses": "ledger.put_entry",
        "connection": connection,
        "with": {"note": "{{ trigger.data.note }}"},
    }
    return {"name": f"enter {connection}", "on": [{"webhook": {}}], "steps": [step]}


def _times(database: Database, workflow_id: str) -> list[tuple[datetime, datetime, datetime]]:
    found = database.rows(
        "SELECT created_at, started_at, finished_at FROM executions WHERE workflow_id = ?", workflow_id
    )
    return [(moment(created), moment(started), moment(ended)) for created, started, ended in found]


def _checked_times(place: Place, hook: Hook, sent: Sent) -> list[tuple[datetime, datetime, datetime]]:
    rows = settled_rows(place.database, hook.workflow_id, steps=1)
    wrong = misses(rows, sent.accepted, steps=1)
    if wrong:
        raise Wrong(f"{place.name}: {'; '.join(wrong)}")
    return _times(place.database, hook.workflow_id)


def _spent_s(times: list[tuple[datetime, datetime, datetime]]) -> float:
    first, last = min(created for created, _, _ in times), max(ended for _, _, ended in times)
    return (last - first).total_seconds()


def _five_hundred(place: Place) -> float:
    """Return the seconds from the first acceptance to the last end."""
    member = place.member("Patient")
    # One execution beforehand: opening the first connection to anything takes its time.
    warm = publish(member, _document("short"))
    sent = asyncio.run(burst(warm, 1, name=f"warm_{place.name}", body=BODY))
    _checked_times(place, warm, sent)
    hook = publish(member, _document("long"))
    sent = asyncio.run(burst(hook, WAITING, name=f"long_{place.name}", body=BODY))
    seconds = _spent_s(_checked_times(place, hook, sent))
    print(f"{place.name:<9} {WAITING} executions that wait {LONG_S:g} s: {seconds:.2f} s", flush=True)
    return seconds


async def _burst_beside(place: Place, greedy: Hook, modest: Hook, number: int) -> tuple[Sent, Sent]:
    ended = asyncio.Event()
    beside = asyncio.create_task(trickle(modest, ended, name=f"modest_{place.name}", body=BODY))
    try:
        sent = await burst(greedy, number, name=f"greedy_{place.name}", body=BODY)
        give_up_s = time.monotonic() + LIMIT_S
        while await asyncio.to_thread(_unfinished, place.database, greedy.workflow_id):
            if beside.done() or time.monotonic() > give_up_s:
                break
            await asyncio.sleep(LOOK_S)
    finally:
        ended.set()
        small = await beside
    return sent, small


def _unfinished(database: Database, workflow_id: str) -> bool:
    return bool(
        database.rows(
            "SELECT 1 FROM executions WHERE status IN ('queued', 'running', 'waiting') AND workflow_id = ? "
            "LIMIT 1",
            workflow_id,
        )
    )


def _fairness(place: Place, number: int) -> tuple[list[float], list[float], float]:
    """Return the modest tenant's waits in the queue and for acceptance, and how long the burst took."""
    greedy = publish(place.member("Greedy"), _document("short"))
    modest = publish(place.member("Modest"), _document("short"))
    sent, small = asyncio.run(_burst_beside(place, greedy, modest, number))
    burst_times = _checked_times(place, greedy, sent)
    last = max(ended for _, _, ended in burst_times)
    times = [one for one in _checked_times(place, modest, small) if one[0] <= last]
    delays = [(started - created).total_seconds() for created, started, _ in times]
    print(
        f"{place.name:<9} burst of {number}: {_spent_s(burst_times):.1f} s; the other tenant's {len(delays)} "
        f"waited p50 {percentile(delays, 0.5):.3f} s, p95 {percentile(delays, 0.95):.3f} s, "
        f"longest {max(delays):.3f} s",
        flush=True,
    )
    return delays, small.took_s, _spent_s(burst_times)


def _require_once(providers: dict[str, str], executions: int) -> None:
    told = [httpx2.get(f"{url}/calls", trust_env=False).json() for url in providers.values()]
    keys, calls = (sum(one[what] for one in told) for what in ("keys", "calls"))
    if keys != executions or calls != executions:
        raise Wrong(f"{executions} executions made {calls} calls under {keys} keys")


@contextmanager
def _place(folder: Path, name: str, stack: ExitStack) -> Iterator[Place]:
    short, long = (stack.enter_context(running_provider(seconds)) for seconds in (SHORT_S, LONG_S))
    allow = ",".join(url.removeprefix("http://") for url in (short, long))
    with running_stack(folder, name, allow=allow, PYTHONPATH=str(LEDGER_PLUGIN)) as whole:
        yield Place(
            name=name, hub=whole.hub, database=whole.database, providers={"short": short, "long": long}
        )


def _visit(folder: Path, name: str, number: int) -> Found:
    with ExitStack() as stack, _place(folder, name, stack) as place:
        seconds = _five_hundred(place)
        delays, accepted, burst_s = _fairness(place, number)
        ((executions,),) = place.database.rows("SELECT count(*) FROM executions")
        _require_once(place.providers, executions)
    return Found(name=name, seconds_500=seconds, delays_s=delays, accepted_s=accepted, burst_s=burst_s)


def _measure(number: int) -> dict[str, Any]:
    with own_folder() as folder:
        found = [_visit(folder, name, number) for name in STACKS]
    rows = [
        (
            one.name,
            f"{percentile(one.delays_s, 0.5):.3f}",
            f"{percentile(one.delays_s, 0.95):.3f}",
            f"{max(one.delays_s):.3f}",
            f"{percentile(one.accepted_s, 0.95):.3f}",
            f"{one.burst_s:.1f}",
            f"{one.seconds_500:.2f}",
        )
        for one in found
    ]
    head = ("", "delay p50 s", "delay p95 s", "longest s", "accepted p95 s", "burst s", "500 waiting s")
    print("\n" + table(head, rows) + "\n")
    figures: dict[str, Any] = {"burst": number}
    for one in found:
        figures |= one.figures()
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a burst of 1,000 instead of 10,000")
    given = parser.parse_args()
    finish(lambda: _measure(1_000 if given.quick else 10_000))


if __name__ == "__main__":
    main()
