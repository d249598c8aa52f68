"""Every crash point amid the whole language: children, items, calls, waits, failures provided for."""

import time
from collections.abc import Callable

import pytest
from rig.judge import judge
from rig.site import DATABASES, Site, wait_until
from rig.whole import answer_questions, check_whole, publish_whole

from revolution_hub.crashpoint import NAMES

pytestmark = pytest.mark.faults

POINTS = {
    "ingest.after_verify": 1,
    "ingest.after_commit": 2,
    "ingest.after_enqueue": 2,
    "worker.after_claim": 3,
    "worker.before_effect": 7,
    "worker.after_effect": 9,
    "worker.after_record": 5,
    "worker.after_next_enqueued": 12,
    "worker.before_ack": 4,
    "clock.after_sweep": 1,
    "api/committer.before_commit": 1,
    "api/committer.after_commit": 2,
    "worker/committer.before_commit": 8,
    "worker/committer.after_commit": 10,
}
"""Each point, and at which time a process dies there: behind the first steps, among the children."""


def test_every_crash_point_is_in_the_matrix() -> None:
    places = {point.rpartition("/")[2] for point in POINTS}
    assert places == {one for one in NAMES if not one.startswith(("approval.", "payload.", "poll."))}


@pytest.mark.parametrize("stack", DATABASES)
@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_among_children_costs_nothing_but_time(
    site: Site, point: str, figure: Callable[[str, float], None]
) -> None:
    # Given a hub of which one process is to die at this point
    crash = f"{point}:{POINTS[point]}"
    site.start(crash=crash)
    publish_whole(site)
    # When each tenant's provider delivers until it is told that it was accepted
    begun_s = time.monotonic()
    for owner in site.owners:
        site.deliver_until_accepted(owner, "whole")
    wait_until(lambda: site.crashed(crash), f"a process dies at {crash}", 30.0, site.hub.log)
    site.settle()
    # And a person says what is true of what only a person can know
    answered = answer_questions(site)
    # Then every effect is there once, every execution has ended, and what was joined is whole and in order
    judge(site)
    figure(f"{answered} questions; from the first delivery to the last end", time.monotonic() - begun_s)
    check_whole(site)
