"""Connections are looked after without any execution: what is refused shows, what only fails is a problem."""

from dataclasses import replace
from datetime import timedelta
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest

from revolution_hub.bus.probing import SPREAD, claim, look_after
from revolution_hub.catalog import Catalog
from revolution_hub.errors import ConflictError, InputError
from revolution_hub.queue.prober import Prober
from revolution_hub.services import connection_life
from revolution_hub.services import connections as service
from revolution_hub.settings import Settings
from revolution_hub.store import connections
from revolution_sdk import ActionContext, ApiKey, Connector, CredentialError, JsonObject, RetryableError


class Checks:
    """What the bank's check does next; without anything it finds that all is well."""

    def __init__(self) -> None:
        self.plays: list[Any] = []
        self.count = 0

    def play(self, ctx: ActionContext) -> JsonObject:
        self.count += 1
        play = self.plays.pop(0) if self.plays else {"owner": "Ada"}
        if isinstance(play, BaseException):
            raise play
        found: JsonObject = play(ctx) if callable(play) else play
        return found


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def looked(bench: Any, checks: Checks) -> Any:
    """The bench with a connector that says how to look whether a connection works."""
    bank = Connector("bank", title="Bank", base_url="https://api.bank.test", auth=ApiKey())
    bank.check(checks.play)
    catalog = Catalog()
    catalog.add(bank)
    return replace(bench, hub=replace(bench.hub, catalog=catalog))


def stored(bench: Any, connection_id: str, tenant_id: str = "ten_a") -> Any:
    with bench.hub.store.read(tenant_id) as tx:
        return connections.get(tx, connection_id)


def probe_all(bench: Any) -> int:
    return sum(look_after(bench.hub, due) for due in claim(bench.hub, 100))


def test_a_connection_is_probed_once_in_its_interval_and_not_before(looked: Any, checks: Checks) -> None:
    one = looked.connect(connector="bank")
    assert (checks.count, probe_all(looked)) == (1, 0)
    looked.clock.advance(900 * (1 - SPREAD) - 1)
    assert probe_all(looked) == 0
    looked.clock.advance(2 * 900 * SPREAD + 2)
    assert (probe_all(looked), checks.count) == (1, 2)
    kept = stored(looked, one)
    assert kept.probed_at == looked.clock.now
    low, high = (timedelta(seconds=900 * (1 + share)) for share in (-SPREAD, SPREAD))
    assert low <= kept.probe_at - looked.clock.now <= high


def test_a_revoked_grant_shows_within_one_probe_and_without_any_execution(
    looked: Any, checks: Checks
) -> None:
    one = looked.connect(connector="bank")
    checks.plays.append(CredentialError("the key is revoked"))
    looked.clock.advance(2000)
    assert probe_all(looked) == 1
    kept = stored(looked, one)
    assert (str(kept.status), kept.status_reason) == ("needs_reauth", "the key is revoked")
    looked.clock.advance(5000)
    assert probe_all(looked) == 0


@pytest.mark.parametrize(
    ("play", "problem"),
    [
        (RetryableError("the bank cannot be reached", code="unreachable"), "the bank cannot be reached"),
        (ZeroDivisionError("sk-secret"), "the connector failed with ZeroDivisionError"),
        (SystemExit(1), "the connector failed with SystemExit"),
        (lambda ctx: {"x": object()}, "what bank found is nothing JSON can hold"),
    ],
)
def test_what_is_no_refusal_changes_nothing_and_is_shown_until_all_is_well(
    looked: Any, checks: Checks, play: Any, problem: str
) -> None:
    one = looked.connect(connector="bank")
    checks.plays.append(play)
    looked.clock.advance(2000)
    probe_all(looked)
    kept = stored(looked, one)
    assert (str(kept.status), kept.problem, kept.problem_at) == ("connected", problem, looked.clock.now)
    looked.clock.advance(2000)
    probe_all(looked)
    assert stored(looked, one).problem is None


def test_one_that_is_taken_is_probed_by_nobody_else_until_its_lease_ends(looked: Any, checks: Checks) -> None:
    looked.connect(connector="bank")
    looked.clock.advance(2000)
    (due,) = claim(looked.hub, 10)
    assert claim(looked.hub, 10) == []
    looked.clock.advance(91)
    (again,) = claim(looked.hub, 10)
    assert (look_after(looked.hub, due), look_after(looked.hub, again)) == (False, True)


def test_tenants_are_probed_in_turn_however_many_connections_one_has(looked: Any) -> None:
    many = [looked.connect(f"n{number}", connector="bank") for number in range(6)]
    foreign = replace(looked, principal=replace(looked.principal, tenant_id="ten_b"))
    foreign.connect("b", connector="bank")
    looked.clock.advance(2000)
    first = claim(looked.hub, 2)
    assert {due.tenant_id for due in first} == {"ten_a", "ten_b"}
    assert len({due.connection_id for due in [*first, *claim(looked.hub, 100)]}) == len(many) + 1


def test_a_disabled_one_is_left_alone_and_looked_at_when_it_is_enabled(looked: Any, checks: Checks) -> None:
    one = looked.connect(connector="bank")
    connection_life.disable_connection(looked.hub, looked.principal, "bank", one)
    looked.clock.advance(2000)
    assert probe_all(looked) == 0
    connection_life.enable_connection(looked.hub, looked.principal, "bank", one)
    checks.plays.append(CredentialError("the key is revoked"))
    assert probe_all(looked) == 1
    assert str(stored(looked, one).status) == "needs_reauth"


def test_an_operator_may_want_no_probes_at_all(looked: Any) -> None:
    looked.connect(connector="bank")
    looked.clock.advance(2000)
    assert claim(replace(looked.hub, settings=Settings(probe_s=0)), 10) == []


def test_a_credential_is_checked_before_it_is_kept_or_replaced(looked: Any, checks: Checks) -> None:
    checks.plays.append(CredentialError("the key is wrong", code="credential_refused"))
    with pytest.raises(InputError) as caught:
        looked.connect(connector="bank")
    assert [(one.path, one.code) for one in caught.value.problems] == [("credential", "credential_refused")]
    one = looked.connect(connector="bank")
    checks.plays.append(ZeroDivisionError("sk-secret"))
    with pytest.raises(InputError) as caught:
        service.reauthorize(looked.hub, looked.principal, "bank", one, {"api_key": "k-2"})
    assert "sk-secret" not in str([problem.as_json() for problem in caught.value.problems])
    assert stored(looked, one).credential.version == 1


def test_a_credential_is_tried_and_nothing_of_it_is_kept(looked: Any, checks: Checks) -> None:
    wanted = service.NewConnection(name="x", credential={"api_key": "k"})
    assert service.try_credential(looked.hub, looked.principal, "bank", wanted) == (True, {"owner": "Ada"})
    checks.plays.append(CredentialError("the key is wrong"))
    with pytest.raises(InputError):
        service.try_credential(looked.hub, looked.principal, "bank", wanted)
    with looked.hub.store.read("ten_a") as tx:
        assert connections.count_all(tx) == 0


def test_whoever_asks_sees_at_once_whether_a_connection_works(looked: Any, checks: Checks) -> None:
    one = looked.connect(connector="bank")
    checks.plays += [RetryableError("the bank is closed"), {}, CredentialError("the key is revoked")]
    found = [connection_life.probe_connection(looked.hub, looked.principal, "bank", one) for _ in range(3)]
    assert [(str(each.status), each.problem) for each in found] == [
        ("connected", "the bank is closed"),
        ("connected", None),
        ("needs_reauth", None),
    ]
    with pytest.raises(ConflictError) as caught:
        connection_life.probe_connection(looked.hub, looked.principal, "bank", one)
    assert caught.value.code == "connection_needs_reauth"


def test_a_connection_that_is_gone_meanwhile_is_nobodys(looked: Any) -> None:
    one = looked.connect(connector="bank")
    looked.clock.advance(2000)
    (due,) = claim(looked.hub, 10)
    with looked.hub.store.begin("ten_a") as tx:
        assert connections.remove(tx, one)
    assert not look_after(looked.hub, due)


def test_the_prober_of_a_process_looks_after_what_is_due_and_gives_up_what_hangs(
    looked: Any, checks: Checks
) -> None:
    looked.connect("well", connector="bank")
    looked.connect("hung", connector="bank")
    release, replaced = Event(), Event()
    checks.plays += [lambda ctx: release.wait(20) and {}, {}]
    looked.clock.advance(2000)
    prober = Prober(looked.hub, replaced.set, tick_s=0.01)
    prober.start()
    give_up_s = monotonic() + 10
    while checks.count < 4 and monotonic() < give_up_s:
        sleep(0.01)
    assert (checks.count, replaced.is_set()) == (4, False)
    looked.clock.advance(200)
    assert replaced.wait(10)
    release.set()
    prober.stop(5.0)
