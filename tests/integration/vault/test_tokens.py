"""TokenSource: a token is refreshed once, whoever needs it; a refused grant is found out once and said so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from revolution_hub.errors import HubError, VaultError
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, renewals
from revolution_sdk import ApiKey, Connector, ConnectorError, CredentialError, NoAuth, RetryableError
from revolution_sdk.sandbox import Answer, Fault

KEYED = Connector("keyed", title="Keyed", auth=ApiKey(header="X-Key", prefix="key "))


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Let so many threads act at the same moment; an error counts as what came back."""
    barrier = Barrier(count)

    def one(number: int) -> Any:
        barrier.wait(10)
        try:
            return act(number)
        except ConnectorError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_token_that_is_still_good_is_used_without_asking(process: Any, provider: Any, make: Any) -> None:
    later = (process.clock.now + timedelta(seconds=121)).timestamp()
    source = process.source(process.connect(make, expires_at=later))
    assert source.headers() == {"Authorization": "Bearer access-0"}
    assert provider.asked == 0


def test_a_token_is_renewed_a_minute_before_it_runs_out(process: Any, provider: Any, make: Any) -> None:
    soon = (process.clock.now + timedelta(seconds=60)).timestamp()
    connection = process.connect(make, expires_at=soon)
    assert process.source(connection).headers() == {"Authorization": "Bearer access-1"}
    assert provider.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-1",
            "client_id": "client",
            "client_secret": "app-secret",
        }
    ]


def test_a_grant_without_an_access_token_yet_fetches_one(process: Any, make: Any) -> None:
    connection = process.connect(make, access_token=None, expires_at=None)
    assert process.source(connection).headers() == {"Authorization": "Bearer access-1"}


def test_a_renewed_token_is_kept_sealed_with_its_expiry_and_the_new_refresh_token(
    process: Any, make: Any
) -> None:
    connection = process.connect(make)
    process.source(connection).headers()
    stored, document = process.stored(connection)
    assert document == {
        "access_token": "access-1",
        "refresh_token": "refresh-2",
        "expires_at": (process.clock.now + timedelta(seconds=3600)).timestamp(),
        "renewed_at": process.clock.now.timestamp(),
    }
    assert (stored.credential.version, stored.status) == (2, ConnectionStatus.CONNECTED)
    assert (stored.account, stored.revision) == (connection.account, connection.revision)


def test_a_provider_that_names_no_new_refresh_token_keeps_the_old_one_valid(
    process: Any, provider: Any, make: Any
) -> None:
    provider.rotates = False
    connection = process.connect(make)
    for number in (1, 2):
        process.clock.advance(3600)
        assert process.source(connection).headers() == {"Authorization": f"Bearer access-{number}"}
        connection, document = process.stored(connection)
        assert document["refresh_token"] == "refresh-1"


def test_rotation_goes_on_through_many_refreshes(process: Any, provider: Any, make: Any) -> None:
    connection = process.connect(make)
    for _ in range(4):
        process.source(process.stored(connection)[0]).headers()
        process.clock.advance(3600)
    assert [form["refresh_token"] for form in provider.forms] == [f"refresh-{n}" for n in range(1, 5)]


@pytest.mark.parametrize("lifetime", [None, "3600", True, {}])
def test_a_lifetime_that_is_not_a_number_means_until_it_is_refused(
    lifetime: Any, process: Any, provider: Any, make: Any
) -> None:
    provider.lifetime_s = lifetime
    connection = process.connect(make)
    process.source(connection).headers()
    process.clock.advance(10**6)
    again = process.source(process.stored(connection)[0])
    assert again.headers() == {"Authorization": "Bearer access-1"}
    assert provider.asked == 1
    assert again.refresh()
    assert again.headers() == {"Authorization": "Bearer access-2"}


def test_twenty_threads_with_an_expired_token_ask_once_and_all_get_the_new_one(
    process: Any, provider: Any, make: Any
) -> None:
    provider.sandbox.faults.add(Fault(operation="token", kind="slow", seconds=0.1))
    connection = process.connect(make)
    found = together(20, lambda _: process.source(connection).headers())
    assert found == [{"Authorization": "Bearer access-1"}] * 20
    assert provider.asked == 1


def test_twenty_threads_of_two_processes_ask_once(
    start_process: Callable[[], Any], provider: Any, make: Any
) -> None:
    provider.sandbox.faults.add(Fault(operation="token", kind="slow", seconds=0.1))
    processes = [start_process(), start_process()]
    connection = processes[0].connect(make)
    found = together(20, lambda n: processes[n % 2].source(connection).headers())
    assert found == [{"Authorization": "Bearer access-1"}] * 20
    assert provider.asked == 1


def test_a_process_that_comes_later_uses_what_the_first_has_stored(
    start_process: Callable[[], Any], provider: Any, make: Any
) -> None:
    first, second = start_process(), start_process()
    connection = first.connect(make)
    first.source(connection).headers()
    assert second.source(connection).headers() == {"Authorization": "Bearer access-1"}
    assert provider.asked == 1


def test_a_token_stored_just_before_the_right_to_refresh_is_taken_is_used(
    start_process: Callable[[], Any], provider: Any, make: Any
) -> None:
    first, second = start_process(), start_process()
    connection = first.connect(make)
    source = first.source(connection)
    asked_for_time = []

    def overtaken() -> Any:
        asked_for_time.append(1)
        # The second question comes from taking the right to refresh, behind the look whether it is needed.
        if len(asked_for_time) == 2:
            second.source(connection).headers()
        return first.clock.now

    source.now = overtaken
    assert source.headers() == {"Authorization": "Bearer access-1"}
    assert provider.asked == 1


def test_a_401_that_many_threads_met_with_one_token_renews_it_once(
    process: Any, provider: Any, make: Any
) -> None:
    later = (process.clock.now + timedelta(hours=1)).timestamp()
    connection = process.connect(make, expires_at=later)
    sources = [process.source(connection) for _ in range(10)]
    assert {source.headers()["Authorization"] for source in sources} == {"Bearer access-0"}
    assert together(10, lambda n: sources[n].refresh()) == [True] * 10
    assert {source.headers()["Authorization"] for source in sources} == {"Bearer access-1"}
    assert provider.asked == 1


def test_the_right_to_refresh_of_a_process_that_died_with_it_runs_out(
    process: Any, provider: Any, make: Any
) -> None:
    connection = process.connect(make)
    with process.store.begin("ten_a") as tx:
        until = process.clock.now + timedelta(seconds=30)
        assert renewals.take(tx, connection, "rfr_dead", process.clock.now, until)
    process.clock.advance(31)
    assert process.source(connection).headers() == {"Authorization": "Bearer access-1"}


def test_a_refused_grant_marks_the_connection_with_the_reason(process: Any, provider: Any, make: Any) -> None:
    provider.valid = "revoked"
    connection = process.connect(make)
    with pytest.raises(CredentialError) as caught:
        process.source(connection).headers()
    stored, document = process.stored(connection)
    assert caught.value.code == "grant_refused"
    assert (stored.status, stored.status_reason) == (ConnectionStatus.NEEDS_REAUTH, caught.value.message)
    assert (stored.credential.version, document["refresh_token"]) == (1, "refresh-1")


def test_twenty_threads_with_a_revoked_grant_ask_once_and_all_are_told(
    start_process: Callable[[], Any], provider: Any, make: Any
) -> None:
    provider.valid = "revoked"
    processes = [start_process(), start_process()]
    connection = processes[0].connect(make)
    found = together(20, lambda n: processes[n % 2].source(connection).headers())
    assert [type(one) for one in found] == [CredentialError] * 20
    assert provider.asked == 1


def test_after_a_refusal_the_right_to_refresh_is_free_again(process: Any, provider: Any, make: Any) -> None:
    provider.valid = "revoked"
    connection = process.connect(make)
    with pytest.raises(CredentialError):
        process.source(connection).headers()
    with process.store.begin("ten_a") as tx:
        stored, now = connections.get(tx, connection.id), process.clock.now
        assert renewals.take(tx, stored, "rfr_new", now, now + timedelta(seconds=30))


TROUBLE = {
    "server error": Answer(status=503, body={}),
    "slow down": Answer(status=429, body={}),
    "no token": Answer(body={"token_type": "bearer"}),
    "a list": Answer(body=["x"]),
    "a text": Answer(body="x"),
    "nothing": Answer(),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_at_the_token_endpoint_is_tried_later_and_accuses_nobody(
    name: str, process: Any, provider: Any, make: Any
) -> None:
    provider.answer = TROUBLE[name]
    connection = process.connect(make)
    with pytest.raises(RetryableError):
        process.source(connection).headers()
    assert process.stored(connection)[0].status is ConnectionStatus.CONNECTED
    provider.answer = None
    process.clock.advance(5)
    assert process.source(connection).headers()["Authorization"].startswith("Bearer access-")


def test_an_answer_lost_after_the_provider_rotated_ends_in_one_refusal_and_a_reason(
    process: Any, provider: Any, make: Any
) -> None:
    provider.sandbox.faults.add(Fault(operation="token", kind="withhold", status=503))
    connection = process.connect(make)
    with pytest.raises(RetryableError):
        process.source(connection).headers()
    assert provider.valid == "refresh-2"
    process.clock.advance(5)
    with pytest.raises(CredentialError):
        process.source(connection).headers()
    stored = process.stored(connection)[0]
    assert stored.status is ConnectionStatus.NEEDS_REAUTH
    assert "an earlier renewal was lost" in str(stored.status_reason)


def test_no_error_quotes_a_secret(process: Any, provider: Any, make: Any) -> None:
    provider.valid = "revoked"
    connection = process.connect(make, refresh_token="canary-refresh")
    with pytest.raises(CredentialError) as caught:
        process.source(connection).headers()
    assert "canary" not in f"{caught.value!r} {caught.value.details} {process.stored(connection)[0]}"


def test_without_its_provider_app_a_connection_needs_a_person(process: Any, provider: Any, make: Any) -> None:
    source = process.source(process.connect(make))
    source.app = None
    with pytest.raises(CredentialError) as caught:
        source.headers()
    assert (caught.value.code, provider.asked) == ("app_missing", 0)


def test_a_provider_app_without_its_client_secret_is_named_as_broken(process: Any, make: Any) -> None:
    connection = process.connect(make)
    sealed = process.vault.seal("ten_a", connection.app_id, {"something": "else"})
    process.apps[connection.app_id] = replace(process.apps[connection.app_id], secret=sealed)
    with pytest.raises(HubError) as caught:
        process.source(connection).headers()
    assert caught.value.code == "app_broken"


def test_a_key_is_sent_as_its_connector_declares_and_never_renewed(process: Any, make: Any) -> None:
    connection = process.connect(make, api_key="k-1")
    source = process.source(connection, KEYED)
    assert source.headers() == {"X-Key": "key k-1"}
    assert not source.refresh()


def test_a_connector_without_authorization_sends_nothing(process: Any, make: Any) -> None:
    plain = Connector("plain", title="Plain", auth=NoAuth())
    source = process.source(process.connect(make), plain)
    assert source.headers() == {}
    assert not source.refresh()


def test_a_credential_of_another_connection_does_not_open(process: Any, make: Any) -> None:
    moved = replace(process.connect(make), id="con_other")
    with pytest.raises(VaultError) as caught:
        process.source(moved).headers()
    assert caught.value.code == "seal_broken"
