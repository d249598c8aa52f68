"""Roles and permissions: one registry, and the decision whether a principal may. Pure."""

from dataclasses import dataclass

from revolution_hub.errors import AccessError
from revolution_hub.model.principal import Principal

PERMISSIONS = {
    "workflow:read": "see workflows and their versions",
    "workflow:write": "create, change and delete workflow drafts",
    "workflow:publish": "publish a version, which then starts by itself",
    "execution:read": "see executions, their inputs and outputs",
    "execution:start": "start executions, and repeat what was started",
    "execution:cancel": "end an execution early",
    "execution:resolve": "say what happened in an uncertain step",
    "integration:read": "see connectors and their actions",
    "connection:read": "see connections, never their secrets",
    "connection:write": "create, re-authorize and delete connections",
    "connection:use": "run an action through a connection",
    "app:write": "register a provider app for this tenant",
    "app:share": "register a provider app for every tenant of the installation",
    "tenant:create": "create tenants of the installation",
}

_READ = frozenset(name for name in PERMISSIONS if name.endswith(":read"))
_INSTALLATION = frozenset({"app:share", "tenant:create"})

ROLES = {
    "host": frozenset(PERMISSIONS),
    "owner": frozenset(PERMISSIONS) - _INSTALLATION,
    "viewer": _READ,
}
"""`host` is the first tenant's owner who also runs the installation; the others rule one tenant alone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why not."""

    allowed: bool
    reason: str = ""


def decide(principal: Principal, permission: str) -> Decision:
    """Decide whether the principal has the permission. An unknown role has none."""
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is not a permission")
    if permission in ROLES.get(principal.role, frozenset()):
        return Decision(True)
    return Decision(False, f"the role {principal.role!r} lacks the permission {permission!r}")


def require(principal: Principal, permission: str) -> None:
    """Raise AccessError unless the principal has the permission."""
    decision = decide(principal, permission)
    if not decision.allowed:
        raise AccessError(decision.reason, details={"permission": permission})
