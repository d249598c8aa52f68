"""F8: everything dies at once, the servers too, and is started again on the same files."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from rig.judge import judge
from rig.site import CHAIN, DATABASES, Site

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)


@on_each_database
@pytest.mark.parametrize("seed", [1, 2])
def test_f8_after_a_power_cut_everything_accepted_is_done_as_promised(
    site: Site, seed: int, figure: Callable[[str, float], None]
) -> None:
    # Given deliveries that come in while others are driven
    site.start()
    site.publish(CHAIN)
    for effect in ("read", "repeatable", "once"):
        site.provider.pace(effect, 0.2)
    with ThreadPoolExecutor(8) as senders:
        for owner in site.owners * 20:
            senders.submit(site.deliver, owner, "chain", timeout_s=5.0)
        # When the power fails at some moment
        site.provider.wait_for_calls("read")
        time.sleep(random.Random(seed).uniform(0.0, 0.8))
        site.power_cut()
    accepted = len(site.accepted)
    # Then after a start on the same files everything that was accepted ends as promised
    if site.postgres is not None:
        site.postgres.start()
    if site.redis is not None:
        site.redis.start()
    site.start()
    figure(f"{accepted} accepted before the cut; all done after the start in", judge(site))
    assert accepted > 0
    # And it goes on
    for owner in site.owners:
        site.deliver_until_accepted(owner, "chain")
    judge(site)
