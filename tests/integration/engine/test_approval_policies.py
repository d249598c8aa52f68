"""What a process knows of a tenant's rules: it asks for nothing per call, and learns of changes soon."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from rig.approvals import Desk, bank, enroll, person

from revolution_hub.model.approval import ApprovalPolicy
from revolution_hub.services import approval_policies as services
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.store.approval_policies import KNOWN_S, policies_of
from revolution_hub.store.tx import Store


@pytest.fixture
def statements(bench: Any) -> Iterator[list[str]]:
    """Every statement from now on."""
    found: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_an_action_without_a_rule_costs_no_statement_of_its_own(
    bench: Any, script: Any, statements: list[str]
) -> None:
    bench.hub.catalog.add(bank(script))
    begun_s = time.monotonic()
    bench.run(*({"id": f"s{index}", "uses": "bank.print_letter"} for index in range(40)))
    looks = int((time.monotonic() - begun_s) / KNOWN_S) + 1
    ours = [one for one in statements if "approval" in one or "installation" in one]
    assert script.count("print_letter") == 40
    # Once a second the one fact, and once the tenant's rules.
    assert len(ours) <= looks + 1


def test_the_commits_of_an_approved_call_are_those_of_any_once_call(
    bench: Any, script: Any, statements: list[str]
) -> None:
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, bea="owner")
    bench.start({"id": "pay", "uses": "bank.wire_money"})
    bench.work()
    Desk(bench.hub).approve()
    statements.clear()
    bench.work()
    used = [one for one in statements if one.startswith("UPDATE approvals")]
    assert (len(used), script.count("wire_money")) == (1, 1)


def test_another_process_learns_of_a_change_within_a_second(
    bench: Any, open_store: Callable[..., Store]
) -> None:
    other = policies_of(open_store())
    assert other.of("ten_a") == ()
    made = services.create_policy(bench.hub, person("ada"), NewPolicy(pattern="bank.*", rule={}))
    time.sleep(KNOWN_S + 0.05)
    assert [one.id for one in other.of("ten_a")] == [made.id]
    assert other.of("ten_b") == ()
    services.delete_policy(bench.hub, person("ada"), made.id)
    time.sleep(KNOWN_S + 0.05)
    assert other.of("ten_a") == ()


def test_the_process_that_changes_a_rule_knows_at_once(bench: Any) -> None:
    known = policies_of(bench.hub.store)
    assert known.of("ten_a") == ()
    made = services.create_policy(bench.hub, person("ada"), NewPolicy(pattern="*", rule={"quorum": 2}))
    (one,) = known.of("ten_a")
    assert isinstance(one, ApprovalPolicy)
    assert (one.id, one.quorum, one.covers("a.b")) == (made.id, 2, True)
