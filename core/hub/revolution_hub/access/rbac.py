"""Roles and permissions: one registry, and the decision whether a principal may. Pure."""

from collections.abc import Iterable
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
    "integration:write": "turn integrations and single actions on and off, and change their settings",
    "connection:read": "see connections, never their secrets",
    "connection:write": "create, re-authorize and delete connections",
    "connection:use": "run an action through a connection",
    "app:write": "register a provider app for this tenant",
    "app:share": "register a provider app for every tenant of the installation",
    "approval:read": "see what people are asked before an action is called, with its input",
    "approval:decide": "say yes or no to what one is asked, but never to one's own request",
    "approval:policy": "say which actions need an approval",
    "key:write": "make, list and revoke the tenant's API keys",
    "member:read": "see who is a member, and as what",
    "member:write": "invite people, give them roles and remove them; make links for new passwords",
    "service:write": "make, change and remove service principals",
    "tenant:read": "see the tenant's name",
    "tenant:write": "rename the tenant",
    "role:read": "see roles and what each allows",
    "role:write": "make, change and delete roles of the tenant's own",
    "audit:read": "see who has changed what, and from where",
    "audit:export": "take the audit log out as a file",
    "audit:prune": "remove audit entries that are older than anything must be kept",
    "usage:read": "see what the tenant has used, its plan and its limits",
    "plan:write": "make plans, and give tenants of the installation a plan and limits of their own",
    "tenant:create": "create tenants of the installation",
    "user:manage": "see, disable and enable every user of the installation",
}

INSTALLATION = frozenset({"app:share", "plan:write", "tenant:create", "user:manage"})
"""What concerns every tenant of the installation; no role that a tenant makes holds it."""
TENANT_PERMISSIONS = frozenset(PERMISSIONS) - INSTALLATION

_VIEWER = frozenset(
    {
        *("workflow:read", "execution:read", "event:read", "integration:read", "connection:read"),
        *("tenant:read", "member:read", "usage:read"),
    }
)
_OPERATOR = _VIEWER | {
    *("approval:read", "execution:start", "execution:cancel", "execution:resolve", "event:replay")
}
_EDITOR = _OPERATOR | {
    *("workflow:write", "workflow:publish", "event:write"),
    *("connection:use", "connection:write", "role:read"),
}
_OWNERS_ALONE = frozenset({"execution:delete", "tenant:write", "approval:policy", "audit:prune"})

ROLES = {
    "host": frozenset(PERMISSIONS),
    "owner": TENANT_PERMISSIONS,
    "admin": TENANT_PERMISSIONS - _OWNERS_ALONE,
    "editor": _EDITOR,
    "operator": _OPERATOR,
    "viewer": _VIEWER,
    "approver": _VIEWER | {"approval:read", "approval:decide"},
    "guest": frozenset[str](),
}
"""The roles that come with the hub; nobody makes another one of such a name.

`host` is the first tenant's owner who also runs the installation; the others rule one tenant alone.
A `guest` has nothing but what is shared with it.
"""


class SharedKind(StrEnum):
    """What can be shared one by one."""

    WORKFLOW = "workflow"
    CONNECTION = "connection"


class Right(StrEnum):
    """What a share allows on what is shared; which of them there are depends on its kind."""

    VIEW = "view"
    RUN = "run"
    USE = "use"
    EDIT = "edit"


_VIEW = frozenset({"workflow:read", "execution:read"})
_USE = frozenset({"connection:read", "connection:use"})
RIGHTS: dict[SharedKind, dict[Right, frozenset[str]]] = {
    SharedKind.WORKFLOW: {
        Right.VIEW: _VIEW,
        Right.RUN: _VIEW | {"execution:start"},
        Right.EDIT: _VIEW | {"execution:start", "workflow:write"},
    },
    SharedKind.CONNECTION: {
        Right.USE: _USE,
        Right.EDIT: _USE | {"connection:write"},
    },
}
"""Of each kind the rights there are, and the permissions each gives; each has those before it in it."""

SHAREABLE = frozenset[str]().union(*(held for rights in RIGHTS.values() for held in rights.values()))
"""The permissions a share can stand in for."""

ON_WORKFLOWS = frozenset[str]().union(*RIGHTS[SharedKind.WORKFLOW].values())
"""The permissions that can be held on single workflows."""

ROLE_PREFIX = "role:"


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


def decide_on(principal: Principal, permission: str, given: frozenset[str]) -> Decision:
    """Decide whether the principal has the permission on what was shared with these permissions."""
    decision = decide(principal, permission)
    return Decision(True) if permission in given else decision


def given_by(kind: SharedKind, rights: Iterable[Right]) -> frozenset[str]:
    """Return the permissions that these rights on something of a kind give."""
    return frozenset[str]().union(*(RIGHTS[kind].get(one, ()) for one in rights))


def rights_with(kind: SharedKind, permission: str) -> frozenset[Right]:
    """Return the rights on something of a kind that have this permission in them."""
    return frozenset(right for right, held in RIGHTS[kind].items() if permission in held)


def sharers(principal: Principal) -> tuple[str, str]:
    """Return under which names something is shared with a principal: its own id, and its role."""
    return principal.id, ROLE_PREFIX + principal.role


def permissions_of(role: str) -> frozenset[str]:
    """Return what a role that comes with the hub allows. An unknown one allows nothing."""
    return ROLES.get(role, frozenset())


def require(principal: Principal, permission: str) -> None:
    """Raise AccessError unless the principal has the permission."""
    _require(decide(principal, permission), permission)


def require_on(principal: Principal, permission: str, given: frozenset[str]) -> None:
    """Raise AccessError unless the principal has the permission by role or by what was shared."""
    _require(decide_on(principal, permission, given), permission)


def _require(decision: Decision, permission: str) -> None:
    if not decision.allowed:
        raise AccessError(decision.reason, details={"permission": permission})
