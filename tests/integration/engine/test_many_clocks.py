"""F26: five clocks on one database, 200 schedules each minute; one clock is frozen while they are due."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rig.firing import ClockProcess
from rig.schedules import fires, kept, minutely

from revolution_hub.store import schedules

pytestmark = pytest.mark.faults

CLOCKS = 5
SCHEDULES = 200
MINUTES = 10
FROZEN_S = 0.4


@pytest.fixture
def clocks(database: str, tmp_path: Path) -> Iterator[list[ClockProcess]]:
    """Five processes that are told what time it is."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(ClockProcess(database, tmp_path))) for _ in range(CLOCKS)]


def many(bench: Any) -> None:
    """Copy one schedule of a workflow until there are as many as it takes."""
    minutely(bench, on=[{"schedule": {"every": 60, "missed": "all"}}])
    (one,) = kept(bench)
    with bench.hub.store.begin("ten_a") as tx:
        for number in range(1, SCHEDULES):
            alike = replace(one, id=f"sch_{number:05}", workflow_id=f"wf_{number:05}")
            schedules.replace(tx, alike.workflow_id, [alike])


def test_f26_five_clocks_fire_each_of_200_schedules_each_minute_once(
    bench: Any, clocks: list[ClockProcess]
) -> None:
    begin = bench.clock.now
    many(bench)
    counts = []
    for minute in range(1, MINUTES + 1):
        # The clocks do not agree, as those of machines never do.
        now = begin + timedelta(minutes=minute, milliseconds=250)
        frozen = clocks[minute % CLOCKS]
        for number, one in enumerate(clocks):
            one.tell(now + timedelta(milliseconds=10 * number))
        # It has been told, and is stopped in the midst of whatever it does about it, while the others go on.
        time.sleep(0.004 * minute)
        frozen.freeze()
        time.sleep(FROZEN_S)
        frozen.thaw()
        counts.append(sum(one.answer() for one in clocks))
    due = [begin + timedelta(minutes=minute) for minute in range(1, MINUTES + 1)]
    found: dict[str, list[Any]] = {}
    for one in fires(bench):
        found.setdefault(one.schedule_id, []).append(one.instant)
    assert len(found) == SCHEDULES
    assert all(instants == due for instants in found.values())
    assert counts == [SCHEDULES] * MINUTES
