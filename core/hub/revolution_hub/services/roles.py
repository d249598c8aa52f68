"""Roles: those that come with the hub, and those a tenant makes of the permissions there are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from revolution_hub.access.rbac import INSTALLATION, ROLE_PREFIX, ROLES, TENANT_PERMISSIONS, require
from revolution_hub.access.roles import require_has
from revolution_hub.errors import ConflictError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.principal import Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import audit, principals, roles, shares
from revolution_hub.store.paging import Page
from revolution_hub.store.roles import StoredRole
from revolution_sdk.types import JsonObject

NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*\Z")
LONGEST_NAME = 32
"""`role:` and a name fit where a principal's id stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What those who have a role may. One that comes with the hub is never changed and has no revision."""

    name: str
    description: str
    permissions: tuple[str, ...]
    built_in: bool = False
    revision: int = 0


def list_roles(hub: Hub, principal: Principal, page: Page) -> tuple[list[Role], str | None]:
    """Return one page of the tenant's own roles, behind those that come with the hub on the first one."""
    require(principal, "role:read")
    with hub.store.read(principal.tenant_id) as tx:
        found, cursor = roles.list_page(tx, page)
    first = [_built_in(name) for name in ROLES] if page.after is None else []
    return [*first, *map(_own, found)], cursor


def get_role(hub: Hub, principal: Principal, name: str) -> Role:
    """Return a role or raise NotFoundError."""
    require(principal, "role:read")
    if name in ROLES:
        return _built_in(name)
    with hub.store.read(principal.tenant_id) as tx:
        return _own(roles.get(tx, name))


def create_role(
    hub: Hub,
    principal: Principal,
    name: str,
    description: str,
    permissions: Sequence[str],
    once: Once | None = None,
) -> Role:
    """Make a role of permissions the principal has itself; the names of the hub's own roles are taken."""
    require(principal, "role:write")
    _require_valid(_name_problems(name) + _permission_problems(permissions))
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return _own(roles.get(tx, made))
        require_has(principal, frozenset(permissions), f"cannot make the role {name!r}")
        remember(tx, principal, once, name, now)
        role = StoredRole(
            name=name,
            tenant_id=principal.tenant_id,
            description=description,
            permissions=sorted(set(permissions)),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        roles.add(tx, role)
        audit.append(tx, entry_of(principal, "role.create", name, now, after=_fields(role)))
    return _own(role)


def replace_role(
    hub: Hub, principal: Principal, name: str, description: str, permissions: Sequence[str], *, revision: int
) -> Role:
    """Change what a role allows. Nobody gives what it lacks, nor changes a role that has more than itself."""
    require(principal, "role:write")
    _require_own(name)
    _require_valid(_permission_problems(permissions))
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        present = roles.get(tx, name)
        touched = {*permissions, *present.permissions}
        require_has(principal, TENANT_PERMISSIONS & touched, f"cannot change the role {name!r}")
        changed = replace(
            present,
            description=description,
            permissions=sorted(set(permissions)),
            revision=revision + 1,
            updated_at=now,
        )
        if not roles.replace(tx, changed, revision):
            raise ConflictError("the role was changed meanwhile; read it again", code="stale_revision")
        entry = entry_of(principal, "role.change", name, now, before=_fields(present), after=_fields(changed))
        audit.append(tx, entry)
    return _own(changed)


def delete_role(hub: Hub, principal: Principal, name: str) -> None:
    """Delete a role and what is shared with it; raises ConflictError naming those who have it."""
    require(principal, "role:write")
    _require_own(name)
    with hub.store.begin(principal.tenant_id) as tx:
        present = roles.get(tx, name)
        held = TENANT_PERMISSIONS & frozenset(present.permissions)
        require_has(principal, held, f"cannot delete the role {name!r}")
        who = principals.with_role(tx, name)
        if who:
            raise ConflictError(
                f"the role {name!r} is in use: {', '.join(who)}",
                code="role_in_use",
                details={"principals": list(who)},
            )
        roles.remove(tx, name)
        shares.remove_all_with(tx, ROLE_PREFIX + name)
        audit.append(tx, entry_of(principal, "role.delete", name, hub.now(), before=_fields(present)))


def _require_own(name: str) -> None:
    if name in ROLES:
        raise ConflictError(f"the role {name!r} comes with the hub and stays as it is", code="built_in_role")


def _require_valid(problems: list[Problem]) -> None:
    if problems:
        raise InputError("the role is not valid", problems)


def _name_problems(name: str) -> list[Problem]:
    if name in ROLES:
        message = "a role of this name comes with the hub"
        return [Problem(path="name", message=message, code="name_taken")]
    if len(name) > LONGEST_NAME or not NAME.match(name):
        message = f"at most {LONGEST_NAME} lower case letters and digits, joined by - or _, a letter first"
        return [Problem(path="name", message=message)]
    return []


def _permission_problems(permissions: Sequence[str]) -> list[Problem]:
    problems = []
    for index, one in enumerate(permissions):
        if one not in TENANT_PERMISSIONS:
            about = "is about the installation" if one in INSTALLATION else "does not exist"
            message = f"the permission {one[:80]!r} {about}"
            problems.append(Problem(path=f"permissions[{index}]", message=message, code="unknown_permission"))
    return problems


def _fields(role: StoredRole) -> JsonObject:
    return {"description": role.description} | dict.fromkeys(role.permissions, True)


def _built_in(name: str) -> Role:
    return Role(name=name, description="", permissions=tuple(sorted(ROLES[name])), built_in=True)


def _own(role: StoredRole) -> Role:
    return Role(
        name=role.name,
        description=role.description,
        permissions=tuple(role.permissions),
        revision=role.revision,
    )
