"""How fast a synchronous webhook is, as a share of an echo that stores nothing, on SQLite and PostgreSQL.

Run: python benchmarks/webhook.py [--quick]. The last line is one JSON object; rates are 2xx per second,
times are milliseconds. Needs wrk.
"""

import argparse
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cpu import per_request_us, used_s
from bench.ending import Wrong, finish
from bench.figures import median, table
from bench.load import Load, plain_load, require_wrk, signed_load
from bench.rows import Database, Postgresql, Rows, Sqlite, misses, settled_rows
from bench.servers import (
    new_database,
    own_folder,
    running_echo,
    running_hub,
    running_postgres,
)
from bench.workflows import Hook, new_member, probe, publish, yardstick

CROWD = 50
FEW = 10


@dataclass(slots=True, kw_only=True)
class Contender:
    """One hub under load, and what was measured of it by number of connections."""

    name: str
    database: Database
    hook: Hook
    neighbor: Hook
    loads: dict[int, list[Load]] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)
    processes: dict[int, str]
    cpu_us: dict[str, int] = field(default_factory=dict)
    counted: int = 0
    probes: int = 0

    def ask_once(self) -> None:
        """Hold one answer against what it must be, of either tenant."""
        self.probes += 1
        for hook in (self.hook, self.neighbor):
            probe(hook, f"probe_{self.name}_{self.probes}", int(time.time()))

    def load(self, connections: int, seconds: int, expected: float) -> Load:
        """Load the hub, then count what it kept."""
        before = settled_rows(self.database, self.hook.workflow_id)
        used = used_s(self.processes)
        runs = signed_load(self.hook.url, self.hook.secret, connections, seconds, expected=expected)
        if connections == CROWD:
            self.cpu_us = per_request_us(used, used_s(self.processes), sum(run.good for run in runs))
        made = settled_rows(self.database, self.hook.workflow_id).since(before)
        _require(self.name, runs, made)
        self.counted += made.executions
        self.loads.setdefault(connections, []).append(runs[-1])
        return runs[-1]

    def check_neighbor(self) -> None:
        """Require that the other tenant has its probes and nothing else."""
        wrong = misses(settled_rows(self.database, self.neighbor.workflow_id), self.probes)
        if wrong:
            raise Wrong(f"{self.name}, the other tenant: {'; '.join(wrong)}")


def _require(name: str, runs: list[Load], made: Rows) -> None:
    cut = sum(run.connections for run in runs)
    # Of a run that was cut short for want of signatures, the last requests went out unsigned.
    wrong = [*runs[-1].problems(), *misses(made, sum(run.good for run in runs), cut=cut)]
    if wrong:
        raise Wrong(f"{name}: {'; '.join(wrong)}")


def _contender(
    stack: ExitStack,
    name: str,
    folder: Path,
    database: Database,
    servers: dict[int, str],
    **settings: str,
) -> Contender:
    hub = stack.enter_context(running_hub(folder, **settings))
    hooks = [publish(new_member(hub, tenant), yardstick("result")) for tenant in ("Loaded", "Neighbor")]
    return Contender(
        name=name,
        database=database,
        hook=hooks[0],
        neighbor=hooks[1],
        processes={hub.process.pid: "hub", **servers},
    )


def _contenders(stack: ExitStack, folder: Path) -> list[Contender]:
    server = stack.enter_context(running_postgres(folder))
    url = new_database(server, "hub")
    return [
        _contender(stack, "sqlite", folder / "sqlite", Sqlite(folder / "sqlite" / "hub.db"), {}),
        _contender(
            stack,
            "postgresql",
            folder / "postgresql",
            Postgresql(server.url("hub")),
            {server.pid: "database"},
            REVOLUTION_DATABASE_URL=url,
        ),
    ]


def _echo(url: str, connections: int, seconds: int) -> Load:
    load = plain_load(url, connections, seconds)
    if load.problems():
        raise Wrong(f"echo: {'; '.join(load.problems())}")
    return _tell("echo", load)


def _tell(name: str, load: Load, share: float | None = None) -> Load:
    of_echo = "" if share is None else f"   {share:6.1%} of the echo"
    print(
        f"{name:<11} c={load.connections:<3} {load.rate:8.0f}/s   p50 {load.p50_ms:7.2f} ms   "
        f"p99 {load.p99_ms:8.2f} ms{of_echo}",
        flush=True,
    )
    return load


def _rounds(echo_url: str, contenders: list[Contender], rounds: int, seconds: int) -> list[Load]:
    """Take turns: each hub's run stands between two of the echo and is divided by the faster one.

    Whatever else the machine did during one run of the echo can then not make the hub look better.
    """
    echoes = [_echo(echo_url, CROWD, seconds)]
    for _ in range(rounds):
        for one in contenders:
            load = one.load(CROWD, seconds, expected=echoes[-1].rate)
            echoes.append(_echo(echo_url, CROWD, seconds))
            one.shares.append(load.rate / max(echo.rate for echo in echoes[-2:]))
            _tell(one.name, load, one.shares[-1])
    return echoes


def _measure(rounds: int, seconds: int) -> dict[str, Any]:
    require_wrk()
    with own_folder() as folder, ExitStack() as stack:
        echo_url = stack.enter_context(running_echo())
        contenders = _contenders(stack, folder)
        for one in contenders:
            one.ask_once()
            # The first requests pay for imports and connections; they are counted and not measured.
            one.load(CROWD, 1, expected=2000)
            one.loads.clear()
        _echo(echo_url, CROWD, 1)
        echoes = _rounds(echo_url, contenders, rounds, seconds)
        quiet = _echo(echo_url, 1, seconds)
        for connections in (1, FEW):
            for one in contenders:
                _tell(one.name, one.load(connections, seconds, expected=echoes[-1].rate))
        for one in contenders:
            one.ask_once()
            one.check_neighbor()
        return _figures(echoes, quiet, contenders)


def _figures(echoes: list[Load], quiet: Load, contenders: list[Contender]) -> dict[str, Any]:
    echo_rps = median(load.rate for load in echoes)
    rows = [("echo", f"{quiet.p50_ms:.2f}", "", f"{echo_rps:.0f}", "", "", "100 %")]
    figures: dict[str, Any] = {}
    for one in contenders:
        crowd, few, (alone,) = one.loads[CROWD], one.loads[FEW][0], one.loads[1]
        rps, p50, p99 = (
            median(getattr(load, what) for load in crowd) for what in ("rate", "p50_ms", "p99_ms")
        )
        share = median(one.shares)
        rows.append(
            (
                one.name,
                f"{alone.p50_ms:.2f}",
                f"{few.rate:.0f}",
                f"{rps:.0f}",
                f"{p50:.2f}",
                f"{p99:.2f}",
                f"{share:.1%}",
            )
        )
        figures |= {
            f"ratio_to_echo_{one.name}": round(share, 4),
            f"p50_ms_c1_{one.name}": round(alone.p50_ms, 2),
            f"rps_{one.name}": round(rps),
            f"rps_c10_{one.name}": round(few.rate),
            f"rps_c1_{one.name}": round(alone.rate),
            f"p50_ms_c50_{one.name}": round(p50, 2),
            f"p99_ms_c50_{one.name}": round(p99, 2),
            f"executions_counted_{one.name}": one.counted,
            f"cpu_us_{one.name}": one.cpu_us,
        }
    head = ("", "c=1 p50 ms", "c=10 /s", "c=50 /s", "c=50 p50 ms", "c=50 p99 ms", "of echo")
    print("\n" + table(head, rows) + "\n")
    for one in contenders:
        spent = ", ".join(f"{name} {us} µs" for name, us in one.cpu_us.items())
        print(f"{one.name}: processor time for a request at c={CROWD}: {spent}")
    print()
    return {**figures, "echo_rps": round(echo_rps), "echo_p50_ms_c1": round(quiet.p50_ms, 2)}


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="runs of 3 seconds instead of 10")
    parser.add_argument("--rounds", type=int, default=3, help="how often they take turns (3)")
    given = parser.parse_args()
    finish(lambda: _measure(given.rounds, 3 if given.quick else 10))


if __name__ == "__main__":
    main()
