"""People of one tenant are not there in another: memberships, invitations, service principals, held keys."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.person import Invitation, Membership, ServicePrincipal, User
from revolution_hub.store import across, invitations, people, service_principals, tenants, users
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Store, Tx

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PAGE = Page(limit=200)
USER = User(id="usr_b", email="b@example.com", name="canary-b", created_at=NOW)
MEMBERSHIP = Membership(tenant_id="ten_b", user_id="usr_b", role="owner", created_at=NOW, added_by="key_b")
INVITATION = Invitation(
    id="inv_b",
    tenant_id="ten_b",
    link_hash="link-b",
    role="owner",
    email="c@example.com",
    created_by="usr_b",
    created_at=NOW,
    expires_at=datetime(2026, 12, 22, tzinfo=UTC),
)
SERVICE = ServicePrincipal(
    id="svc_b", tenant_id="ten_b", name="canary-b", role="owner", created_by="key_b", created_at=NOW
)

Act = Callable[[Tx], Any]

FINDS_NOTHING: dict[str, Act] = {
    "people.find_membership": lambda tx: people.find_membership(tx, "usr_b"),
    "people.get_member": lambda tx: people.get_member(tx, "usr_b"),
    "people.list_members": lambda tx: people.list_members(tx, PAGE)[0],
    "people.count_members": people.count_members,
    "people.list_with_role": lambda tx: people.list_with_role(tx, ["owner"]),
    "invitations.get": lambda tx: invitations.get(tx, "inv_b"),
    "invitations.list_page": lambda tx: invitations.list_page(tx, PAGE)[0],
    "service_principals.get": lambda tx: service_principals.get(tx, "svc_b"),
    "service_principals.list_page": lambda tx: service_principals.list_page(tx, PAGE)[0],
}

CHANGES_NOTHING: dict[str, Act] = {
    "people.set_role": lambda tx: people.set_role(tx, "usr_b", "viewer"),
    "people.remove_membership": lambda tx: people.remove_membership(tx, "usr_b"),
    "invitations.accept": lambda tx: invitations.accept(tx, "inv_b", "usr_a", NOW),
    "invitations.revoke": lambda tx: invitations.revoke(tx, "inv_b", NOW),
    "invitations.revoke_by": lambda tx: invitations.revoke_by(tx, "usr_b", NOW),
    "service_principals.change": lambda tx: service_principals.change(tx, "svc_b", name="x", role="host"),
    "service_principals.remove": lambda tx: service_principals.remove(tx, "svc_b"),
}
ADDS = {"people.add_membership", "invitations.add", "service_principals.add"}


@pytest.fixture
def filled(store: Store) -> Store:
    """Fill tenant B with one of everything."""
    with store.begin_across() as across_tx:
        tenants.add_tenant(across_tx, "ten_b", "B", NOW)
        tx = across_tx.of("ten_b")
        tenants.add_api_key(
            tx, "key_held", name="held", key_hash="hash-held", role="owner", now=NOW, holder_id="usr_b"
        )
        users.add_user(tx, USER)
        people.add_membership(tx, MEMBERSHIP)
        invitations.add(tx, INVITATION)
        service_principals.add(tx, SERVICE)
    return store


def everything(store: Store) -> list[Any]:
    with store.read_across() as tx:
        return [tx.conn.execute(sa.select(table)).all() for table in t.metadata.sorted_tables]


@pytest.mark.parametrize("name", FINDS_NOTHING)
def test_nobody_of_another_tenant_is_found(name: str, filled: Store) -> None:
    with filled.read("ten_b") as tx:
        assert FINDS_NOTHING[name](tx)
    with filled.read("ten_a") as tx:
        try:
            found = FINDS_NOTHING[name](tx)
        except NotFoundError:
            found = None
    assert not found


@pytest.mark.parametrize("name", CHANGES_NOTHING)
def test_nobody_of_another_tenant_is_changed(name: str, filled: Store) -> None:
    before = everything(filled)
    with filled.begin("ten_a") as tx:
        assert not CHANGES_NOTHING[name](tx)
    assert everything(filled) == before
    with filled.begin("ten_b") as tx:
        assert CHANGES_NOTHING[name](tx)


def test_every_function_about_people_is_tried_here() -> None:
    declared = {
        f"{noun.__name__.rpartition('.')[2]}.{name}"
        for noun in (people, invitations, service_principals)
        for name, function in inspect.getmembers(noun, inspect.isfunction)
        if function.__module__ == noun.__name__ and not name.startswith("_")
    }
    assert declared == set(FINDS_NOTHING) | set(CHANGES_NOTHING) | ADDS


def test_a_key_speaks_for_its_holder_as_long_as_that_one_is_a_member(filled: Store) -> None:
    known = across.find_api_key(filled, "hash-held")
    assert known is not None
    assert known.holder is not None
    assert (known.holder.name, known.holder.role, known.is_good) == ("canary-b", "owner", True)
    with filled.begin("ten_b") as tx:
        users.set_disabled(tx, "usr_b", NOW)
    known = across.find_api_key(filled, "hash-held")
    assert known is not None
    assert (known.holder, known.is_good) == (None, False)
    # A membership of the same user elsewhere does not count.
    with filled.begin("ten_a") as tx:
        users.set_disabled(tx, "usr_b", None)
        people.add_membership(tx, replace(MEMBERSHIP, tenant_id="ten_a"))
    with filled.begin("ten_b") as tx:
        people.remove_membership(tx, "usr_b")
    known = across.find_api_key(filled, "hash-held")
    assert known is not None
    assert not known.is_good
