"""Whatever befalls an action and its sub-steps, each is done once and the action comes to its result."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.services.executions import Verdict, resolve_step
from revolution_sdk import Found, RetryableError, UnknownOutcomeError

ACTIONS = ("send_letter", "post_letter", "read_page", "compute_sum")
ONCE = ("send_letter", "post_letter")
MOST_ROUNDS = 80


@dataclass(frozen=True)
class Part:
    """One sub-step, what befalls it the first time, and whether the worker vanishes right before it.

    `lost` and `vanish` are workers that die during the call, before and after its effect.
    """

    what: str
    trouble: str
    vanish_before: bool


@dataclass(repr=False)
class World:
    """What was really done, by idempotency key, and what went wrong already.

    `returned` are the sub-steps whose result the action was given; what is done `again` must not be.
    """

    bench: Any
    script: Any
    parts: list[Part]
    effects: Counter[str] = field(default_factory=Counter)
    done: set[tuple[str, int]] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    again: list[str] = field(default_factory=list)
    execution_id: str = ""

    def first(self, what: str, at: int) -> bool:
        known = (what, at) in self.done
        self.done.add((what, at))
        return not known

    def vanish(self) -> None:
        self.bench.die()

    def outer(self, ctx: Any, value: Any) -> Any:
        results = []
        for at, part in enumerate(self.parts):
            if part.vanish_before and self.first("before", at):
                self.vanish()
            if part.what == "record":
                results.append(ctx.record(f"p{at}", lambda at=at, part=part: self.make(at, part)))
            else:
                results.append(ctx.call(f"lab.{part.what}", {"at": at}, name=f"p{at}")["n"])
            if part.what != "compute_sum":
                self.returned.add(f"plan/p{at}")
        return {"all": results}

    def make(self, at: int, part: Part) -> int:
        self.note(f"plan/p{at}")
        if part.trouble == "vanish" and self.first("trouble", at):
            self.vanish()
        return at

    def note(self, key: str) -> None:
        recorded = self.bench.look(self.execution_id).steps.get(key)
        if key in self.returned or (recorded is not None and recorded.status == "succeeded"):
            self.again.append(key)

    def inner(self, ctx: Any, value: Any) -> Any:
        at = value["at"]
        self.note(f"plan/p{at}")
        trouble = self.parts[at].trouble if self.first("trouble", at) else ""
        if trouble == "retry":
            raise RetryableError("later", retry_after_s=2)
        if trouble == "lost":
            self.vanish()
            return {"n": -1}
        self.effects[ctx.idempotency_key] += 1
        if trouble == "dark":
            raise UnknownOutcomeError("no answer")
        if trouble == "vanish":
            self.vanish()
        return {"n": at}

    def confirm(self, ctx: Any, value: Any) -> Any:
        return {"n": value["at"]} if self.effects[ctx.idempotency_key] else Found.ABSENT

    def run(self) -> Any:
        self.script.plays = {
            "put_page": [self.outer] * 100,
            "confirm": [self.confirm] * 100,
            **{action: [self.inner] * 100 for action in ACTIONS},
        }
        self.execution_id = self.bench.start({"id": "plan", "uses": "lab.put_page"})
        for _ in range(MOST_ROUNDS):
            self.bench.work()
            seen = self.bench.look(self.execution_id)
            if seen.execution.ended:
                return seen
            if seen.waits_for == "uncertain":
                self.answer(seen.execution.wait_on)
            else:
                self.bench.pass_time(61)
        raise AssertionError("it never ended")

    def answer(self, key: str) -> None:
        """A person looks what is true, and says so."""
        happened = bool(self.effects[f"{self.execution_id}.{key}"])
        verdict = Verdict.HAPPENED if happened else Verdict.DID_NOT_HAPPEN
        result = {"n": int(key.removeprefix("plan/p"))} if happened else None
        resolve_step(self.bench.hub, self.bench.principal, self.execution_id, key, verdict, result)


PARTS = st.lists(
    st.builds(
        Part,
        what=st.sampled_from([*ACTIONS, "record"]),
        trouble=st.sampled_from(["", "", "retry", "dark", "lost", "vanish"]),
        vanish_before=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=6,
)


def test_no_sub_step_that_succeeded_is_done_again_and_the_result_is_right(bench: Any, script: Any) -> None:
    @settings(max_examples=12, deadline=None, derandomize=True, database=None)
    @given(parts=PARTS)
    def hold(parts: list[Part]) -> None:
        world = World(bench, script, parts)
        seen = world.run()
        assert seen.status == "succeeded", seen.execution.error
        assert seen.steps["plan"].output == {"all": list(range(len(parts)))}
        assert world.again == []
        for at, part in enumerate(parts):
            assert seen.step(f"plan/p{at}") == "succeeded"
            if part.what in ONCE:
                assert world.effects[f"{seen.execution.id}.plan/p{at}"] == 1

    hold()
