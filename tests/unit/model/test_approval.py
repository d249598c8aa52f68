"""Approvals as values: who fulfills what, what a deadline does, what a digest tells apart, what is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.errors import InputError
from revolution_hub.model.approval import (
    ApprovalPolicy,
    ApprovalRule,
    Demand,
    Voter,
    demands_of,
    escalated,
    may_vote,
    orphaned,
)
from revolution_hub.model.approval_digest import digest_of
from revolution_hub.model.plain_text import plain

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ADA = Voter(user_id="usr_ada", role="owner", may_decide=True)
BEA = Voter(user_id="usr_bea", role="boss", may_decide=True)
DAN = Voter(user_id="usr_dan", role="owner", may_decide=False)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def demand(**rule: Any) -> Demand:
    return demands_of([("step", ApprovalRule(**rule))], NOW)[0]


@pytest.mark.parametrize(
    ("assignees", "voter", "requesters", "expected"),
    [
        ((), ADA, (), True),
        ((), ADA, ("usr_ada",), False),
        ((), DAN, (), False),
        (("usr_ada",), ADA, (), True),
        (("owner",), ADA, (), True),
        (("owner",), BEA, (), False),
        (("owner",), DAN, (), False),
        (("usr_dan",), DAN, (), False),
        (("boss", "usr_ada"), BEA, ("usr_ada",), True),
        (("boss", "usr_ada"), ADA, ("usr_ada",), False),
    ],
)
def test_who_may_fulfill_a_demand(
    assignees: tuple[str, ...], voter: Voter, requesters: tuple[str, ...], expected: bool
) -> None:
    assert may_vote(demand(assignees=assignees), voter, requesters) is expected


@pytest.mark.parametrize(
    ("rule", "requesters", "lonely"),
    [
        ({}, (), False),
        ({}, ("usr_ada", "usr_bea"), True),
        ({"quorum": 2}, (), False),
        ({"quorum": 2}, ("usr_ada",), True),
        ({"assignees": ("usr_gone",)}, (), True),
        ({"assignees": ("usr_gone",), "escalate_to": ("boss",)}, (), False),
        ({"assignees": ("nobody",)}, (), True),
    ],
)
def test_a_rule_nobody_can_fulfill_is_found(
    rule: dict[str, Any], requesters: tuple[str, ...], lonely: bool
) -> None:
    assert (orphaned([demand(**rule)], requesters, [ADA, BEA, DAN]) is not None) is lonely


def test_an_escalation_adds_people_and_as_much_time_and_comes_once() -> None:
    asked = demand(assignees=("usr_ada",), deadline_s=60.0, escalate_to=("boss",))
    later = escalated(asked, NOW + timedelta(minutes=2))
    assert later.assignees == ("usr_ada", "boss")
    assert later.deadline_at == NOW + timedelta(minutes=3)
    assert (later.escalate_to, later.escalated) == ((), True)
    assert Demand.of_json(later.as_json()) == later


@pytest.mark.parametrize(
    ("pattern", "uses", "covered"),
    [
        ("*", "a.b", True),
        ("a.*", "a.b", True),
        ("a.b", "a.b", True),
        ("a.*", "ab.c", False),
        ("a.b", "a.bc", False),
        ("ab.*", "a.b", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, uses: str, covered: bool) -> None:
    policy = ApprovalPolicy(
        id="apl_1",
        tenant_id="ten_a",
        pattern=pattern,
        assignees=(),
        quorum=1,
        deadline_s=60.0,
        escalate_to=(),
        created_by="usr_ada",
        created_at=NOW,
    )
    assert policy.covers(uses) is covered


@given(one=JSON, other=JSON)
def test_a_digest_is_the_same_for_the_same_and_for_nothing_else(one: Any, other: Any) -> None:
    digests = {digest_of({"input": one}), digest_of({"input": other})}
    assert (len(digests) == 1) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", [2**53, -(2**60), 10**30, float("inf"), "\ud800"])
def test_what_has_no_canonical_form_has_no_digest(value: Any) -> None:
    with pytest.raises(InputError) as raised:
        digest_of({"input": value})
    assert raised.value.code == "not_canonical"


def test_the_digest_is_that_of_the_standard() -> None:
    # RFC 8785, 3.2.3: members in the order of their UTF-16 code units.
    assert digest_of({"b": 1, "a": [1.0, "\u20ac"]}) == digest_of({"a": [1, "€"], "b": 1.0})


@pytest.mark.parametrize(
    "hiding", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u2028", "\n", "\r", "\ufeff"]
)
def test_what_hides_is_written_out(hiding: str) -> None:
    shown = plain(f"a{hiding}b")
    assert hiding not in shown
    assert shown == f"a\\u{ord(hiding):04x}b"


def test_what_is_long_is_cut_and_says_so() -> None:
    assert plain("x" * 10_000, longest=10) == "x" * 10 + "… (10,000 characters)"
