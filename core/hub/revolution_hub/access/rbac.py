"""Roles and permissions: one registry, and the decision whether a principal may. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from revolution_hub.errors import AccessError
from revolution_hub.model.principal import Principal

PERMISSIONS = {
    "workflow:read": "see workflows and their versions",
    "workflow:write": "create, change and delete workflow drafts",
    "workflow:publish": "publish a version, which then starts by itself",
    "execution:read": "see executions, their inputs and outputs",
    "execution:start": "start executions, and repeat what was started",
    "execution:cancel": "end an execution early",
    "execution:delete": "remove an execution that has ended, with everything recorded in it",
    "execution:resolve": "say what happened in an uncertain step",
    "event:read": "see events and deliveries, with what they started and why not, and tap them",
    "event:write": "report events of the tenant's own, or under a canonical name",
    "event:replay": "start workflows with events that came in before",
    "integration:read": "see connectors and their actions",
    "connection:read": "see connections, never their secrets",
    "connection:write": "create, re-authorize and delete connections",
    "connection:use": "run an action through a connection",
    "app:write": "register a provider app for this tenant",
    "app:share": "register a provider app for every tenant of the installation",
    "key:write": "make, list and revoke the tenant's API keys",
    "tenant:create": "create tenants of the installation",
}

_READ = frozenset(name for name in PERMISSIONS if name.endswith(":read"))
_INSTALLATION = frozenset({"app:share", "tenant:create"})

ROLES = {
    "host": frozenset(PERMISSIONS),
    "owner": frozenset(PERMISSIONS) - _INSTALLATION,
    "viewer": _READ,
    "guest": frozenset[str](),
}
"""`host` is the first tenant's owner who also runs the installation; the others rule one tenant alone.
A `guest` has nothing but what is shared with it."""


class Right(StrEnum):
    """What a share allows on one workflow; each right has those before it in it."""

    VIEW = "view"
    RUN = "run"
    EDIT = "edit"


_VIEW = frozenset({"workflow:read", "execution:read"})
RIGHTS = {
    Right.VIEW: _VIEW,
    Right.RUN: _VIEW | {"execution:start"},
    Right.EDIT: _VIEW | {"execution:start", "workflow:write"},
}
SHAREABLE = frozenset[str]().union(*RIGHTS.values())
"""The permissions a share can stand in for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why not."""

    allowed: bool
    reason: str = ""


def decide(principal: Principal, permission: str) -> Decision:
    """Decide whether the principal has the permission."""
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is not a permission")
    if permission in principal.permissions:
        return Decision(True)
    return Decision(False, f"the role {principal.role!r} lacks the permission {permission!r}")


def decide_on(principal: Principal, permission: str, shared: Right | None) -> Decision:
    """Decide whether the principal has the permission on a workflow on which it was given this right."""
    decision = decide(principal, permission)
    if decision.allowed or shared is None or permission not in RIGHTS[shared]:
        return decision
    return Decision(True)


def rights_with(permission: str) -> frozenset[Right]:
    """Return the rights that have this permission in them."""
    return frozenset(right for right, held in RIGHTS.items() if permission in held)


def permissions_of(role: str) -> frozenset[str]:
    """Return what a role that comes with the hub allows. An unknown one allows nothing."""
    return ROLES.get(role, frozenset())


def may_hand_out(principal: Principal, role: str) -> bool:
    """Whether a principal may make somebody of this role: a known one that has nothing it lacks itself."""
    return role in ROLES and ROLES[role] <= principal.permissions


def require(principal: Principal, permission: str) -> None:
    """Raise AccessError unless the principal has the permission."""
    _require(decide(principal, permission), permission)


def require_on(principal: Principal, permission: str, shared: Right | None) -> None:
    """Raise AccessError unless the principal has the permission on a workflow, by role or by this right."""
    _require(decide_on(principal, permission, shared), permission)


def _require(decision: Decision, permission: str) -> None:
    if not decision.allowed:
        raise AccessError(decision.reason, details={"permission": permission})
