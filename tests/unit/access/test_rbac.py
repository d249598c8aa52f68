"""Roles and permissions: the whole table, and that nobody unknown may anything."""

import pytest

from revolution_hub.access.rbac import (
    PERMISSIONS,
    RIGHTS,
    ROLES,
    SHAREABLE,
    Right,
    decide,
    decide_on,
    may_hand_out,
    permissions_of,
    require,
    require_on,
    rights_with,
)
from revolution_hub.errors import AccessError
from revolution_hub.model.principal import Principal

READ = {"workflow:read", "execution:read", "integration:read", "connection:read", "event:read"}
INSTALLATION = {"app:share", "tenant:create"}
MAY = {
    "viewer": READ,
    "owner": READ
    | {"workflow:write", "workflow:publish"}
    | {"execution:start", "execution:cancel", "execution:resolve", "execution:delete"}
    | {"connection:write", "connection:use", "app:write", "key:write"}
    | {"event:write", "event:replay"},
    "guest": set(),
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


@pytest.mark.parametrize("role", ["", "Owner", "owner ", "admin", "root", "*", "host\n"])
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
GIVEN = {
    Right.VIEW: SEE,
    Right.RUN: SEE | {"execution:start"},
    Right.EDIT: SEE | {"execution:start", "workflow:write"},
}


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("right", [None, *Right])
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_share_adds_exactly_its_right_to_the_role(role: str, right: Right | None, permission: str) -> None:
    given = GIVEN[right] if right else set()
    decision = decide_on(principal(role), permission, right)
    assert decision.allowed == (permission in MAY[role] | given)
    assert bool(decision.reason) != decision.allowed


def test_each_right_has_those_before_it_in_it() -> None:
    assert set(RIGHTS) == set(GIVEN)
    assert RIGHTS[Right.VIEW] < RIGHTS[Right.RUN] < RIGHTS[Right.EDIT] == SHAREABLE
    assert rights_with("execution:start") == {Right.RUN, Right.EDIT}
    assert rights_with("workflow:publish") == set()


def test_requiring_on_a_workflow_says_what_is_missing() -> None:
    require_on(principal("guest"), "workflow:read", Right.VIEW)
    with pytest.raises(AccessError) as caught:
        require_on(principal("guest"), "workflow:write", Right.RUN)
    assert caught.value.details == {"permission": "workflow:write"}


@pytest.mark.parametrize("mine", ["host", "owner", "viewer", "guest", "nobody"])
@pytest.mark.parametrize("other", ["host", "owner", "viewer", "guest", "nobody"])
def test_nobody_makes_somebody_who_may_more(mine: str, other: str) -> None:
    order = ["guest", "viewer", "owner", "host"]
    known = other in order and (mine in order or other == "guest")
    allowed = known and (other == "guest" or order.index(other) <= order.index(mine))
    assert may_hand_out(principal(mine), other) == allowed
