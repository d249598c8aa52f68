"""Plans: windows in UTC, what AI comes to, whose limits count, and limits that are none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.plan import (
    BUILT_IN,
    LIMITS,
    MICRO,
    OF_PRINCIPALS,
    AiUse,
    Charge,
    Unit,
    Window,
    begin_of,
    charge_json,
    charge_of,
    combined,
    end_of,
    limit_problems,
    spend_of,
)

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
USES = st.builds(
    AiUse,
    tokens=st.integers(0, 10**9),
    requests=st.integers(0, 10**6),
    cost_micros=st.integers(0, 10**12),
)
CHARGES = st.builds(
    Charge,
    per=st.sampled_from(Unit),
    price=st.floats(0, 100),
    included=st.floats(0, 10_000),
    flat=st.floats(0, 1000),
)


@given(now=MOMENTS)
def test_every_moment_lies_in_its_window_and_windows_meet(now: datetime) -> None:
    for window in Window:
        begin, end = begin_of(window, now), end_of(window, now)
        assert begin <= now < end
        assert begin_of(window, end) == end
        assert begin_of(window, end - timedelta(microseconds=1)) == begin


def test_windows_end_where_people_expect_it() -> None:
    now = datetime(2026, 12, 31, 23, 59, 30, 7, tzinfo=UTC)
    year = datetime(2027, 1, 1, tzinfo=UTC)
    assert [end_of(window, now) for window in Window] == [year] * 3
    leap = datetime(2028, 2, 10, tzinfo=UTC)
    assert (begin_of(Window.MONTH, leap), end_of(Window.MONTH, leap)) == (
        datetime(2028, 2, 1, tzinfo=UTC),
        datetime(2028, 3, 1, tzinfo=UTC),
    )


USED = AiUse(tokens=250_000, requests=40, cost_micros=3 * MICRO)


@pytest.mark.parametrize(
    ("charge", "comes_to"),
    [
        (Charge(), 3.0),
        (Charge(price=1.5), 4.5),
        (Charge(included=2.0), 1.0),
        (Charge(included=5.0), 0.0),
        (Charge(per=Unit.TOKENS, price=0.02), 5.0),
        (Charge(per=Unit.TOKENS, price=0.02, included=200), 1.0),
        (Charge(per=Unit.REQUEST, price=0.1), 4.0),
        (Charge(per=Unit.REQUEST, price=0.1, included=100), 0.0),
        (Charge(per=Unit.REQUEST, price=0.0, flat=20.0), 20.0),
        (Charge(per=Unit.REQUEST, price=0.5, included=30, flat=20.0), 25.0),
    ],
)
def test_ai_is_charged_per_token_per_request_flat_and_with_an_allowance(
    charge: Charge, comes_to: float
) -> None:
    assert spend_of(charge, USED) == comes_to
    assert charge_of(charge_json(charge)) == charge


@given(charge=CHARGES, first=USES, more=USES)
def test_more_use_never_costs_less(charge: Charge, first: AiUse, more: AiUse) -> None:
    together = AiUse(
        tokens=first.tokens + more.tokens,
        requests=first.requests + more.requests,
        cost_micros=first.cost_micros + more.cost_micros,
    )
    assert spend_of(charge, AiUse()) == round(charge.flat, 6)
    assert spend_of(charge, together) >= spend_of(charge, first) >= round(charge.flat, 6)


def test_a_limit_of_ones_own_takes_the_place_of_the_plans_and_none_lifts_it() -> None:
    plan = {"connections": 5, "members": 3}
    assert combined(plan, {}) == plan
    assert combined(plan, {"connections": 50, "stored_bytes": 1}) == {
        "connections": 50,
        "members": 3,
        "stored_bytes": 1,
    }
    assert combined(plan, {"members": None}) == {"connections": 5}


@pytest.mark.parametrize("most", [-1, 1.5, "5", True, [], {}, 10**16])
def test_what_is_no_number_of_things_is_no_limit(most: object) -> None:
    (problem,) = limit_problems({"connections": most}, "limits", LIMITS)
    assert problem.path == "limits.connections"


def test_limits_that_are_unknown_or_not_for_principals_are_refused() -> None:
    assert [one.path for one in limit_problems({"conections": 1}, "limits", LIMITS)] == ["limits.conections"]
    assert limit_problems({"members": 1}, "limits", OF_PRINCIPALS)
    assert (
        limit_problems({"members": None, "ai_spend_per_month": 0.5, "connections": 0}, "limits", LIMITS) == []
    )


def test_the_plans_that_come_with_the_hub_are_good_ones() -> None:
    assert set(BUILT_IN) == {"unlimited", "free", "team"}
    for name, plan in BUILT_IN.items():
        assert plan.name == name
        assert limit_problems(dict(plan.limits), "limits", LIMITS) == []
    assert BUILT_IN["unlimited"].limits == {}
