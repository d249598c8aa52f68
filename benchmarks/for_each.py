"""How long a for_each of 10,000 items takes, 50 at a time, where each item waits 20 ms on a provider.

Run: python benchmarks/for_each.py [--quick]. The last line is one JSON object. The ideal time is that of the
waits alone. Measured embedded (SQLite) and on PostgreSQL with Redis, once with a provider that answers within
the worker and once over HTTP, whose client and server take their share of the machine: what the calls take
without a hub is measured beside it.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bench.bare import seconds_of_calls
from bench.ending import Wrong, finish
from bench.figures import median, table
from bench.rows import Database, moment
from bench.servers import (
    LEDGER_PLUGIN,
    own_folder,
    running_provider,
)
from bench.stack import STACKS, running_stack
from bench.workflows import Member, new_member
from revolution_sdk import JsonObject

WAIT_S = 0.02
CONCURRENCY = 50
LIMIT_S = 300.0
STEPS: dict[str, JsonObject] = {
    "within": {"id": "asked", "uses": "ledger.sit_still", "with": {"seconds": WAIT_S}},
    "http": {"id": "asked", "uses": "ledger.get_entry", "with": {"note": "{{ item }}"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A tenant of a hub, the hub's database, and the provider."""

    member: Member
    database: Database
    provider: str


def _document(how: str, concurrency: int) -> JsonObject:
    loop = {
        "id": "each",
        "for_each": "{{ inputs.notes }}",
        "concurrency": concurrency,
        "steps": [STEPS[how]],
        "result": "{{ index }}",
    }
    return {"name": f"each {how} {concurrency}", "steps": [loop]}


def _run(place: Place, how: str, items: int) -> float:
    """Go through the items once; return the seconds from the first start to the last end."""
    made = place.member.ask("POST", "/api/workflows", {"document": _document(how, CONCURRENCY)})
    place.member.ask("POST", f"/api/workflows/{made['id']}/publish")
    before = _calls(place)
    notes = [str(number) for number in range(items)]
    started = place.member.ask("POST", f"/api/workflows/{made['id']}/execute", {"data": {"notes": notes}})[
        "execution_id"
    ]
    seconds = _seconds(place.database, started)
    _require_whole(place.database, started, items)
    if how == "http" and _calls(place) - before != items:
        raise Wrong(f"{items} items made {_calls(place) - before} calls")
    place.member.ask("DELETE", f"/api/workflows/{made['id']}")
    return seconds


def _calls(place: Place) -> int:
    return int(httpx2.get(f"{place.provider}/calls", trust_env=False).json()["calls"])


def _seconds(database: Database, execution_id: str) -> float:
    give_up_s = time.monotonic() + LIMIT_S
    while True:
        ((status, first, last),) = database.rows(
            "SELECT status, started_at, finished_at FROM executions WHERE id = ?", execution_id
        )
        if last is not None:
            break
        if time.monotonic() > give_up_s:
            raise Wrong(f"after {LIMIT_S:g} s the execution is {status}")
        time.sleep(0.25)
    if status != "succeeded":
        raise Wrong(f"the execution has {status}")
    return (moment(last) - moment(first)).total_seconds()


def _require_whole(database: Database, execution_id: str, items: int) -> None:
    statement = (
        "SELECT s.kind, count(*), sum(CASE WHEN s.status = 'succeeded' THEN 1 ELSE 0 END) "
        "FROM step_executions s JOIN executions e ON e.id = s.execution_id "
        "WHERE e.parent_id = ? GROUP BY s.kind"
    )
    counted = {kind: (number, good) for kind, number, good in database.rows(statement, execution_id)}
    wanted = {"item": (items, items), "action": (items, items)}
    if counted != wanted:
        raise Wrong(f"{items} items left {counted}")


@contextmanager
def _place(folder: Path, name: str, stack: ExitStack) -> Iterator[Place]:
    provider = stack.enter_context(running_provider(WAIT_S))
    with running_stack(
        folder, name, allow=provider.removeprefix("http://"), PYTHONPATH=str(LEDGER_PLUGIN)
    ) as whole:
        member = new_member(whole.hub, "Loops")
        body = {"name": "main", "credential": {"api_key": "none"}, "base_url": provider}
        member.ask("POST", "/api/integrations/ledger/connections", body)
        yield Place(member=member, database=whole.database, provider=provider)


def _measure(items: int, rounds: int) -> dict[str, Any]:
    ideal_s = items * WAIT_S / CONCURRENCY
    found: dict[str, float] = {}
    with own_folder() as folder:
        for name in STACKS:
            with ExitStack() as stack, _place(folder, name, stack) as place:
                for how in STEPS:
                    _run(place, how, CONCURRENCY)
                    times = [_run(place, how, items) for _ in range(rounds)]
                    found[f"{how}_{name}"] = median(times)
                    if how == "http":
                        bare = [seconds_of_calls(place.provider, items, CONCURRENCY) for _ in range(rounds)]
                        found[f"calls_{name}"] = median(bare)
                    print(
                        f"{name:<9} {how:<7} {median(times):6.2f} s   {median(times) / ideal_s:5.2f} x ideal",
                        flush=True,
                    )
    rows = [(name, f"{seconds:.2f}", f"{seconds / ideal_s:.2f}") for name, seconds in found.items()]
    print("\n" + table(("", "seconds", "times the ideal"), rows) + "\n")
    figures: dict[str, Any] = {"items": items, "ideal_s": ideal_s}
    figures |= {f"seconds_{name}": round(seconds, 2) for name, seconds in found.items()}
    figures |= {f"ratio_to_ideal_{name}": round(seconds / ideal_s, 3) for name, seconds in found.items()}
    return figures | {
        f"ratio_to_calls_{name}": round(found[f"http_{name}"] / found[f"calls_{name}"], 3) for name in STACKS
    }


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="2,000 items once instead of 10,000 three times")
    given = parser.parse_args()
    finish(lambda: _measure(2_000, 1) if given.quick else _measure(10_000, 3))


if __name__ == "__main__":
    main()
