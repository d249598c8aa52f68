"""A process dies between a large payload's file and the row that names it: nothing is lost or half there."""

import time
from collections.abc import Callable

import pytest
from rig.judge import judge
from rig.site import CHAIN, DATABASES, Site, wait_until

pytestmark = pytest.mark.faults

LARGE = {"id": "write", "set": {"letter": "x" * 2000}}


@pytest.mark.parametrize("stack", DATABASES)
def test_a_process_that_dies_behind_a_file_costs_nothing_but_time(
    site: Site, figure: Callable[[str, float], None]
) -> None:
    # Given a hub that keeps small payloads in files already, and one process that is to die behind a file
    point = "worker/payload.after_keep"
    site.start(crash=point, inline_bytes=1024)
    site.publish({**CHAIN, "steps": [*CHAIN["steps"], LARGE]})
    begun_s = time.monotonic()
    # When each tenant's provider delivers until it is told that it was accepted
    for owner in site.owners * 2:
        site.deliver_until_accepted(owner, "chain")
    wait_until(lambda: site.crashed(point), f"a process dies at {point}", 30.0, site.hub.log)
    # Then everything that was accepted ends as promised, with the payload whole
    judge(site)
    figure("from the first delivery to the last end", time.monotonic() - begun_s)
    written = 0
    for one in site.accepted:
        owner = next(each for each in site.owners if each.team.tenant_id == one.tenant_id)
        execution = site.hub.execution(one.execution_id, owner.team.key)
        # A `once` action that was under way in the process that died may wait for a person.
        if execution["status"] == "succeeded":
            steps = {step["id"]: step for step in execution["steps"]}
            assert steps["write"]["output"] == LARGE["set"]
            written += 1
    assert written > 0
