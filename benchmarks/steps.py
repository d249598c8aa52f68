"""What a step costs in a workflow of one step and in one of two thousand: no more the later it comes.

Run: python benchmarks/steps.py [--quick]. The last line is one JSON object. The engine is driven in this
process over SQLite and over PostgreSQL, from the start of an execution to its end. `ratio` is the cost of a
workflow of 1,000 steps divided by 1,000 times that of one step; `growth` is what each further step costs from
1,000 to 2,000, divided by what each costs from 10 to 100.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ending import Wrong, finish
from bench.figures import median, table
from bench.inside import Inside, inside, new_home
from bench.servers import own_folder, running_postgres
from revolution_sdk import Json

SIZES = (1, 10, 100, 1_000, 2_000)
TIMES = {1: 100, 10: 40, 100: 12, 1_000: 3, 2_000: 2}
"""How often a workflow of this size is run in one round."""
QUICK_TIMES = {1: 20, 10: 10, 100: 4, 1_000: 1, 2_000: 1}
QUICK_KINDS = ("set", "branches", "pure")
DEEP = 5


@dataclass(slots=True)
class Cost:
    """Seconds of one execution, by round: of this process's processor, and by the clock."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def set_step(number: int, before: str | None) -> Json:
    """Return a `set` that reads the step before it and the first one."""
    value = f"{{{{ steps.{before}.n{number - 1} + steps.s1.n1 }}}}" if before else 1
    return {"id": f"s{number}", "set": {f"n{number}": value}}


def pure_step(number: int, before: str | None) -> Json:
    """Return a pure action that counts on from the step before it."""
    return {"id": f"s{number}", "uses": "bench.count_pure", "with": {"n": _counted(before)}}


def read_step(number: int, before: str | None) -> Json:
    """Return a reading action that counts on from the step before it."""
    return {"id": f"s{number}", "uses": "bench.count_read", "with": {"n": _counted(before)}}


def _counted(before: str | None) -> Json:
    return f"{{{{ steps.{before}.n }}}}" if before else 0


def chain(step: Callable[[int, str | None], Json], length: int) -> list[Json]:
    """Return `length` steps, each of which reads the one before it."""
    return [step(number, f"s{number - 1}" if number > 1 else None) for number in range(1, length + 1)]


def branched(length: int) -> list[Json]:
    """Return a chain of `length` steps within branches within each other, as many as that leaves room for.

    The branches count as steps: `length` is what is recorded in all.
    """
    deep = min(DEEP, length - 1)
    steps: list[Json] = chain(set_step, length - deep)
    for depth in range(deep, 0, -1):
        steps = [{"id": f"b{depth}", "if": "{{ true }}", "then": steps}]
    return steps


KINDS: dict[str, Callable[[int], list[Json]]] = {
    "set": lambda length: chain(set_step, length),
    "branches": branched,
    "pure": lambda length: chain(pure_step, length),
    "read": lambda length: chain(read_step, length),
}


def run_once(bench: Inside, workflow_id: str) -> tuple[str, float, float]:
    """Run a workflow from its start to its end; return the execution's id and what it cost."""
    gc.collect()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    (execution_id,) = bench.start(workflow_id)
    (claimed,) = bench.claim(1)
    bench.drive(claimed)
    return execution_id, time.process_time() - cpu_s, time.perf_counter() - wall_s


def measure_kind(bench: Inside, kind: str, rounds: int, times: dict[int, int]) -> tuple[dict[int, Cost], int]:
    """Run workflows of every size in turn; return what each cost and how many executions were counted."""
    names = {size: bench.publish(f"{kind} {size}", KINDS[kind](size)) for size in SIZES}
    costs = {size: Cost() for size in SIZES}
    counted = 0
    # Whatever is compiled and cached at first is so for all.
    for size in SIZES:
        run_once(bench, names[size])
    for turn in range(rounds):
        # There and back: what the machine does meanwhile meets small and large ones.
        for size in SIZES if turn % 2 == 0 else reversed(SIZES):
            runs = [run_once(bench, names[size]) for _ in range(times[size])]
            bench.require([one for one, _, _ in runs], size)
            require_result(bench, runs[-1][0], kind, size)
            costs[size].cpu.append(median([cpu for _, cpu, _ in runs]))
            costs[size].wall.append(median([wall for _, _, wall in runs]))
            counted += len(runs)
    return costs, counted


def require_result(bench: Inside, execution_id: str, kind: str, size: int) -> None:
    """Raise Wrong unless the last step of the chain has counted all of them."""
    length = size - min(DEEP, size - 1) if kind == "branches" else size
    rows = bench.database.rows(
        "SELECT output FROM step_executions WHERE execution_id = ? AND step_id = ?",
        execution_id,
        f"s{length}",
    )
    # SQLite keeps JSON as text, which PostgreSQL's driver reads by itself.
    told = [json.loads(one) if isinstance(one, str) else one for (one,) in rows]
    if [list(one.values()) for one in told] != [[length]]:
        raise Wrong(f"the last of {length} steps left {told}")


def ratio(costs: dict[int, list[float]]) -> float:
    """Return the cost of 1,000 steps as a share of 1,000 workflows of one step, the median of the rounds."""
    return median([many / (1_000 * one) for one, many in zip(costs[1], costs[1_000], strict=True)])


def growth(costs: dict[int, list[float]]) -> float:
    """Return what each step behind the thousandth costs, divided by what each of the first hundred does."""
    late = [(more - many) / 1_000 for many, more in zip(costs[1_000], costs[2_000], strict=True)]
    early = [(many - few) / 90 for few, many in zip(costs[10], costs[100], strict=True)]
    return median(late) / median(early)


def _visit(
    folder: Path, name: str, rounds: int, times: dict[int, int], kinds: Sequence[str]
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(folder)) if name == "postgresql" else None
        url, database = new_home(folder, "steps", server)
        bench = stack.enter_context(inside(url, database))
        for kind in kinds:
            costs, counted = measure_kind(bench, kind, rounds, times)
            cpu = {size: one.cpu for size, one in costs.items()}
            wall = {size: one.wall for size, one in costs.items()}
            named = f"{kind}_{name}"
            figures[f"ratio_cpu_{named}"] = round(ratio(cpu), 4)
            figures[f"ratio_wall_{named}"] = round(ratio(wall), 4)
            figures[f"growth_cpu_{named}"] = round(growth(cpu), 3)
            figures[f"cpu_us_per_step_{named}"] = {
                str(size): round(median(one) / size * 1e6, 1) for size, one in cpu.items()
            }
            figures[f"wall_us_per_step_{named}"] = {
                str(size): round(median(one) / size * 1e6, 1) for size, one in wall.items()
            }
            figures[f"executions_counted_{named}"] = counted
            print(_line(name, kind, figures), flush=True)
    return figures


def _line(name: str, kind: str, figures: dict[str, Any]) -> str:
    told = figures[f"cpu_us_per_step_{kind}_{name}"]
    each = "  ".join(f"{size}: {us:.0f} us" for size, us in told.items())
    return f"{name:<10} {kind:<8} processor time a step, by steps: {each}"


def _measure(rounds: int, times: dict[int, int], kinds: Sequence[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with own_folder() as folder:
        for name in ("sqlite", "postgresql"):
            figures |= _visit(folder, name, rounds, times, kinds)
    rows = []
    for name in ("sqlite", "postgresql"):
        for kind in kinds:
            named = f"{kind}_{name}"
            each = [f"{us:.0f}" for us in figures[f"wall_us_per_step_{named}"].values()]
            shares = [f"{figures[f'ratio_{what}_{named}']:.3f}" for what in ("cpu", "wall")]
            rows.append((f"{name} {kind}", *each, *shares, f"{figures[f'growth_cpu_{named}']:.2f}"))
    head = ("us a step by the clock", *(f"of {size}" for size in SIZES), "cpu ratio", "wall ratio", "growth")
    print("\n" + table(head, rows) + "\n")
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="one round of fewer executions and kinds instead of five"
    )
    given = parser.parse_args()
    if given.quick:
        finish(lambda: _measure(1, QUICK_TIMES, QUICK_KINDS))
    finish(lambda: _measure(5, TIMES, list(KINDS)))


if __name__ == "__main__":
    main()
