"""The judge finds what it is there for: each invariant, broken on purpose in a site where all was well."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from rig.hub import kill_all
from rig.judge import found, i3_once, i9_families, judge
from rig.provider import Call
from rig.site import CHAIN, Site
from rig.whole import publish_whole

pytestmark = pytest.mark.faults

Break = Callable[[Site], None]


def change(site: Site, statement: str, **values: object) -> None:
    engine = site.engine()
    try:
        with engine.connect().execution_options(revolution_tenants="*") as conn, conn.begin():
            assert conn.execute(sa.text(statement), values).rowcount > 0
    finally:
        engine.dispose()


def _lose_event(site: Site) -> None:
    change(site, "DELETE FROM events WHERE tenant_id = :tenant", tenant=site.owners[0].team.tenant_id)


def _lose_execution(site: Site) -> None:
    change(site, "DELETE FROM executions WHERE tenant_id = :tenant", tenant=site.owners[0].team.tenant_id)


def _say_nobody_listened(site: Site) -> None:
    change(site, "UPDATE events SET outcome = 'no_listener'")


def _leave_running(site: Site) -> None:
    change(site, "UPDATE executions SET status = 'running', finished_at = NULL")


def _leave_waiting(site: Site) -> None:
    change(site, "UPDATE executions SET status = 'waiting', wait_reason = 'timer', wake_at = NULL")


def _hold(site: Site) -> None:
    change(site, "UPDATE executions SET lease_owner = 'wrk_gone'")


def _succeed_twice(site: Site) -> None:
    columns = "execution_id, step_id, tenant_id, status, worker, started_at"
    change(site, f"INSERT INTO attempts (number, {columns}) SELECT number + 1, {columns} FROM attempts")


def _have_an_effect_twice(site: Site) -> None:
    call = site.provider.calls("once")[0]
    site.provider.serve(call)


def _say_it_failed(site: Site) -> None:
    change(site, "UPDATE step_executions SET status = 'failed' WHERE uses = 'ledger.put_entry'")


def _tell_a_secret(site: Site) -> None:
    with (site.folder / "hub.log").open("a") as log:
        log.write(site.owners[0].secrets[0])


def _store_a_secret(site: Site) -> None:
    change(site, "UPDATE deliveries SET body = :body", body=site.owners[1].secrets[0].encode())


def _mix_rows(site: Site) -> None:
    change(site, "UPDATE events SET connector = :canary", canary=site.owners[1].canary)


def _mix_calls(site: Site) -> None:
    one, other = site.owners
    site.provider.serve(Call(effect="read", key="x", credential=one.secrets[0], note=other.canary))


@pytest.mark.parametrize("stack", ["sqlite"])
def test_the_judge_finds_each_broken_promise(site: Site) -> None:
    # Given a site where all is well
    site.start()
    site.publish(CHAIN)
    for owner in site.owners:
        site.deliver_until_accepted(owner, "chain")
    judge(site)
    # When a promise is broken, then the judge names it
    broken: list[tuple[Break, str]] = [
        (_tell_a_secret, "I5"),
        (_store_a_secret, "I5"),
        (_mix_rows, "I7"),
        (_mix_calls, "I7"),
        (_say_it_failed, "I3"),
        (_have_an_effect_twice, "I3"),
        (_succeed_twice, "I3"),
        (_hold, "I8"),
        (_leave_waiting, "I2"),
        (_leave_running, "I2"),
        (_lose_execution, "I1"),
        (_say_nobody_listened, "I1"),
        (_lose_event, "I1"),
    ]
    for break_it, name in broken:
        before = set(found(site))
        break_it(site)
        new = set(found(site)) - before
        if break_it is _leave_running and not any(fault.startswith(name) for fault in new):
            # The clock looks for what has no owner every few seconds; it may have been faster than the judge.
            break_it(site)
            new = set(found(site)) - before
        assert any(fault.startswith(name) for fault in new), (break_it.__name__, new)


@pytest.mark.parametrize("stack", ["postgresql"])
def test_the_judge_finds_a_secret_in_what_postgresql_no_longer_shows(site: Site) -> None:
    # Given a site where all is well
    site.start()
    site.publish(CHAIN)
    site.deliver_until_accepted(site.owners[0], "chain")
    judge(site)
    # When a secret was stored for a moment
    _store_a_secret(site)
    change(site, "DELETE FROM deliveries")
    # Then the judge finds it where it still lies
    assert any("pg_wal" in fault for fault in found(site))


def _wait_for_nobody(site: Site) -> None:
    change(site, f"UPDATE executions SET status = 'waiting', wait_reason = 'children' WHERE {PARENT}")


def _go_on_alone(site: Site) -> None:
    change(site, f"UPDATE executions SET status = 'failed' WHERE {PARENT}")
    change(site, "UPDATE executions SET status = 'queued' WHERE block LIKE 'both/%'")


def _be_there_twice(site: Site) -> None:
    change(site, "UPDATE executions SET place = 0 WHERE parent_step = 'each'")


def _lose_parents(site: Site) -> None:
    change(site, f"DELETE FROM executions WHERE {PARENT}")


PARENT = "id IN (SELECT parent_id FROM executions WHERE parent_id IS NOT NULL)"
FAMILIES: list[tuple[Break, str]] = [
    (_wait_for_nobody, "waits for children, and none is under way"),
    (_go_on_alone, "and its parent is failed"),
    (_be_there_twice, "children have the place"),
    (_lose_parents, "has no parent"),
]


@pytest.mark.parametrize("stack", ["sqlite"])
def test_the_judge_finds_each_broken_family(site: Site) -> None:
    # Given executions with children of every kind, where all was well, and a hub that mends nothing any more
    site.start()
    publish_whole(site)
    site.deliver_until_accepted(site.owners[0], "whole")
    judge(site)
    kill_all(site.folder)
    # When parents and children agree no longer, then the judge says so
    assert list(i9_families(site)) == []
    for break_it, told in FAMILIES:
        assert not any(told in fault for fault in i9_families(site)), break_it.__name__
        break_it(site)
        assert any(told in fault for fault in i9_families(site)), break_it.__name__


@pytest.mark.parametrize("stack", ["sqlite"])
def test_the_judge_forgives_what_a_cancelled_execution_left_open_and_nothing_more(site: Site) -> None:
    # Given an execution that was cancelled while a call was under way that had its effect
    site.start()
    site.publish(CHAIN)
    site.deliver_until_accepted(site.owners[0], "chain")
    judge(site)
    kill_all(site.folder)
    change(site, "UPDATE executions SET status = 'cancelled'")
    change(site, "UPDATE step_executions SET status = 'running' WHERE step_id = 'enter'")
    # Then that is no fault
    assert list(i3_once(site)) == []
    # But it is one if the step is recorded as failed, or if its effect was there twice
    change(site, "UPDATE step_executions SET status = 'failed' WHERE step_id = 'enter'")
    assert [one for one in i3_once(site) if "is failed after 1 effects" in one]
    change(site, "UPDATE step_executions SET status = 'running' WHERE step_id = 'add'")
    _have_an_effect_twice(site)
    assert [one for one in i3_once(site) if "is running after 2 effects" in one]
