"""One renewal for everybody: also at a server that rotates refresh tokens and punishes a second use."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig.oauth import OAuthServer, start_oauth_server
from rig.renewer import TENANT, connect_expired, hub_on, need_together, renew_in_processes

from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, health, renewals
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Store
from revolution_hub.vault.tokens import COOL_DOWN_S, EARLY_S, LEASE_S, SPREAD_S
from revolution_sdk import CredentialError, RetryableError
from revolution_sdk.sandbox import Answer, Fault


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthServer]:
    made = start_oauth_server(tmp_path_factory.mktemp("oauth"))
    yield made
    made.stop()


@pytest.fixture
def server(shared_server: OAuthServer) -> OAuthServer:
    """A real OAuth 2 server that rotates, in a process of its own."""
    shared_server.reset()
    shared_server.behave(rotate=True)
    return shared_server


def test_fifty_workers_of_four_processes_renew_one_expired_token_once(
    server: OAuthServer, database: str, store: Store
) -> None:
    server.behave(delay_s=0.2)
    hub = hub_on(store, server.host)
    connection = connect_expired(hub, server.host, server.authorization())
    found = renew_in_processes(database, server.host, connection.id, [13, 13, 12, 12])
    counts = server.counts()
    assert (len(found), len(set(found))) == (50, 1)
    assert [counts.get(name, 0) for name in ("refreshed", "reused", "refused")] == [1, 0, 0]
    shown = httpx2.get(f"{server.url}/contacts", headers={"authorization": found[0]}, trust_env=False)
    assert shown.status_code == 200
    with store.read(TENANT) as tx:
        kept = connections.get(tx, connection.id)
    assert (kept.credential.version, kept.status, kept.problem) == (2, ConnectionStatus.CONNECTED, None)
    hub.egress.close()


def test_an_answer_that_died_with_its_process_is_explained_and_asked_for_once(
    server: OAuthServer, database: str, store: Store, tmp_path: Path
) -> None:
    """The provider has put another refresh token in the place of ours, and who learned of it is dead."""
    hub = hub_on(store, server.host)
    connection = connect_expired(hub, server.host, server.authorization())
    point = "token.after_provider_answer"
    assert renew_in_processes(database, server.host, connection.id, [3], dies_at=point, folder=tmp_path) == []
    later = replace(hub, now=lambda: datetime.now(UTC) + timedelta(seconds=LEASE_S + 1))
    assert set(need_together(later, connection.id, 5)) <= {"grant_refused", "connection_needs_reauth"}
    with store.read(TENANT) as tx:
        kept = connections.get(tx, connection.id)
    assert kept.status is ConnectionStatus.NEEDS_REAUTH
    assert "the answer to an earlier renewal was lost" in str(kept.status_reason)
    assert server.counts()["refreshed"] == 1
    hub.egress.close()


def test_who_was_away_for_longer_than_his_lease_stores_nothing_over_a_newer_token(
    process: Any, provider: Any, make: Any
) -> None:
    connection = process.connect(make)

    def overtaken() -> None:
        process.clock.advance(LEASE_S + 1)
        newer = process.vault.seal("ten_a", connection.id, {"access_token": "newer"}, version=2)
        with process.store.begin("ten_a") as tx:
            now = process.clock.now
            present = connections.get(tx, connection.id)
            assert renewals.take(tx, present, "rfr_other", now, now + timedelta(seconds=LEASE_S))
            assert renewals.keep(tx, present, "rfr_other", newer, now)

    provider.meanwhile.append(overtaken)
    assert process.source(connection).headers() == {"Authorization": "Bearer newer"}
    assert process.stored(connection)[1]["access_token"] == "newer"


def test_who_lost_the_right_stores_nothing_while_another_has_it(process: Any, make: Any) -> None:
    connection = process.connect(make)
    late = process.vault.seal("ten_a", connection.id, {"access_token": "late"}, version=2)
    now = process.clock.now
    with process.store.begin("ten_a") as tx:
        assert renewals.take(tx, connection, "rfr_late", now, now + timedelta(seconds=1))
        assert not renewals.take(tx, connection, "rfr_other", now, now + timedelta(seconds=9))
        later = now + timedelta(seconds=2)
        assert renewals.take(tx, connection, "rfr_other", later, later + timedelta(seconds=9))
        assert not renewals.keep(tx, connection, "rfr_late", late, later)
        renewals.end(tx, connection.id, "rfr_late")
        assert not renewals.keep(tx, connection, "rfr_late", late, later)
        renewals.end(tx, connection.id, "rfr_other")
        # Nobody renews now, and nothing newer is there, so what it was granted is not lost.
        assert renewals.keep(tx, connection, "rfr_late", late, later)


def test_after_a_failure_nobody_asks_again_for_a_while_and_longer_each_time(
    start_process: Callable[[], Any], provider: Any, make: Any
) -> None:
    first, second = start_process(), start_process()
    connection = first.connect(make)
    provider.answer = Answer(status=503, body={})
    waited = []
    for count in range(1, 5):
        for one in (first, second, first):
            with pytest.raises(RetryableError) as caught:
                one.source(connection).headers()
        assert provider.asked == count
        waited.append(caught.value.retry_after_s)
        assert caught.value.code == "refresh_cooling_down"
        first.clock.advance(waited[-1])
    bounds = [(COOL_DOWN_S * 2**n, COOL_DOWN_S * 2**n * 1.25) for n in range(4)]
    assert all(low <= one <= high for one, (low, high) in zip(waited, bounds, strict=True))
    assert first.stored(connection)[0].problem is not None
    provider.answer = None
    assert first.source(connection).headers() == {"Authorization": f"Bearer access-{provider.asked}"}
    kept = first.stored(connection)[0]
    assert (kept.problem, kept.refresh_fails, kept.refresh_after) == (None, 0, None)


def test_a_provider_that_says_when_to_come_again_is_obeyed(process: Any, provider: Any, make: Any) -> None:
    connection = process.connect(make)
    provider.answer = Answer(status=429, body={}, headers={"Retry-After": "40"})
    with pytest.raises(RetryableError):
        process.source(connection).headers()
    with pytest.raises(RetryableError) as caught:
        process.source(connection).headers()
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s >= COOL_DOWN_S


def test_a_token_that_is_still_good_is_used_while_it_cannot_be_renewed(
    process: Any, provider: Any, make: Any
) -> None:
    soon = (process.clock.now + timedelta(seconds=30)).timestamp()
    connection = process.connect(make, expires_at=soon)
    provider.answer = Answer(status=503, body={})
    assert process.source(connection).headers() == {"Authorization": "Bearer access-0"}
    assert provider.asked == 1
    process.clock.advance(30)
    with pytest.raises(RetryableError):
        process.source(connection).headers()


def test_tokens_of_many_connections_are_renewed_at_moments_of_their_own(process: Any, make: Any) -> None:
    early = set()
    source = process.source(process.connect(make))
    for number in range(50):
        source.connection = make.connection(id=f"con_{number}")
        early.add(source._early_s({"expires_at": 1.0}))
    assert len(early) == 50
    assert all(EARLY_S <= seconds <= EARLY_S + SPREAD_S for seconds in early)


def test_a_token_of_a_minute_is_not_renewed_for_every_call(process: Any, provider: Any, make: Any) -> None:
    provider.lifetime_s = 60
    connection = process.connect(make)
    process.source(connection).headers()
    for _ in range(4):
        process.clock.advance(10)
        process.source(process.stored(connection)[0]).headers()
    assert provider.asked == 1
    process.clock.advance(6)
    process.source(process.stored(connection)[0]).headers()
    assert provider.asked == 2


def test_what_a_dead_process_left_open_is_explained_when_the_grant_is_refused(
    process: Any, provider: Any, make: Any
) -> None:
    connection = process.connect(make)
    provider.valid = "refresh-2"
    now = process.clock.now
    with process.store.begin("ten_a") as tx:
        assert renewals.take(tx, connection, "rfr_dead", now, now + timedelta(seconds=LEASE_S))
    process.clock.advance(LEASE_S + 1)
    with pytest.raises(CredentialError):
        process.source(connection).headers()
    kept = process.stored(connection)[0]
    assert kept.status is ConnectionStatus.NEEDS_REAUTH
    assert "the answer to an earlier renewal was lost" in str(kept.status_reason)


def test_a_refusal_is_kept_once_in_the_history_however_many_meet_it(
    process: Any, provider: Any, make: Any
) -> None:
    provider.valid = "revoked"
    provider.sandbox.faults.add(Fault(operation="token", kind="slow", seconds=0.05))
    connection = process.connect(make)
    for _ in range(3):
        with pytest.raises(CredentialError):
            process.source(connection).headers()
    with process.store.read("ten_a") as tx:
        found, _ = health.list_page(tx, connection.id, Page())
    assert [str(one.status) for one in found] == ["needs_reauth", "connected"]
    assert provider.asked == 1
