"""F11–F16: Redis restarts, dies, forgets, fills up, stalls, and holds what strangers put there."""

import json
import random
import signal
import threading
import time
from collections.abc import Callable

import pytest
from rig.judge import judge
from rig.load import Load, deliver_many, p95_s
from rig.redis import Redis
from rig.site import Site, one_step, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("stack", ["postgresql+redis"])]

Figure = Callable[[str, float], None]
LATE_S = 60.0
MANY = 500


def redis_of(site: Site) -> Redis:
    assert site.redis is not None
    return site.redis


def done_in_s(site: Site, name: str) -> float:
    """Deliver one and return how long it took until it was done."""
    before = len(site.provider.effects("repeatable"))
    begun_s = time.monotonic()
    site.deliver_until_accepted(site.owners[0], name)
    wait_until(lambda: len(site.provider.effects("repeatable")) > before, "it is done", report=site.hub.log)
    return time.monotonic() - begun_s


@pytest.mark.parametrize("kept", ["no", "yes"], ids=["without a file", "with a file"])
def test_f11_a_restart_of_redis_is_not_noticed(site: Site, kept: str, figure: Figure) -> None:
    # Given a hub at work
    redis = redis_of(site)
    redis.stop()
    redis.options["appendonly"] = kept
    redis.start()
    site.start()
    name = site.publish(one_step("put_entry"))
    with Load(site, name) as load:
        wait_until(lambda: len(load.answers) > 20, "the load runs")
        # When Redis is away for three seconds
        redis.stop()
        figure("without Redis one is done in", done_in_s(site, name))
        time.sleep(3.0)
        redis.start()
        figure("with Redis again one is done in", done_in_s(site, name))
    # Then every delivery was accepted, and is done
    assert set(load.statuses()) == {202}
    judge(site)


def test_f12_deliveries_are_accepted_and_done_while_redis_is_dead(site: Site, figure: Figure) -> None:
    # Given a hub whose Redis was killed
    site.start()
    name = site.publish(one_step("put_entry"))
    redis_of(site).kill()
    # When many deliveries come
    answers = deliver_many(site, name, MANY)
    # Then all are accepted
    assert {one.status for one in answers} == {202}
    figure("accepted without Redis, p95", p95_s(answers))
    # And all are done, the last ones after Redis is back
    redis_of(site).start()
    figure("all done after", judge(site, limit_s=LATE_S))
    assert len(site.provider.effects("repeatable")) == MANY


@pytest.mark.parametrize("seed", [1, 2])
def test_f13_forgetting_everything_at_random_moments_costs_nothing(
    site: Site, seed: int, figure: Figure
) -> None:
    # Given many executions queued and some running
    site.start()
    name = site.publish(one_step("put_entry"))
    site.provider.pace("repeatable", 0.2)
    random_ = random.Random(seed)
    stop = threading.Event()

    def forget() -> None:
        with redis_of(site).client() as client:
            while not stop.wait(random_.uniform(0.0, 0.3)):
                client.flushall()

    forgetting = threading.Thread(target=forget)
    forgetting.start()
    try:
        # When Redis forgets everything again and again while they come in and are driven
        answers = deliver_many(site, name, MANY)
        took_s = judge(site, limit_s=LATE_S)
    finally:
        stop.set()
        forgetting.join()
    # Then all were accepted and done, each once
    figure("all done after", took_s)
    assert {one.status for one in answers} == {202}
    effects = site.provider.effects("repeatable")
    assert (len(effects), set(effects.values())) == (MANY, {1})


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-lru"])
def test_f14_a_redis_that_may_forget_is_refused_at_the_start(site: Site, policy: str) -> None:
    with redis_of(site).client() as client:
        client.config_set("maxmemory-policy", policy)
    with pytest.raises(AssertionError, match=f"maxmemory-policy {policy}"):
        site.start()


def test_f14_a_full_redis_makes_nothing_fail(site: Site, figure: Figure) -> None:
    # Given a hub at work
    site.start()
    name = site.publish(one_step("put_entry"))
    done_in_s(site, name)
    # When Redis has no memory left
    with redis_of(site).client() as client:
        client.config_set("maxmemory", 1)
        answers = deliver_many(site, name, 50)
        # Then every delivery is accepted and done
        assert {one.status for one in answers} == {202}
        figure("all done with a full Redis after", judge(site, limit_s=LATE_S))
        client.config_set("maxmemory", 0)
    figure("with room again one is done in", done_in_s(site, name))
    judge(site)


@pytest.mark.parametrize("how", ["frozen", "busy", "hangs up"])
def test_f15_a_stalled_redis_slows_no_delivery_down(site: Site, how: str, figure: Figure) -> None:
    # Given a hub at work, and how long its answers take
    site.start()
    name = site.publish(one_step("put_entry"))
    deliver_many(site, name, 20)
    usual = deliver_many(site, name, 60, senders=2)
    # When Redis stalls
    with Stalled(site, how):
        stalled = deliver_many(site, name, 60, senders=2)
        figure("one is done meanwhile in", done_in_s(site, name))
    # Then deliveries are accepted as quickly as before
    figure("accepted with Redis, p95", p95_s(usual))
    figure("accepted with a stalled Redis, p95", p95_s(stalled))
    assert {one.status for one in stalled} == {202}
    assert p95_s(stalled) < max(1.0, 4 * p95_s(usual))
    judge(site)


class Stalled:
    """Stalls a site's Redis for the length of a block."""

    def __init__(self, site: Site, how: str) -> None:
        self._redis = redis_of(site)
        self._how = how
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._disturb)

    def __enter__(self) -> None:
        if self._how == "frozen":
            self._redis.signal(signal.SIGSTOP)
        else:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._how == "frozen":
            self._redis.signal(signal.SIGCONT)
        else:
            self._over.set()
            self._thread.join()

    def _disturb(self) -> None:
        with self._redis.client() as client:
            while not self._over.is_set():
                if self._how == "busy":
                    client.execute_command("DEBUG", "SLEEP", "2")
                else:
                    client.client_kill_filter(_type="normal", skipme=True)
                    self._over.wait(0.02)


FORGED = {
    "bad JSON": b"{",
    "no text": bytes(range(256)),
    "an unknown actor": json.dumps(
        {
            "queue_name": "revolution.wake",
            "actor_name": "delete_everything",
            "args": ["canary"],
            "kwargs": {},
            "options": {"redis_message_id": "1"},
            "message_id": "1",
            "message_timestamp": 1,
        }
    ).encode(),
    "huge": b"[" * 5_000_000,
}


def test_f16_forged_messages_are_dropped_and_start_nothing(site: Site) -> None:
    # Given a hub at work
    site.start()
    name = site.publish(one_step("put_entry"))
    site.deliver_until_accepted(site.owners[0], name)
    judge(site)
    workers = site.hub.children("worker")
    # When a stranger puts messages where the hub's are
    queue = "revolution:revolution.wake"
    with redis_of(site).client() as client:
        for forged, content in FORGED.items():
            for number in range(20):
                client.hset(f"{queue}.msgs", str(number), content)
                client.rpush(queue, str(number))
            # Then they are removed
            wait_until(lambda: client.llen(queue) == 0, f"{forged}: the messages are gone", 60, site.hub.log)
    # And nothing was executed without a row, by the same workers as before
    site.deliver_until_accepted(site.owners[1], name)
    judge(site)
    assert site.hub.children("worker") == workers
    assert len(site.provider.effects("repeatable")) == 2
    assert "was emptied" in site.hub.log()


def test_f16_keys_of_another_kind_are_removed(site: Site) -> None:
    # Given a hub whose queue in Redis was replaced by something that is none
    site.start()
    name = site.publish(one_step("put_entry"))
    with redis_of(site).client() as client:
        client.delete("revolution:revolution.wake")
        client.set("revolution:revolution.wake", "no queue")
        client.set("revolution:revolution.wake.msgs", "no messages")
        # When deliveries come, then they are done, and the hub helps itself
        site.deliver_until_accepted(site.owners[0], name)
        judge(site)
        kinds = (b"list", b"none")
        wait_until(lambda: client.type("revolution:revolution.wake") in kinds, "it is a queue again")
