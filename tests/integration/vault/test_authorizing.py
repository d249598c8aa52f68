"""People authorize connections: a grant is tried first, belongs to one account, and is not lost silently."""

from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.errors import AccessError, ConflictError, InputError, NotFoundError
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services import apps, connections
from revolution_hub.services.apps import NewApp
from revolution_hub.services.connections import NewConnection
from revolution_hub.store.paging import Page


def principal(key_id: str, tenant_id: str, role: str) -> Principal:
    return Principal(id=key_id, tenant_id=tenant_id, role=role, permissions=permissions_of(role))


OWNER = principal("key_1", "ten_a", "owner")
VIEWER = principal("key_2", "ten_a", "viewer")
STRANGER = principal("key_3", "ten_b", "owner")
GRANT = {"refresh_token": "refresh-1"}


def wanted(process: Any, app_id: str | None, **more: Any) -> NewConnection:
    defaults = {"name": "main", "credential": GRANT, "base_url": process.base_url, "app": app_id}
    return NewConnection(**{**defaults, **more})


@pytest.fixture
def app_id(process: Any) -> str:
    """A provider app of tenant A."""
    made = apps.create_app(process.hub, OWNER, "acme", NewApp(client_id="client", client_secret="app-secret"))
    return str(made.app.id)


def problems(act: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        act()
    return [(one.path, one.code) for one in caught.value.problems]


def test_a_grant_that_works_becomes_a_connection_to_its_account(process: Any, app_id: str) -> None:
    made = connections.create_connection(process.hub, OWNER, "acme", wanted(process, app_id))
    stored, document = process.stored(made)
    assert (stored.account, stored.status) == ("7", ConnectionStatus.CONNECTED)
    assert (document["access_token"], document["refresh_token"]) == ("access-1", "refresh-2")


def test_a_grant_the_provider_refuses_becomes_nothing(process: Any, provider: Any, app_id: str) -> None:
    provider.valid = "other"
    refused = problems(
        lambda: connections.create_connection(process.hub, OWNER, "acme", wanted(process, app_id))
    )
    assert refused == [("credential", "grant_refused")]
    assert connections.list_connections(process.hub, OWNER, "acme", Page()) == ([], None)


@pytest.mark.parametrize(
    ("more", "expect"),
    [
        ({"credential": {}}, [("credential", "invalid")]),
        ({"credential": {"refresh_token": ""}}, [("credential", "invalid")]),
        ({"credential": {"refresh_token": "r", "x": 1}}, [("credential", "invalid")]),
        ({"base_url": "http://127.0.0.1:1/"}, [("base_url", "address_blocked")]),
        ({"base_url": "file:///etc/passwd"}, [("base_url", "address_blocked")]),
        ({"base_url": "http://["}, [("base_url", "address_blocked")]),
        ({"credential": 7}, [("credential", "invalid")]),
        ({"auth": "basic"}, [("auth", "invalid")]),
    ],
)
def test_what_does_not_fit_is_refused_before_anybody_is_asked(
    more: Any, expect: Any, process: Any, provider: Any, app_id: str
) -> None:
    document = wanted(process, app_id, **more)
    assert problems(lambda: connections.create_connection(process.hub, OWNER, "acme", document)) == expect
    assert provider.asked == 0


def test_another_tenants_app_is_not_there(process: Any, provider: Any, app_id: str) -> None:
    with pytest.raises(NotFoundError):
        connections.create_connection(process.hub, STRANGER, "acme", wanted(process, app_id))
    assert provider.asked == 0


def test_only_the_host_may_share_an_app_and_a_shared_one_serves_every_tenant(process: Any) -> None:
    shared = NewApp(client_id="client", client_secret="app-secret", shared=True)
    with pytest.raises(AccessError):
        apps.create_app(process.hub, OWNER, "acme", shared)
    host = principal("key_0", "ten_a", "host")
    app = apps.create_app(process.hub, host, "acme", shared).app
    made = connections.create_connection(process.hub, STRANGER, "acme", wanted(process, app.id))
    assert made.tenant_id == "ten_b"


def test_authorizing_anew_replaces_the_grant_and_counts_as_a_persons_change(
    process: Any, provider: Any, app_id: str
) -> None:
    made = connections.create_connection(process.hub, OWNER, "acme", wanted(process, app_id))
    renewed = connections.reauthorize(process.hub, OWNER, "acme", made.id, {"refresh_token": provider.valid})
    assert (renewed.revision, renewed.credential.version) == (2, 2)
    assert process.stored(renewed)[1]["access_token"] == "access-2"


def test_a_grant_of_another_account_cannot_take_a_connections_place(
    process: Any, provider: Any, app_id: str
) -> None:
    made = connections.create_connection(process.hub, OWNER, "acme", wanted(process, app_id))
    provider.account = 8
    new = {"refresh_token": provider.valid}
    assert problems(lambda: connections.reauthorize(process.hub, OWNER, "acme", made.id, new)) == [
        ("credential", "other_account")
    ]
    stored, document = process.stored(made)
    assert (stored, document["access_token"]) == (made, "access-1")


def test_a_grant_that_was_overtaken_by_a_refresh_is_not_lost_silently(
    process: Any, provider: Any, app_id: str
) -> None:
    made = connections.create_connection(process.hub, OWNER, "acme", wanted(process, app_id))
    process.apps[app_id] = process.app(app_id)
    provider.meanwhile.append(lambda: process.source(made).refresh())
    with pytest.raises(ConflictError, match="changed meanwhile"):
        connections.reauthorize(process.hub, OWNER, "acme", made.id, {"refresh_token": "refresh-3"})
    assert process.stored(made)[1]["access_token"] == "access-2"


def test_a_refusal_of_the_old_grant_while_a_person_authorizes_anew_accuses_nobody(
    process: Any, provider: Any, make: Any
) -> None:
    connection = process.connect(make, refresh_token="revoked")
    new = {"refresh_token": "refresh-1"}
    provider.meanwhile.append(lambda: connections.reauthorize(process.hub, OWNER, "acme", connection.id, new))
    assert process.source(connection).headers() == {"Authorization": "Bearer access-1"}
    stored, _ = process.stored(connection)
    assert (stored.status, stored.revision) == (ConnectionStatus.CONNECTED, 2)


@pytest.mark.parametrize("principal", [VIEWER, STRANGER])
def test_nobody_else_changes_a_connection(principal: Principal, process: Any, make: Any) -> None:
    connection = process.stored(process.connect(make))[0]
    for act in (
        lambda: connections.reauthorize(process.hub, principal, "acme", connection.id, GRANT),
        lambda: connections.delete_connection(process.hub, principal, "acme", connection.id),
    ):
        with pytest.raises((AccessError, NotFoundError)):
            act()
    assert process.stored(connection)[0] == connection
