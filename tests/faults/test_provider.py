"""F30, F31: a provider that is slow in every way, and one that is stormed and asks callers to wait."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import pstdev
from typing import Any

import pytest
import sqlalchemy as sa
from rig.judge import judge
from rig.rate_limit import RateLimit
from rig.site import DATABASES, Site, one_step, wait_until

from revolution_hub.store import tables as t

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]
LIMIT_S = 2.0
LATE_S = 1.5
"""How much later a step may end on a busy machine; taking it over would come five seconds later."""


def limited(action: str, **step: Any) -> dict[str, Any]:
    document = one_step(action)
    document["steps"][0] |= {"timeout": LIMIT_S, "retry": {"attempts": 1}, **step}
    return document


def took_s(execution: Any) -> float:
    return float(execution["duration_ms"]) / 1000


def delays_s(site: Site, tenant_id: str) -> list[float]:
    """Return how long this tenant's executions lay in the queue, shortest first."""
    rows = site.rows(sa.select(t.executions).where(t.executions.c.tenant_id == tenant_id))
    return sorted((one["started_at"] - one["created_at"]).total_seconds() for one in rows)


@on_each_database
@pytest.mark.parametrize(
    ("kind", "how"), [("slow", {"seconds": 25.0}), ("drip", {}), ("endless", {}), ("withhold", {})]
)
def test_f30_a_slow_provider_costs_its_callers_their_time_and_others_nothing(
    site: Site, kind: str, how: dict[str, Any], figure: Figure
) -> None:
    # Given a provider that answers too slowly, in this way, and two tenants
    site.start(tenant_running=20)
    amber, birch = site.owners
    slow, unsure = limited("get_entry"), limited("add_entry")
    amber.publish(slow)
    amber.publish(unsure)
    quick = site.publish(one_step("put_entry"))
    site.provider.trouble("read", kind, times=40, **how)
    site.provider.trouble("once", kind, **how)
    # When one of them has more calls than may be under way at a time, and the other one goes on
    asked = site.deliver_until_accepted(amber, unsure["name"])
    hanging = [site.deliver_until_accepted(amber, slow["name"]) for _ in range(40)]
    for _ in range(60):
        site.deliver_until_accepted(birch, quick)
    # Then each call ends at its deadline, and one that must not be repeated is a person's question
    judge(site)
    for one in hanging:
        ended = amber.team.ask("GET", f"/api/workflow-executions/{one}")
        assert (ended["status"], len(ended["steps"][0]["attempts"])) == ("failed", 1)
        assert ended["error"]["code"] in ("no_answer", "timeout"), ended["error"]
        assert LIMIT_S - 0.5 < took_s(ended) < LIMIT_S + LATE_S
    assert amber.team.ask("GET", f"/api/workflow-executions/{asked}")["wait_reason"] == "uncertain"
    assert len(site.provider.calls("once")) == 1
    # And the other tenant did not wait for any of it
    delays = delays_s(site, birch.team.tenant_id)
    figure("p95 queue delay of the other tenant", delays[int(len(delays) * 0.95) - 1])
    assert delays[int(len(delays) * 0.95) - 1] < 1.0


@contextmanager
def silent() -> Iterator[str]:
    """A place that takes no connection and refuses none: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for one in waiting:
            one.close()


@pytest.mark.parametrize("stack", ["sqlite"])
def test_f30_a_place_that_takes_no_connection_costs_no_more_than_the_deadline(site: Site) -> None:
    # Given a connection to a place that does not answer even the first packet
    with silent() as place:
        site.start(egress_allow=f"{site.provider.host},{place}")
        amber = site.owners[0]
        body = {"credential": {"api_key": amber.secrets[0]}, "base_url": f"http://{place}", "name": "silent"}
        amber.team.ask("POST", "/api/integrations/ledger/connections", body)
        document = limited("add_entry", connection="silent")
        amber.publish(document)
        # When an action that must not be repeated goes there
        execution_id = site.deliver_until_accepted(amber, document["name"])
        judge(site)
    # Then it fails at its deadline, and nobody is asked: nothing can have left
    ended = amber.team.ask("GET", f"/api/workflow-executions/{execution_id}")
    assert (ended["status"], ended["error"]["code"]) == ("failed", "unreachable")
    assert took_s(ended) < LIMIT_S + LATE_S


STORM = 80
POLICY = {"attempts": 30, "delay": 1, "longest": 4}


@on_each_database
@pytest.mark.parametrize(("action", "statuses"), [("put_entry", (429, 503)), ("get_entry", (429, 503))])
def test_f31_a_storm_is_spread_and_nobody_comes_earlier_than_asked(
    site: Site, action: str, statuses: tuple[int, ...], figure: Figure
) -> None:
    # Given a provider that lets ten calls a second through, and asks the others to wait
    effect = "repeatable" if action == "put_entry" else "read"
    limit = RateLimit(10, 2, statuses)
    site.provider.limit(effect, limit)
    site.start()
    document = one_step(action)
    document["steps"][0]["retry"] = POLICY
    name = site.publish(document)
    # When many executions call it at once
    begun_s = time.monotonic()
    for number in range(STORM):
        site.deliver_until_accepted(site.owners[number % 2], name)
    # Then all of them get through in the end, each within its attempts
    judge(site, limit_s=55)
    figure(f"{STORM} calls at 10 a second", time.monotonic() - begun_s)
    assert site.count("status = 'succeeded'") == STORM
    calls: dict[str, list[float]] = {}
    for call in site.provider.calls(effect):
        calls.setdefault(call.key, []).append(call.at_s)
    assert max(map(len, calls.values())) <= POLICY["attempts"]
    # And nobody came before the moment it was told, as seconds or as a date
    back = limit.came_back(calls)
    assert Counter(one.dated for one, _ in back).keys() == {True, False}
    assert [(one, late_s) for one, late_s in back if late_s < 0] == []
    # And they did not come back as one herd
    late_s = [late_s for _, late_s in back]
    figure("came later than asked, standard deviation", pstdev(late_s))
    assert pstdev(late_s) > 0.15


@pytest.mark.parametrize("stack", ["sqlite"])
def test_f31_retries_end_where_a_provider_never_gives_way(site: Site) -> None:
    # Given a provider that refuses everything, and a policy of three attempts
    site.provider.limit("once", RateLimit(0, 1))
    site.start()
    document = one_step("add_entry")
    document["steps"][0]["retry"] = {"attempts": 3, "delay": 0}
    site.owners[0].publish(document)
    execution_id = site.deliver_until_accepted(site.owners[0], document["name"])
    # When its attempts are used up, then it fails with what it was told, and nothing had an effect
    wait_until(lambda: site.count("status = 'failed'") == 1, "it has failed", 30, site.hub.log)
    judge(site)
    ended = site.owners[0].team.ask("GET", f"/api/workflow-executions/{execution_id}")
    assert (ended["error"]["code"], len(ended["steps"][0]["attempts"])) == ("rate_limited", 3)
    assert site.provider.effects("once") == {}
