"""The engine under everything at once: crashes, late finishes, lost wake-ups, duplicates, a clock that jumps.

Workflows of every control word are started and driven while the machine pulls the plug at random places. In
the end all must have come to the result they have on a quiet day, with no effect twice.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from revolution_hub.engine.drive import drive
from revolution_hub.engine.recover import replace_worker, sweep
from revolution_hub.model.status import ENDED
from revolution_hub.services.executions import Verdict, cancel_execution, resolve_step
from revolution_hub.services.starts import execute_workflow
from revolution_hub.store import tables as t
from revolution_sdk.connector import Found
from revolution_sdk.errors import RejectedError, RetryableError

EXAMPLES = {"sqlite": 12, "postgresql": 4}
STEPS = 30
ROUNDS = 60
LONG_S = 7200.0
LAST_COMMIT_S = 10.0
WORKERS = ("wrk_1", "wrk_2", "wrk_3")

SEND = {"id": "send", "uses": "lab.send_letter", "with": {"n": "{{ inputs.n }}"}}
PUT = {"id": "put", "uses": "lab.put_page", "with": {"n": "{{ inputs.n }}"}}
READ = {"id": "read", "uses": "lab.read_page", "with": {"n": "{{ inputs.n }}"}}
POST = {"id": "post", "uses": "lab.post_letter", "with": {"n": "{{ inputs.n }}"}}


def _finish(template: str) -> dict[str, Any]:
    return {"finish": {"output": template}}


WORKFLOWS: dict[str, tuple[list[Any], Callable[[int], Any]]] = {
    "in a row": (
        [READ, PUT, SEND, _finish("{{ steps.put.n + steps.send.n + steps.read.n }}")],
        lambda n: 3 * n,
    ),
    "branches": (
        [
            {"id": "fan", "parallel": {"left": [SEND], "right": [{"wait": {"for": "10m"}}, PUT]}},
            _finish("{{ steps.fan.left.send.n + steps.fan.right.put.n }}"),
        ],
        lambda n: 2 * n,
    ),
    "items": (
        [
            {
                "id": "each",
                "for_each": "{{ inputs.list }}",
                "concurrency": 2,
                "steps": [
                    {"id": "put", "uses": "lab.put_page", "with": {"n": "{{ item }}"}},
                    {"id": "send", "uses": "lab.send_letter", "with": {"n": "{{ item }}"}},
                ],
                "result": "{{ steps.send.n }}",
            },
            _finish("{{ steps.each.items }}"),
        ],
        lambda n: [n, n + 1, n + 2, n + 3, n + 4],
    ),
    "provided for": (
        [
            {"id": "bad", "uses": "lab.read_page", "with": {"n": -1}, "on_error": {"continue": {"n": 5}}},
            {"id": "way", "switch": "{{ steps.bad.n }}", "cases": {"5": [SEND]}, "default": [{"set": {}}]},
            _finish("{{ steps.send.n }}"),
        ],
        lambda n: n,
    ),
    "called": (
        [{"id": "sub", "call": "helper", "with": {"n": "{{ inputs.n }}"}}, _finish("{{ steps.sub }}")],
        lambda n: n,
    ),
    "looked up": ([POST, _finish("{{ steps.post.n }}")], lambda n: n),
}
HELPER = [PUT, {"wait": {"for": "1m"}}, SEND, _finish("{{ steps.send.n }}")]


class Chaos(RuleBasedStateMachine):
    """Workers that come and go. `faults` is what happens in the next calls of actions, in turn."""

    def __init__(self, bench: Any, script: Any) -> None:
        super().__init__()
        self.bench, self.script, self.clock = bench, script, bench.clock
        self.begun = bench.clock.now
        self.workers = {name: bench.as_(name) for name in WORKERS}
        self.faults: list[str] = []
        self.quiet = False
        self.late: list[tuple[Any, Any]] = []
        self.started: dict[str, tuple[str, int]] = {}
        self.cancelled: set[str] = set()
        self.done: dict[str, list[Any]] = defaultdict(list)
        self.lock = threading.Lock()
        script.calls.clear()
        for name in ("read_page", "put_page", "send_letter", "post_letter"):
            script.plays[name] = _Endless(lambda ctx, value, name=name: self.act(name, ctx, value))
        script.plays["confirm"] = _Endless(self.confirm)
        with bench.hub.store.begin_across() as tx:
            for table in (t.executions, t.step_executions, t.attempts, t.workflows, t.workflow_versions):
                tx.conn.execute(sa.delete(table))
        bench.publish(*HELPER, name="helper")
        self.ids = {
            name: bench.publish(*steps, name=name.replace(" ", "-")).workflow.id
            for name, (steps, _) in WORKFLOWS.items()
        }

    def act(self, name: str, ctx: Any, value: Any) -> Any:
        """One call of an action: done, and counted under its key, unless a fault comes before that."""
        fault = self.faults.pop(0) if self.faults and not self.quiet else "none"
        if value["n"] == -1:
            raise RejectedError("never", code="never")
        if fault == "refused":
            raise RetryableError("later", retry_after_s=5)
        if fault == "before":
            self.die(ctx)
            # Whoever is dead does nothing any more.
            raise _Gone
        with self.lock:
            self.done[f"{name} {ctx.idempotency_key}"].append(value["n"])
        if fault == "after":
            self.die(ctx)
        return {"n": value["n"]}

    def confirm(self, ctx: Any, value: Any) -> Any:
        known = self.done.get(f"post_letter {ctx.idempotency_key}")
        return {"n": known[0]} if known else Found.ABSENT

    def die(self, ctx: Any) -> None:
        """Declare every worker dead. A commit under way that nobody waits for may come first."""
        execution_id = ctx.idempotency_key.partition(".")[0]
        give_up_s = time.monotonic() + LAST_COMMIT_S
        while self.bench.look(execution_id).status == "running":
            assert time.monotonic() < give_up_s
            for name in WORKERS:
                replace_worker(self.bench.hub, name)

    @rule(name=st.sampled_from(sorted(WORKFLOWS)), n=st.integers(1, 9), twice=st.booleans())
    def start(self, name: str, n: int, twice: bool) -> None:
        data = {"n": n, "list": [n, n + 1, n + 2, n + 3, n + 4]}
        key = f"{name} {len(self.started)}"
        execution_id, new = execute_workflow(self.bench.hub, self.bench.principal, self.ids[name], data, key)
        assert new
        self.started[execution_id] = (name, n)
        if twice:
            again = execute_workflow(self.bench.hub, self.bench.principal, self.ids[name], data, key)
            assert again == (execution_id, False)

    @rule(
        worker=st.sampled_from(WORKERS),
        faults=st.lists(st.sampled_from(["none", "refused", "before", "after"]), max_size=3),
    )
    def work(self, worker: str, faults: list[str]) -> None:
        self.faults = faults
        bench = self.workers[worker]
        execution = bench.claim() or bench.claim(isolated=True)
        if execution is not None:
            self.driven(bench, execution)

    @rule(worker=st.sampled_from(WORKERS))
    def fall_asleep(self, worker: str) -> None:
        """A worker stops right behind its claim; it goes on later, when others may have gone on before it."""
        execution = self.workers[worker].claim()
        if execution is not None:
            self.late.append((self.workers[worker], execution))

    @precondition(lambda self: self.late)
    @rule()
    def wake_up_late(self) -> None:
        self.driven(*self.late.pop(0))

    def driven(self, bench: Any, execution: Any) -> None:
        drive(bench.hub, bench.watch, execution)

    @rule(seconds=st.sampled_from([1, 6, 31, 601, -60]))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)
        sweep(self.bench.hub)

    @rule(worker=st.sampled_from(WORKERS))
    def kill(self, worker: str) -> None:
        replace_worker(self.bench.hub, worker)

    @precondition(lambda self: self.started)
    @rule(number=st.integers(0, 99))
    def cancel(self, number: int) -> None:
        execution_id = sorted(self.started)[number % len(self.started)]
        if number % 3 == 0 and not self.bench.look(execution_id).execution.ended:
            cancel_execution(self.bench.hub, self.bench.principal, execution_id)
            self.cancelled.add(execution_id)

    def teardown(self) -> None:
        """Let the faults end and time pass; then everything must have come to its right end."""
        self.quiet = True
        while self.late:
            self.driven(*self.late.pop(0))
        for _ in range(ROUNDS):
            self.bench.pass_time(LONG_S)
            if not self.resolve_all() and not self.open_rows():
                break
        assert self.open_rows() == []
        for execution_id, (name, n) in self.started.items():
            self.judge(execution_id, name, n)
        self.judge_effects()
        self.clock.now = self.begun

    def open_rows(self) -> list[Any]:
        with self.bench.hub.store.read_across() as tx:
            columns = (t.executions.c.id, t.executions.c.status, t.executions.c.wait_reason)
            return [tuple(row) for row in tx.conn.execute(sa.select(*columns)) if row.status not in [*ENDED]]

    def resolve_all(self) -> int:
        """Say of every uncertain step what really happened."""
        with self.bench.hub.store.read_across() as tx:
            steps = t.step_executions
            query = sa.select(steps.c.execution_id, steps.c.step_id, steps.c.uses, steps.c.input).join(
                t.executions, t.executions.c.id == steps.c.execution_id
            )
            query = query.where(steps.c.status == "uncertain", t.executions.c.status == "waiting")
            uncertain = tx.conn.execute(query).all()
        for execution_id, step_id, uses, value in uncertain:
            happened = self.done.get(f"{uses.partition('.')[2]} {execution_id}.{step_id}")
            verdict = Verdict.HAPPENED if happened else Verdict.DID_NOT_HAPPEN
            result = {"n": value["n"]} if happened else None
            resolve_step(self.bench.hub, self.bench.principal, execution_id, step_id, verdict, result)
        return len(uncertain)

    def judge(self, execution_id: str, name: str, n: int) -> None:
        seen = self.bench.look(execution_id)
        if execution_id in self.cancelled:
            assert seen.status == "cancelled"
        elif seen.status == "succeeded":
            assert seen.execution.output == WORKFLOWS[name][1](n)
        else:
            # A step that took three workers with it, or was refused too often, has failed and says so.
            assert (seen.status, seen.execution.error["code"]) in {
                ("failed", "crashed"),
                ("failed", "retryable"),
            }

    def judge_effects(self) -> None:
        """What must happen once has happened at most once, and all that has one key is the same."""
        for key, effects in self.done.items():
            if key.startswith(("send_letter", "post_letter")):
                assert len(effects) == 1, key
            assert len(set(effects)) == 1, key
        with self.bench.hub.store.read_across() as tx:
            rows = tx.conn.execute(
                sa.select(t.executions.c.parent_id, t.executions.c.parent_step, t.executions.c.place)
            )
            children = Counter(tuple(row) for row in rows if row.parent_id is not None)
        assert all(count == 1 for count in children.values())


class _Gone(BaseException):
    """Ends a thread whose worker is dead."""


class _Endless(list[Any]):
    """A play that is never used up."""

    def __init__(self, play: Callable[..., Any]) -> None:
        super().__init__([play])

    def pop(self, _: Any = 0) -> Any:
        return self[0]


def test_whatever_happens_everything_comes_to_its_right_end_and_no_effect_happens_twice(
    backend: str, bench: Any, script: Any
) -> None:
    if backend == "sqlite":
        # Nobody pulls the plug of the machine here.
        sa.event.listen(
            bench.hub.store.engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF")
        )
        bench.hub.store.engine.dispose()
    run_state_machine_as_test(
        lambda: Chaos(bench, script),
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
        ),
    )
