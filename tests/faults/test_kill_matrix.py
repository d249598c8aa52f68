"""Every crash point on every stack: a process dies there, and nothing is lost, repeated or left lying."""

import time
from collections.abc import Callable

import pytest
from rig.judge import judge
from rig.site import CHAIN, Site, wait_until

from revolution_hub.crashpoint import NAMES

pytestmark = pytest.mark.faults

# What polls come to is tried in test_polls.py, what approvals come to in test_approval_crashes.py.
POINTS = sorted(one for one in NAMES if not one.startswith(("approval.", "committer.", "payload.", "poll.")))
POINTS += [
    f"{role}/committer.{moment}_commit" for role in ("api", "worker") for moment in ("before", "after")
]


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_anywhere_costs_nothing_but_time(
    site: Site, point: str, figure: Callable[[str, float], None]
) -> None:
    # Given a hub of which one process is to die at this point, and a provider that once asks to wait
    site.start(crash=point)
    site.publish(CHAIN)
    site.provider.trouble("repeatable", "status", status=429, retry_after_s=0)
    # When each tenant's provider delivers until it is told that it was accepted
    begun_s = time.monotonic()
    for owner in site.owners * 2:
        site.deliver_until_accepted(owner, "chain")
    # Then one process dies there, and everything that was accepted ends as promised
    wait_until(lambda: site.crashed(point), f"a process dies at {point}", 30.0, site.hub.log)
    judge(site)
    figure("from the first delivery to the last end", time.monotonic() - begun_s)
    assert len(site.accepted) == 4
