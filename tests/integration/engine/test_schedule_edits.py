"""F28: a schedule that is edited, paused, deleted or published anew while due: only what is now counts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rig.schedules import change, fires, kept, started

from revolution_hub.bus.instants import Timing, instants
from revolution_hub.bus.schedule import fire_due, look_at
from revolution_hub.model.change import Fire
from revolution_hub.model.schedule import Schedule
from revolution_hub.model.time import parse_moment
from revolution_hub.services import schedules, versions, workflows
from revolution_hub.store.schedules import list_due
from revolution_hub.store.submit import submit

TIMINGS: list[dict[str, Any]] = [
    {"every": 60},
    {"every": 90},
    {"cron": "*/2 * * * *"},
    {"cron": "30 * * * * *"},
]
READ: list[Schedule] = [
    Schedule(every_s=60.0),
    Schedule(every_s=90.0),
    Schedule(cron="*/2 * * * *"),
    Schedule(cron="30 * * * * *"),
]
DONE = [{"set": {}}]
TICK = timedelta(microseconds=1)


@dataclass
class Told:
    """What the workflow was told to do, and since when: the oracle. No clock, no database."""

    now: datetime
    timing: int | None = None
    since: datetime | None = None
    paused: bool = False
    version: int = 0
    looks: list[tuple[datetime, int, int]] = field(default_factory=list)

    def looked(self) -> None:
        """A clock looks at what is published now."""
        if self.timing is not None and not self.paused:
            self.looks.append((self.now, self.timing, self.version))


@dataclass
class World:
    """One workflow, edited at random, and a clock that may have read it before an edit."""

    bench: Any
    told: Told
    read_before: list[Fire] = field(default_factory=list)
    workflow_id: str | None = None
    edits: int = 0

    def act(self, name: str, value: int) -> None:
        getattr(self, name)(value)
        if self.workflow_id is not None:
            draft = workflows.get_workflow(self.bench.hub, self.bench.principal, self.workflow_id)
            self.told.version = draft.published_version or 0

    def publish(self, timing: int) -> None:
        self.edits += 1
        on, description = [{"schedule": TIMINGS[timing]}], f"edit {self.edits}"
        if self.workflow_id is None:
            made = self.bench.publish(*DONE, on=on, description=description)
            self.workflow_id = made.workflow.id
        else:
            change(self.bench, self.workflow_id, on=on, description=description)
        self.told.timing = timing

    def unpublish(self, _: int) -> None:
        if self.workflow_id is not None and self.told.timing is not None:
            versions.unpublish_workflow(self.bench.hub, self.bench.principal, self.workflow_id)
            self.told.timing, self.told.paused = None, False

    def delete(self, _: int) -> None:
        if self.workflow_id is not None:
            workflows.delete_workflow(self.bench.hub, self.bench.principal, self.workflow_id)
            self.workflow_id, self.told.timing, self.told.paused = None, None, False

    def pause(self, _: int) -> None:
        for one in kept(self.bench):
            schedules.pause_schedule(self.bench.hub, self.bench.principal, one.id)
            self.told.paused = True

    def resume(self, catch_up: int) -> None:
        for one in kept(self.bench):
            schedules.resume_schedule(
                self.bench.hub, self.bench.principal, one.id, catch_up=bool(catch_up % 2)
            )
            self.told.paused = False

    def advance(self, steps: int) -> None:
        self.told.now = self.bench.clock.advance(25.0 * (steps + 1))

    def read(self, _: int) -> None:
        """A clock reads what is due, and is then held up."""
        now = self.bench.clock.now
        self.told.looked()
        self.read_before += [look_at(one, now) for one in list_due(self.bench.hub.store, now, 10)]

    def go_on(self, _: int) -> None:
        """The clock that was held up hands in what it made of what it read."""
        before = {one.id for one in started(self.bench)}
        for one in self.read_before:
            submit(self.bench.hub.store, one)
        self.read_before.clear()
        new = [one for one in started(self.bench) if one.id not in before]
        # What is now counts, not what was read.
        assert {one.version for one in new} <= {self.told.version}
        assert not new or (self.told.timing is not None and not self.told.paused)

    def fire(self, _: int) -> None:
        self.told.looked()
        fire_due(self.bench.hub)


ACTS = ["publish", "publish", "unpublish", "delete", "pause", "resume"]
ACTS += [*["advance", "fire"] * 3, *["read", "go_on"] * 3]
EDITS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 3)), min_size=8, max_size=40)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=EDITS)
@example(edits=[("read", 0), ("publish", 0), ("go_on", 0), ("fire", 0)])
@example(edits=[("read", 0), ("publish", 1), ("go_on", 0), ("fire", 0)])
@example(edits=[("read", 0), ("unpublish", 0), ("go_on", 0), ("publish", 0), ("fire", 0)])
@example(edits=[("read", 0), ("pause", 0), ("resume", 1), ("publish", 0), ("go_on", 0), ("fire", 0)])
@example(edits=[("read", 0), ("delete", 0), ("publish", 0), ("go_on", 0), ("advance", 3), ("fire", 0)])
def test_f28_only_what_is_published_and_not_paused_now_is_fired_and_each_instant_once(
    bench: Any, edits: list[tuple[str, int]]
) -> None:
    begin = {one.id for one in started(bench)}
    world = World(bench=bench, told=Told(now=bench.clock.now))
    world.act("publish", 0)
    world.act("advance", 3)
    for name, value in edits:
        world.act(name, value)
    found = [one for one in started(bench) if one.id not in begin]
    for one in found:
        due_at = parse_moment(one.trigger["data"]["due_at"])
        # Somebody looked, at that moment, at a version that was published and not paused.
        timing = next(
            (
                timing
                for at, timing, version in world.told.looks
                if (at, version) == (one.created_at, one.version)
            ),
            None,
        )
        assert timing is not None, (one, world.told.looks)
        assert due_at <= one.created_at
        if READ[timing].cron is not None:
            assert next(instants(Timing(schedule=READ[timing], anchor=due_at), due_at - TICK)) == due_at
    records = [one for one in fires(bench) if one.execution_id in {two.id for two in found}]
    assert len({(one.schedule_id, one.instant) for one in records}) == len(records) == len(found)
    # Nothing is left behind of what is not published any more.
    assert len(kept(bench)) == (world.told.timing is not None)
    world.act("delete", 0)
    bench.clock.advance(86_400)
    assert fire_due(bench.hub) == 0


@pytest.mark.parametrize("meanwhile", ["nothing", "resume"])
def test_a_clock_that_read_before_a_pause_writes_nothing_after_it(meanwhile: str, bench: Any) -> None:
    world = World(bench=bench, told=Told(now=bench.clock.now))
    for name in ("publish", "advance", "advance", "advance", "read", "pause"):
        world.act(name, 0)
    if meanwhile == "resume":
        world.act("resume", 0)
    world.act("go_on", 0)
    assert started(bench) == []
    assert [str(one.reason) for one in fires(bench)] == (["paused"] if meanwhile == "resume" else [])
