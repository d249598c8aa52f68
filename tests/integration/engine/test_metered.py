"""What calls use is kept whatever becomes of them, and nothing more is used beyond the plan's spend."""

from typing import Any

import pytest
from rig.asking import Asker

from revolution_hub.model.plan import Charge, Plan, Unit
from revolution_hub.store import plans, usage
from revolution_hub.store.plans import TenantPlan
from revolution_sdk import ActionContext, JsonObject, RejectedError

INVITE = {"id": "invite", "uses": "club.invite_member"}


def using(tokens: int, cost: float = 0.0, error: Exception | None = None) -> Any:
    def play(ctx: ActionContext, value: JsonObject) -> JsonObject:
        ctx.usage.require()
        ctx.usage.add("requests", 1)
        ctx.usage.add("tokens", tokens, cost=cost)
        if error is not None:
            raise error
        return {}

    return play


def spent(owner: Asker) -> Any:
    (found,) = [
        one for one in owner.ask("GET", "/api/usage")["tenant"] if one["limit"] == "ai_spend_per_month"
    ]
    return found


def give(bench: Any, charge: Charge, most: float | None = None) -> None:
    limits = {} if most is None else {"ai_spend_per_month": most}
    with bench.hub.store.begin_across() as tx:
        plans.put_plan(tx, Plan(name="paid", limits=limits, charge=charge), bench.clock.now)
        plans.put_tenant_plan(tx.of("ten_a"), TenantPlan(plan="paid"), bench.clock.now)


@pytest.mark.parametrize("error", [None, RejectedError("no")])
def test_what_was_used_is_kept_whether_the_call_succeeded_or_not(
    bench: Any, script: Any, owner: Asker, error: Exception | None
) -> None:
    bench.connect()
    script.next("invite_member", using(1200, 0.25, error))
    bench.run(INVITE)
    with bench.hub.store.read("ten_a") as tx:
        used = usage.ai_of(tx, bench.clock.now)
    assert (used.tokens, used.requests, used.cost_micros) == (1200, 1, 250_000)
    assert spent(owner)["used"] == 0.25
    with bench.hub.store.read("ten_b") as tx:
        assert usage.ai_of(tx, bench.clock.now).tokens == 0


def test_beyond_the_plans_spend_no_more_is_used(bench: Any, script: Any, owner: Asker) -> None:
    bench.connect()
    give(bench, Charge(per=Unit.TOKENS, price=1.0, included=1.0), 2)
    script.next("invite_member", using(2000), using(1000), using(1000))
    assert bench.run(INVITE).status == "succeeded"
    assert (spent(owner)["used"], spent(owner)["exceeded"]) == (1.0, False)
    assert bench.run(INVITE).status == "succeeded"
    assert (spent(owner)["used"], spent(owner)["exceeded"]) == (2.0, True)
    refused = bench.run(INVITE)
    assert refused.tried("invite") == ["failed:quota_exceeded"]
    assert (spent(owner)["used"], script.count("invite_member")) == (2.0, 3)


def test_several_calls_add_up_over_the_days_of_a_month_alone(bench: Any, script: Any, owner: Asker) -> None:
    bench.connect()
    give(bench, Charge(per=Unit.REQUEST, price=0.5, flat=10.0))
    for _ in range(3):
        script.next("invite_member", using(1))
        bench.run(INVITE)
        bench.clock.advance(86_400)
    assert spent(owner)["used"] == 11.5
    bench.clock.advance(30 * 86_400)
    assert spent(owner)["used"] == 10.0
