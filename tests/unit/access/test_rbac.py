"""Roles and permissions: the whole table, and that nobody unknown may anything."""

from itertools import pairwise

import pytest

from revolution_hub.access.rbac import (
    PERMISSIONS,
    RIGHTS,
    ROLES,
    SHAREABLE,
    Right,
    SharedKind,
    decide,
    decide_on,
    given_by,
    permissions_of,
    require,
    require_on,
    rights_with,
    sharers,
)
from revolution_hub.errors import AccessError
from revolution_hub.model.principal import Principal

READ = {"workflow:read", "execution:read", "integration:read", "connection:read", "event:read"}
READ |= {"member:read", "tenant:read", "usage:read"}
INSTALLATION = {"app:share", "plan:write", "tenant:create", "user:manage"}
OPERATOR = READ | {
    *("approval:read", "execution:start", "execution:cancel", "execution:resolve", "event:replay")
}
EDITOR = OPERATOR | {
    *("workflow:write", "workflow:publish", "event:write"),
    *("connection:use", "connection:write", "role:read"),
}
ADMIN = EDITOR | {
    *("app:write", "key:write", "role:write", "integration:write"),
    *("member:write", "service:write", "approval:decide", "audit:read", "audit:export"),
}
MAY: dict[str, set[str]] = {
    "guest": set(),
    "viewer": READ,
    "approver": READ | {"approval:read", "approval:decide"},
    "operator": OPERATOR,
    "editor": EDITOR,
    "admin": ADMIN,
    "owner": ADMIN | {"execution:delete", "tenant:write", "approval:policy", "audit:prune"},
}
MAY["host"] = MAY["owner"] | INSTALLATION


def principal(role: str) -> Principal:
    return Principal(id="key_1", tenant_id="ten_1", role=role, permissions=permissions_of(role), name="Ada")


def test_the_table_here_is_about_all_roles_and_permissions_there_are() -> None:
    assert set(ROLES) == set(MAY)
    assert set(PERMISSIONS) == MAY["host"]


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_role_may_exactly_what_the_table_says(role: str, permission: str) -> None:
    decision = decide(principal(role), permission)
    assert decision.allowed == (permission in MAY[role])
    assert bool(decision.reason) != decision.allowed


@pytest.mark.parametrize("role", ["", "Owner", "owner ", "Admin", "root", "*", "host\n"])
def test_an_unknown_role_may_nothing(role: str) -> None:
    assert not any(decide(principal(role), one).allowed for one in PERMISSIONS)


@pytest.mark.parametrize("permission", ["", "workflow", "workflow:*", "*", "workflow:Read", "workflow:reads"])
def test_a_permission_nobody_declared_is_a_mistake_in_the_program(permission: str) -> None:
    with pytest.raises(ValueError, match="is not a permission"):
        decide(principal("host"), permission)


def test_requiring_says_what_is_missing_and_lets_the_allowed_pass() -> None:
    require(principal("viewer"), "workflow:read")
    with pytest.raises(AccessError) as caught:
        require(principal("viewer"), "workflow:write")
    assert caught.value.code == "forbidden"
    assert caught.value.details == {"permission": "workflow:write"}
    assert caught.value.message == "the role 'viewer' lacks the permission 'workflow:write'"


def test_every_permission_says_what_it_is_for() -> None:
    assert all(text.strip() for text in PERMISSIONS.values())


SEE = {"workflow:read", "execution:read"}
USE = {"connection:read", "connection:use"}
GIVEN: dict[tuple[SharedKind, Right], set[str]] = {
    (SharedKind.WORKFLOW, Right.VIEW): SEE,
    (SharedKind.WORKFLOW, Right.RUN): SEE | {"execution:start"},
    (SharedKind.WORKFLOW, Right.EDIT): SEE | {"execution:start", "workflow:write"},
    (SharedKind.CONNECTION, Right.USE): USE,
    (SharedKind.CONNECTION, Right.EDIT): USE | {"connection:write"},
}


def test_the_table_here_is_about_all_rights_there_are() -> None:
    assert {(kind, right) for kind, rights in RIGHTS.items() for right in rights} == set(GIVEN)
    assert set().union(*GIVEN.values()) == SHAREABLE


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("shared", [None, *GIVEN])
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_share_adds_exactly_its_right_to_the_role(
    role: str, shared: tuple[SharedKind, Right] | None, permission: str
) -> None:
    given = given_by(shared[0], [shared[1]]) if shared else frozenset[str]()
    decision = decide_on(principal(role), permission, given)
    assert decision.allowed == (permission in MAY[role] | (GIVEN[shared] if shared else set()))
    assert bool(decision.reason) != decision.allowed


@pytest.mark.parametrize("kind", SharedKind)
def test_each_right_has_those_before_it_in_it(kind: SharedKind) -> None:
    held = list(RIGHTS[kind].values())
    assert all(less < more for less, more in pairwise(held))


def test_several_shares_of_the_same_add_up_and_a_right_of_another_kind_is_none() -> None:
    both = given_by(SharedKind.WORKFLOW, [Right.VIEW, Right.RUN])
    assert both == GIVEN[SharedKind.WORKFLOW, Right.RUN]
    assert given_by(SharedKind.CONNECTION, [Right.RUN]) == set()
    assert given_by(SharedKind.WORKFLOW, []) == set()


def test_the_rights_that_give_a_permission_are_known() -> None:
    assert rights_with(SharedKind.WORKFLOW, "execution:start") == {Right.RUN, Right.EDIT}
    assert rights_with(SharedKind.CONNECTION, "connection:use") == {Right.USE, Right.EDIT}
    assert rights_with(SharedKind.WORKFLOW, "workflow:publish") == set()


def test_requiring_on_what_is_shared_says_what_is_missing() -> None:
    require_on(principal("guest"), "workflow:read", frozenset(SEE))
    with pytest.raises(AccessError) as caught:
        require_on(principal("guest"), "workflow:write", frozenset(SEE))
    assert caught.value.details == {"permission": "workflow:write"}


def test_something_is_shared_with_a_principal_itself_or_with_its_role() -> None:
    assert sharers(principal("editor")) == ("key_1", "role:editor")
