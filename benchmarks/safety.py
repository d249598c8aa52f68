"""What each safety costs: how many executions a second there are with it and without.

Run: python benchmarks/safety.py [--quick]. The last line is one JSON object; a share is the rate with the
safety divided by the rate without. The engine is driven in this process, by one thread and by eight, over
SQLite and over PostgreSQL. What the product has no switch for is switched here, around it.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.ending import Wrong, finish
from bench.figures import median, table
from bench.inside import EFFECTS, PROCESS, Inside, inside, new_home
from bench.servers import Postgres, own_folder, running_postgres
from revolution_hub.engine.run import Run
from revolution_hub.engine.watch import Watch
from revolution_hub.model.change import Applied, Move, Take
from revolution_hub.store.submit import submit
from revolution_sdk import Json

CALLS = 5
THREADS = (1, 8)
_LOOSE = {"sqlite": "PRAGMA synchronous=NORMAL", "postgresql": "SET synchronous_commit = off"}
_ASKED = {"sqlite": ("PRAGMA synchronous", 1, 2), "postgresql": ("SHOW synchronous_commit", "off", "on")}
"""How a connection is asked whether it waits for the disk, and what no and yes are called."""


@dataclass(slots=True, kw_only=True)
class Case:
    """A way to run a workflow of five steps: by which hub, and what of it is recorded."""

    bench: Inside
    workflow_id: str
    recorded: int = CALLS
    watch: Watch | None = None
    rates: dict[int, list[float]] = field(default_factory=lambda: {one: [] for one in THREADS})

    def run(self, number: int, threads: int) -> None:
        """Start the executions, then time how fast they are claimed and driven; each must be there, whole."""
        ids = self.bench.start(self.workflow_id, number)
        begun_s = time.perf_counter()
        self.bench.work(number, threads, self.watch)
        self.rates[threads].append(number / (time.perf_counter() - begun_s))
        self.bench.require(ids, self.recorded)


class LastWords(Watch):
    """Commits what a drive notes last and waits for it, with the steps' records or without them."""

    def __init__(self, bench: Inside, *, records: bool) -> None:
        super().__init__(bench.hub, PROCESS)
        self._records = records

    def settle(self, run: Run, move: Move, take: Take | None = None) -> None:
        """Commit the move, and the steps only if they are to be recorded."""
        change = run.pending(move, take)
        outcome = submit(self.hub.store, change if self._records else replace(change, steps=(), attempts=()))
        if not isinstance(outcome, Applied):
            raise Wrong(f"an execution could not be ended: {outcome}")


@dataclass(frozen=True, slots=True)
class Safety:
    """One safety: what it is, and the names of the cases with it and without."""

    what: str
    with_it: str
    without: str


SAFETIES = {
    "disk": Safety("every commit waits for the disk (a once call)", "once", "once_loose"),
    "disk_pure": Safety("every commit waits for the disk (pure steps)", "pure", "pure_loose"),
    "read": Safety("a read call is shown before it is made", "read", "pure"),
    "repeatable": Safety("the attempt is committed before a repeatable call", "repeatable", "pure"),
    "once": Safety("the attempt is committed before a once call, its outcome behind it", "once", "pure"),
    "records": Safety("pure steps are recorded (actions)", "recorded", "unrecorded"),
    "records_set": Safety("pure steps are recorded (set)", "recorded_set", "unrecorded_set"),
}


def call_steps(effect: str) -> list[Json]:
    """Return five calls of the same action, declared with this effect."""
    return [
        {"id": f"s{number}", "uses": f"bench.count_{effect}", "with": {"n": number}}
        for number in range(CALLS)
    ]


def set_steps() -> list[Json]:
    """Return five `set` steps."""
    return [{"id": f"s{number}", "set": {"n": f"{{{{ {number} + 1 }}}}"}} for number in range(CALLS)]


def loosen(bench: Inside) -> None:
    """Let the connections the hub opens from now on commit without waiting for the disk."""
    engine = bench.hub.store.engine
    statement = _LOOSE[bench.hub.store.dialect]

    def loose(dbapi: Any, _: Any) -> None:
        cursor = dbapi.cursor()
        cursor.execute(statement)
        cursor.close()

    # Those it has opened for its tables wait for the disk.
    engine.dispose()
    sa.event.listen(engine, "connect", loose)


def require_durable(bench: Inside, *, durable: bool) -> None:
    """Raise Wrong unless the hub's connections wait for the disk, or do not, as they are meant to."""
    question, no, yes = _ASKED[bench.hub.store.dialect]
    with bench.hub.store.begin(bench.principal.tenant_id) as tx:
        answer = tx.conn.exec_driver_sql(question).scalar_one()
    if answer != (yes if durable else no):
        raise Wrong(f"{question} says {answer}")


@contextmanager
def _places(folder: Path, server: Postgres | None) -> Iterator[tuple[Inside, Inside]]:
    """Run two hubs: one as it is, and one that does not wait for the disk."""
    with ExitStack() as stack:
        benches = [stack.enter_context(inside(*new_home(folder, one, server))) for one in ("safe", "loose")]
        safe, loose = benches
        loosen(loose)
        require_durable(safe, durable=True)
        require_durable(loose, durable=False)
        yield safe, loose


def make_cases(safe: Inside, loose: Inside) -> dict[str, Case]:
    """Publish the workflows and return every case by its name."""
    cases = {one: Case(bench=safe, workflow_id=safe.publish(one, call_steps(one))) for one in EFFECTS}
    for effect in ("once", "pure"):
        cases[f"{effect}_loose"] = Case(bench=loose, workflow_id=loose.publish(effect, call_steps(effect)))
    sets = safe.publish("set", set_steps())
    for name, workflow_id in (("", cases["pure"].workflow_id), ("_set", sets)):
        for records in (True, False):
            cases[f"{'' if records else 'un'}recorded{name}"] = Case(
                bench=safe,
                workflow_id=workflow_id,
                recorded=CALLS if records else 0,
                watch=LastWords(safe, records=records),
            )
    return cases


def share(cases: dict[str, Case], safety: Safety, threads: int) -> float:
    """Return the rate with the safety divided by that without, the median of the rounds."""
    pairs = zip(cases[safety.with_it].rates[threads], cases[safety.without].rates[threads], strict=True)
    return median([with_it / without for with_it, without in pairs])


def _visit(folder: Path, name: str, rounds: int, number: Callable[[int], int]) -> dict[str, Any]:
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(folder)) if name == "postgresql" else None
        cases = make_cases(*stack.enter_context(_places(folder, server)))
        for case in cases.values():
            case.run(max(THREADS), max(THREADS))
            case.rates[max(THREADS)].clear()
        for turn in range(rounds):
            for threads in THREADS:
                # There and back, so that none always has the same neighbors in time.
                for case in list(cases.values())[:: 1 if turn % 2 == 0 else -1]:
                    case.run(number(threads), threads)
    figures: dict[str, Any] = {f"executions_counted_{name}": sum(map(number, THREADS)) * rounds * len(cases)}
    rows = []
    for key, safety in SAFETIES.items():
        row = [safety.what]
        for threads in THREADS:
            told = share(cases, safety, threads)
            rates = [median(cases[one].rates[threads]) for one in (safety.with_it, safety.without)]
            figures[f"share_{key}_{name}_{threads}"] = round(told, 4)
            figures[f"rates_{key}_{name}_{threads}"] = [round(one) for one in rates]
            row += [f"{rates[0]:.0f}", f"{rates[1]:.0f}", f"{told:.0%}"]
        rows.append(row)
    head = [name, *(f"{what}, {one}" for one in THREADS for what in ("with", "without", "share"))]
    print(table(head, rows) + "\n", flush=True)
    return figures


def _measure(rounds: int, number: Callable[[int], int]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    print("executions of five steps a second, by the threads that drive them\n", flush=True)
    with own_folder() as folder:
        for name in ("sqlite", "postgresql"):
            figures |= _visit(folder, name, rounds, number)
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of fewer executions instead of three")
    given = parser.parse_args()
    if given.quick:
        finish(lambda: _measure(1, lambda threads: 15 * threads))
    finish(lambda: _measure(3, lambda threads: 60 * threads))


if __name__ == "__main__":
    main()
