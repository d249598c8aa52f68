"""Limits of plans: what is beyond one is refused before anything is accepted, and counting begins anew."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker
from rig.schedules import minutely

from revolution_hub.bus.hook import receive_hook
from revolution_hub.bus.metering import count_usage
from revolution_hub.bus.quota import LOOK_S, Quotas, require_quota
from revolution_hub.bus.schedule import fire_due
from revolution_hub.engine.claim import Claimer
from revolution_hub.errors import LimitError
from revolution_hub.files.file_store import FileStore
from revolution_hub.model.change import Start
from revolution_hub.model.ids import first_id
from revolution_hub.model.plan import EXECUTIONS, begin_of
from revolution_hub.model.time import utc_now
from revolution_hub.store import plans, usage
from revolution_hub.store import tables as t
from revolution_hub.store.plans import TenantPlan
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store
from revolution_sdk import Delivery

CALL = {"id": "call", "uses": "lab.read_page"}
WEBHOOK = [{"webhook": {"auth": "none"}}]


@pytest.fixture
def bench(bench: Any) -> Any:
    """Ids of executions say when they were made, so here the clock shows the time."""
    bench.clock.now = utc_now()
    return bench


def limit(bench: Any, tenant: str = "ten_a", *, forget: bool = True, **limits: float) -> None:
    with bench.hub.store.begin(tenant) as tx:
        plans.put_tenant_plan(tx, TenantPlan(limits=limits), bench.clock.now)
    if forget:
        bench.hub.store.companion(Quotas).forget()


def deliver(bench: Any, published: Any, number: int = 1) -> None:
    key = published.hook.removeprefix("/hooks/")
    for _ in range(number):
        sent = Delivery(method="POST", url="/", headers={}, body=b"{}", received_at=bench.clock.now)
        receive_hook(bench.hub, key, sent)


def earlier(bench: Any, make: Any, seconds: float, number: int, **more: Any) -> None:
    """Let so many executions have begun some seconds ago."""
    moment = bench.clock.now - timedelta(seconds=seconds)
    for one in range(number):
        execution = make.execution(id=f"{first_id('exe', moment)[:-4]}{one:04}", created_at=moment, **more)
        submit(bench.hub.store, Start(execution=execution))


def begun(bench: Any) -> int:
    with bench.hub.store.read("ten_a") as tx:
        return int(tx.conn.execute(sa.select(sa.func.count()).select_from(t.executions)).scalar_one())


def counted(bench: Any, tenant: str = "ten_a", principal: str = "") -> dict[str, int]:
    now = bench.clock.now
    with bench.hub.store.read(tenant) as tx:
        return {
            name: usage.executions_since(tx, begin_of(window, now), 1000, principal)
            for name, window in EXECUTIONS.items()
        }


@pytest.mark.parametrize("name", EXECUTIONS)
def test_what_is_beyond_a_limit_is_refused_and_leaves_nothing(bench: Any, name: str) -> None:
    limit(bench, **{name: 3})
    published = bench.publish(CALL, on=WEBHOOK)
    deliver(bench, published, 3)
    with pytest.raises(LimitError) as refused:
        deliver(bench, published)
    error = refused.value
    assert error.code == "quota_exceeded"
    assert (error.details["limit"], error.details["used"], error.details["most"]) == (name, 3, 3)
    assert error.retry_after_s is not None
    assert begun(bench) == 3


def test_the_sender_is_told_the_limit_and_when_it_may_come_again(bench: Any, owner: Asker) -> None:
    limit(bench, executions_per_day=1)
    published = bench.publish(CALL, on=["manual"])
    path = f"/api/workflows/{published.workflow.id}/execute"
    owner.ask("POST", path, {})
    answer = owner.call("POST", path, {})
    told = answer.json()
    assert (answer.status_code, told["code"], told["limit"]) == (429, "quota_exceeded", "executions_per_day")
    assert (told["used"], told["most"]) == (1, 1)
    assert told["resets_at"].endswith("T00:00:00.000000Z")
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert owner.refused("POST", "/api/integrations/lab/actions/read_page", {"input": {}}) == (
        429,
        "quota_exceeded",
    )
    assert begun(bench) == 1


def test_counting_begins_anew_with_the_window(bench: Any) -> None:
    limit(bench, executions_per_minute=2)
    published = bench.publish(CALL, on=WEBHOOK)
    deliver(bench, published, 2)
    with pytest.raises(LimitError):
        deliver(bench, published)
    bench.clock.advance(60)
    deliver(bench, published)


def test_another_tenant_has_a_quota_of_its_own(bench: Any) -> None:
    limit(bench, executions_per_day=1)
    require_quota(bench.hub, "ten_a")
    with pytest.raises(LimitError):
        require_quota(bench.hub, "ten_a")
    for _ in range(5):
        require_quota(bench.hub, "ten_b")


def test_a_principal_may_have_less_than_its_tenant(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    partner = asker_of("owner")
    path = f"/api/principals/{partner.key_id}/limits"
    owner.ask("PUT", path, {"limits": {"executions_per_day": 2}})
    assert owner.ask("GET", path) == {"limits": {"executions_per_day": 2}}
    execute = f"/api/workflows/{bench.publish(CALL, on=['manual']).workflow.id}/execute"
    for _ in range(2):
        partner.ask("POST", execute, {})
    answer = partner.call("POST", execute, {})
    assert (answer.status_code, answer.json()["limit"]) == (429, "executions_per_day")
    assert partner.key_id in answer.json()["detail"]
    owner.ask("POST", execute, {})
    mine = {one["limit"]: one["used"] for one in partner.ask("GET", "/api/usage")["principal"]}
    assert mine["executions_per_day"] == 2
    assert owner.refused("PUT", path, {"limits": {"connections": 2}}) == (422, "input_invalid")
    stranger = asker_of("owner", "ten_b")
    assert stranger.refused("PUT", path, {"limits": {}}) == (404, "not_found")
    assert stranger.refused("GET", path) == (404, "not_found")


def test_many_at_once_get_no_more_than_the_limit(bench: Any) -> None:
    limit(bench, executions_per_day=10)

    def one(_: int) -> bool:
        try:
            require_quota(bench.hub, "ten_a")
        except LimitError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(50))) == 10


def test_what_was_used_outlives_the_process_and_what_it_counts(bench: Any, open_store: Any) -> None:
    limit(bench, executions_per_month=5)
    published = bench.publish(CALL, on=WEBHOOK)
    deliver(bench, published, 3)
    bench.work()
    bench.clock.advance(usage.LATE.total_seconds() + 5)
    count_usage(bench.hub)
    with bench.hub.store.begin_across() as tx:
        for table in (t.attempts, t.step_executions, t.executions):
            tx.conn.execute(sa.delete(table))
    assert counted(bench)["executions_per_month"] == 3
    anew = replace(bench.hub, store=open_store())
    for _ in range(2):
        require_quota(anew, "ten_a")
    with pytest.raises(LimitError):
        require_quota(anew, "ten_a")


def test_each_execution_is_counted_once_however_many_clocks_count(bench: Any, make: Any) -> None:
    published = bench.publish(CALL, on=WEBHOOK)
    earlier(bench, make, 60, 4)
    earlier(bench, make, 50, 1, started_by=bench.principal.id)
    assert counted(bench)["executions_per_day"] == 5
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: count_usage(bench.hub), range(8)))
    assert counted(bench)["executions_per_day"] == 5
    assert counted(bench, principal=bench.principal.id)["executions_per_day"] == 1
    deliver(bench, published)
    assert counted(bench)["executions_per_day"] == 6
    count_usage(bench.hub)
    assert counted(bench)["executions_per_day"] == 6


def test_an_execution_that_is_deleted_at_once_still_counts(bench: Any, owner: Asker) -> None:
    bench.work()
    execution_id = bench.start({"id": "a", "set": {"n": 1}})
    bench.work()
    owner.ask("DELETE", f"/api/workflow-executions/{execution_id}")
    assert begun(bench) == 0
    assert counted(bench)["executions_per_day"] == 1
    bench.clock.advance(usage.LATE.total_seconds() + 5)
    count_usage(bench.hub)
    assert counted(bench)["executions_per_day"] == 1


def test_days_that_nobody_counted_are_counted_later(bench: Any) -> None:
    count_usage(bench.hub)
    deliver(bench, bench.publish(CALL, on=WEBHOOK), 3)
    bench.clock.advance(3 * 86_400)
    count_usage(bench.hub)
    with bench.hub.store.read("ten_a") as tx:
        rows = tx.conn.execute(sa.select(t.usage.c.day, t.usage.c.quantity)).all()
    assert [tuple(one) for one in rows] == [(usage.day_of(utc_now()), 3)]


def test_far_below_the_limit_nobody_looks_again(bench: Any, store: Store) -> None:
    limit(bench, executions_per_day=1000, forget=False)
    seconds = [100.0]
    book = Quotas(store, lambda: seconds[0])
    assert book.take(("ten_a", ""), "unlimited", bench.clock) is None
    store.close()
    seconds[0] += LOOK_S * 4
    assert book.take(("ten_a", ""), "unlimited", bench.clock) is None


def test_a_plan_that_is_given_counts_at_once_here_and_soon_elsewhere(bench: Any, store: Store) -> None:
    seconds = [100.0]
    elsewhere = Quotas(store, lambda: seconds[0])
    assert elsewhere.take(("ten_a", ""), "unlimited", bench.clock) is None
    limit(bench, executions_per_day=0)
    with pytest.raises(LimitError):
        require_quota(bench.hub, "ten_a")
    assert elsewhere.take(("ten_a", ""), "unlimited", bench.clock) is None
    seconds[0] += 10
    assert elsewhere.take(("ten_a", ""), "unlimited", bench.clock) is not None


def test_tenants_without_a_plan_have_the_default_one(bench: Any) -> None:
    assert bench.hub.settings.default_plan == "unlimited"
    with bench.hub.store.read("ten_a") as tx:
        assert plans.in_force(tx, "unlimited").limits == {}
        assert plans.in_force(tx, "free").limits["executions_per_minute"] == 60
        assert plans.in_force(tx, "gone").plan.name == "unlimited"


def test_a_schedule_fires_nothing_beyond_the_quota_and_says_so(bench: Any, clock: Any, owner: Asker) -> None:
    minutely(bench)
    clock.advance(60)
    limit(bench, executions_per_month=0)
    assert fire_due(bench.hub) == 0
    assert begun(bench) == 0
    (schedule,) = owner.ask("GET", "/api/schedules")["items"]
    (fire,) = owner.ask("GET", f"/api/schedules/{schedule['id']}/fires")["items"]
    assert (fire["status"], fire["reason"]) == ("skipped", "quota")
    limit(bench)
    clock.advance(60)
    assert fire_due(bench.hub) == 1


def test_no_more_executions_are_driven_than_the_plan_allows(bench: Any) -> None:
    limit(bench, executions_running=2)
    for _ in range(4):
        bench.start(CALL)
    claimer = Claimer(hub=bench.hub, owner="wrk_1")
    assert len(claimer.take(10)) == 2
    assert claimer.take(10) == []
    limit(bench, executions_running=0)
    assert Claimer(hub=bench.hub, owner="wrk_2").take(10) == []
    limit(bench)
    assert len(Claimer(hub=bench.hub, owner="wrk_2").take(10)) == 2


def test_no_more_connections_are_made_than_the_plan_allows(bench: Any, owner: Asker) -> None:
    limit(bench, connections=2)
    for name in ("one", "two"):
        bench.connect(name)
    body = {"name": "three", "credential": {"api_key": "k"}}
    answer = owner.call("POST", "/api/integrations/club/connections", body)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        429,
        "quota_exceeded",
        "connections",
    )
    assert "retry-after" not in answer.headers
    found = {one["limit"]: one for one in owner.ask("GET", "/api/usage")["tenant"]}["connections"]
    assert (found["used"], found["most"], found["exceeded"]) == (2, 2, True)


def test_nothing_begins_while_more_is_stored_than_the_plan_allows(bench: Any, tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files", inline_bytes=10)
    files.prepare()
    files.keep("ten_a", "evt_1", b"x" * 600)
    files.keep("ten_a", "evt_2", b"y" * 500)
    assert dict(files.sizes()) == {"ten_a": 1100}
    with bench.hub.store.begin("ten_a") as tx:
        usage.put_gauge(tx, usage.STORED, 1100)
    limit(bench, stored_bytes=1100)
    require_quota(bench.hub, "ten_a")
    limit(bench, stored_bytes=1000)
    with pytest.raises(LimitError) as refused:
        require_quota(bench.hub, "ten_a")
    assert (refused.value.details["limit"], refused.value.details["used"]) == ("stored_bytes", 1100)
    assert refused.value.retry_after_s is None


def test_usage_is_shown_against_the_limits(bench: Any, owner: Asker, asker_of: Callable[..., Asker]) -> None:
    limit(bench, executions_per_day=10, members=3)
    deliver(bench, bench.publish(CALL, on=WEBHOOK), 4)
    told = owner.ask("GET", "/api/usage")
    measures = {one["limit"]: one for one in told["tenant"]}
    assert (told["plan"], told["warn_percent"]) == ("unlimited", 80)
    assert (measures["executions_per_day"]["used"], measures["executions_per_day"]["most"]) == (4, 10)
    assert (measures["executions_per_month"]["used"], measures["executions_per_month"]["most"]) == (4, None)
    assert measures["members"]["most"] == 3
    assert asker_of("viewer").ask("GET", "/api/usage")["plan"] == "unlimited"
    assert asker_of("guest").refused("GET", "/api/usage") == (403, "forbidden")
    other = {one["limit"]: one for one in asker_of("owner", "ten_b").ask("GET", "/api/usage")["tenant"]}
    assert other["executions_per_day"]["used"] == 0


def test_days_later_what_was_used_before_the_month_is_not_counted(bench: Any) -> None:
    count_usage(bench.hub)
    deliver(bench, bench.publish(CALL, on=WEBHOOK), 2)
    bench.clock.now += timedelta(days=40)
    count_usage(bench.hub)
    assert counted(bench) == dict.fromkeys(EXECUTIONS, 0)
