"""Users: every person of the installation, for who runs it."""

from revolution_hub.access.rbac import require
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.person import User
from revolution_hub.model.principal import Principal
from revolution_hub.store import audit, sessions, users
from revolution_hub.store.paging import Page


def list_users(hub: Hub, principal: Principal, page: Page) -> tuple[list[User], str | None]:
    """Return one page of all users, and the cursor for the next."""
    require(principal, "user:manage")
    with hub.store.read_global() as tx:
        return users.list_users(tx, page)


def get_user(hub: Hub, principal: Principal, user_id: str) -> User:
    """Return a user or raise NotFoundError."""
    require(principal, "user:manage")
    with hub.store.read_global() as tx:
        return users.get_user(tx, user_id)


def disable_user(hub: Hub, principal: Principal, user_id: str) -> User:
    """Let a user in nowhere: sessions end and keys stop working at once, in every tenant."""
    require(principal, "user:manage")
    if user_id == principal.id:
        raise ConflictError("nobody disables themselves; somebody else can", code="own_user")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        users.get_user(tx, user_id)
        if users.set_disabled(tx, user_id, now):
            sessions.remove_sessions(tx, user_id)
            users.drop_resets(tx, user_id)
            audit.append(tx, entry_of(principal, "user.disable", user_id, now))
        return users.get_user(tx, user_id)


def enable_user(hub: Hub, principal: Principal, user_id: str) -> User:
    """Let a disabled user in again, with the memberships and keys there were."""
    require(principal, "user:manage")
    with hub.store.begin(principal.tenant_id) as tx:
        users.get_user(tx, user_id)
        if users.set_disabled(tx, user_id, None):
            audit.append(tx, entry_of(principal, "user.enable", user_id, hub.now()))
        return users.get_user(tx, user_id)
