"""Nothing is asked for without a permission: every route declares one, every service function requires it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from revolution_hub.access.rbac import PERMISSIONS, ROLES
from revolution_hub.api.app import make_api, make_fastapi, require_declared
from revolution_hub.api.doors import route
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.model.time import utc_now
from revolution_hub.model.webhook import METHODS
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault

SERVICES = "core/hub/revolution_hub/services/"
API = "core/hub/revolution_hub/api/"

PUBLIC = {
    ("GET", "/api/health"),
    ("GET", "/api/schemas/workflow"),
    *((method, "/api/session") for method in ("GET", "POST", "DELETE")),
    *((method, "/api/session/tenant") for method in ("PUT", "DELETE")),
    ("PUT", "/api/session/password"),
    ("POST", "/api/session/invitations"),
    ("GET", "/api/session/identities"),
    ("DELETE", "/api/session/identities/{identity_id}"),
    ("GET", "/api/sessions"),
    ("DELETE", "/api/sessions"),
    ("DELETE", "/api/sessions/{session_id}"),
    ("GET", "/api/principal"),
    ("POST", "/api/passwords"),
    ("POST", "/api/invitations/accept"),
    ("GET", "/api/oidc"),
    ("POST", "/api/oidc/{provider}/login"),
    ("POST", "/api/oidc/{provider}/link"),
    ("GET", "/api/oidc/{provider}/callback"),
    ("POST", "/hooks/callbacks/{execution_id}/{step}/{mark}"),
    *((method, "/approve/{token}") for method in ("GET", "HEAD", "POST")),
    ("GET", "/hooks/apps/{connector}/{app_key}"),
    ("POST", "/hooks/apps/{connector}/{app_key}"),
    *((method, "/hooks/{key}") for method in METHODS),
}
"""The only routes without a permission; each says in its declaration what protects it."""

WITHOUT_REQUIRE = {
    "idempotency.py first_made": "joins the transaction of a function that has required",
    "idempotency.py remember": "joins the transaction of a function that has required",
    "guard.py require_on_workflow": "is what requires",
    "guard.py require_on_execution": "is what requires",
    "guard.py require_on_schedule": "is what requires",
    "guard.py require_on_connection": "is what requires",
    "guard.py require_through": "is what requires",
    "keeping.py drafted": "keeps nothing",
    "keeping.py keep_new": "goes on for a function that has required",
    "keeping.py keep_again": "goes on for a function that has required",
    "sharing.py give": "joins the transaction of a function that has required",
    "sharing.py take_back": "joins the transaction of a function that has required",
    "guard.py require_some": "is what requires",
    "guard.py may_see": "joins the transaction of a function that has required",
    "guard.py visible": "joins the transaction of a function that has required",
}
"""Functions of services with a principal that require nothing themselves, each with the reason."""

WITHOUT_PRINCIPAL = {
    "webhooks.py fresh_hook": "makes what a function that has required keeps",
    "triggers.py schedules_for": "joins the transaction of a function that has required",
    "triggers.py listeners_for": "joins the transaction of a function that has required",
    "approval_links.py read_link": "for whoever has an unguessable link, which shows one approval",
    "approval_links.py answer_link": "for the person an unguessable link was made for",
    "quotas.py require_within": "joins the transaction of a function that has required",
    "executions.py read_for_hook": "for a caller whose delivery a hook has let in",
    "tenants.py find_principal": "finds out who asks in the first place",
    "sessions.py principal_of_visit": "finds out who asks in the first place",
    "sessions.py log_in": "finds out who asks in the first place",
    "sessions.py find_visit": "finds out who asks in the first place",
    "sessions.py open_session": "for who has proven who that is",
    "sessions.py new_session": "makes what a function keeps to which somebody has proven who that is",
    "sessions.py start_in": "joins the transaction of a function that has let somebody in",
    "sessions.py writing_for": "what is one's own, shown by a session",
    "sessions.py note": "joins the transaction of a function about what is one's own",
    "sessions.py list_tenants_of": "what is one's own, shown by a session",
    "sessions.py switch_tenant": "what is one's own, shown by a session",
    "sessions.py list_sessions": "what is one's own, shown by a session",
    "sessions.py end_session": "what is one's own, shown by a session",
    "sessions.py end_sessions": "what is one's own, shown by a session",
    "members.py leave": "what is one's own, shown by a session",
    "new_passwords.py change_password": "what is one's own, shown by a session and the password",
    "new_passwords.py use_reset": "for who shows an unguessable token",
    "joining.py join": "joins the transaction of a function that has let somebody in",
    "joining.py open_invitation": "for who shows an unguessable token",
    "invitations.py accept_as_new": "for who shows an unguessable token",
    "invitations.py accept_signed_in": "for who shows an unguessable token, and a session",
    "oauth_pages.py page_of": "computes for a function that has required",
    "oauth_pages.py redirect_uri": "computes for a function that has required",
    "oauth_pages.py known_app": "reads for a function that has required",
    "oauth_pages.py require_named_by_operator": "computes for a function that has required",
    "oidc.py begin_login": "proves nothing yet",
    "oidc.py finish_login": "finds out who asks in the first place",
    "oidc.py list_identities": "what is one's own, shown by a session",
    "oidc.py unlink": "what is one's own, shown by a session",
}
"""Functions of services that are given the Hub but no principal, each with the reason."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}")
    pool = SharedPool(Guard())
    yield Hub(
        settings=Settings(),
        store=store,
        vault=Vault(MasterKey(bytes(range(32))), store, utc_now),
        catalog=Catalog(),
        egress=Egress(pool),
        wake=lambda: None,
        now=utc_now,
        process="test",
    )
    pool.close()
    store.close()


def marks(app: FastAPI) -> dict[tuple[str, str], dict[str, str]]:
    """Return what each route declares, by method and path."""
    return {
        (method, one.path): one.openapi_extra or {}
        for one in app.routes
        if isinstance(one, APIRoute)
        for method in one.methods
    }


REQUIRES = {"require": 1, "require_some": 1} | dict.fromkeys(
    (
        *("require_on_workflow", "require_on_execution", "require_on_schedule"),
        *("require_on_connection", "require_through"),
    ),
    2,
)
"""What a service may begin with, and which argument is the permission. All but the first ask for shares."""


def public_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [one for one in tree.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]


def parameters(function: ast.FunctionDef) -> set[str]:
    return {one.arg for one in [*function.args.args, *function.args.kwonlyargs]}


def required(function: ast.FunctionDef) -> set[str]:
    """Return the permissions the first statement behind the docstring requires, empty if it does not."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    call = body[0].value if body and isinstance(body[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) not in REQUIRES:
        return set()
    at = REQUIRES[ast.unparse(call.func)]
    if ast.unparse(call.args[at - 1]) != "principal":
        return set()
    constants = [one.value for one in ast.walk(call.args[at]) if isinstance(one, ast.Constant)]
    return {one for one in constants if isinstance(one, str)}


def asks_for_shares(function: ast.FunctionDef) -> bool:
    """Whether the function is for those as well with whom a workflow is shared."""
    statements = [
        one for one in function.body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)
    ]
    return bool(statements) and ast.unparse(statements[0].value).startswith(
        ("require_on_", "require_through", "require_some")
    )


def showing_everything(services: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield what is open to those with a share, and is neither narrowed to that nor asked for one by one."""
    for name, tree in services.items():
        for function in public_functions(tree):
            called = [ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)]
            asking = {one.name for one in public_functions(tree) if required(one) and asks_for_shares(one)}
            narrowed = ({"visible", *REQUIRES, *asking} - {"require_some", function.name}) & set(called)
            if "require_some" in called and not narrowed:
                yield f"{name} {function.name}"


def unguarded(services: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield the functions with a principal that do not begin with a known permission being required."""
    for name, tree in services.items():
        for function in public_functions(tree):
            wanted = required(function)
            guarded = bool(wanted) and wanted <= set(PERMISSIONS)
            if "principal" in parameters(function) and not guarded:
                yield f"{name} {function.name}"


def asking_for_nobody(services: Mapping[str, ast.Module]) -> Iterator[str]:
    for name, tree in services.items():
        for function in public_functions(tree):
            if "hub" in parameters(function) and "principal" not in parameters(function):
                yield f"{name} {function.name}"


def declared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, bool] | None:
    """Return a route's permission and whether it is shared, None if it is no route or a public one."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "route":
            values = {one.arg: one.value for one in decorator.keywords}
            shared = "shared" in values and bool(ast.literal_eval(values["shared"]))
            return str(ast.literal_eval(values["permission"])), shared
    return None


def asked(function: ast.AST, services: Mapping[str, ast.Module]) -> list[tuple[set[str], bool]]:
    """Return what each service function the route calls in the principal's name requires, and of whom."""
    found = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        tree = services.get(f"{ast.unparse(node.func.value)}.py")
        for one in public_functions(tree) if tree else []:
            if one.name == node.func.attr and "principal" in map(ast.unparse, node.args):
                found.append((required(one), asks_for_shares(one)))
    return found


def at_odds(api: Mapping[str, ast.Module], services: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield the routes whose permission is not the one their service requires."""
    for path, tree in api.items():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            marked = declared(function)
            if marked is None:
                continue
            permission, shared = marked
            wanted = asked(function, services)
            if not wanted or any(permission not in one for one, _ in wanted):
                names = [one for one, _ in wanted]
                yield f"{path} {function.name}: {permission} is declared, {names} required"
            elif any(asks != shared for _, asks in wanted):
                yield f"{path} {function.name}: a share counts at the door or in the service, not in both"


def room(core: Mapping[str, ast.Module], beginning: str) -> dict[str, ast.Module]:
    return {path.removeprefix(beginning): tree for path, tree in core.items() if path.startswith(beginning)}


def test_every_route_declares_a_permission_or_why_it_is_public(hub: Hub) -> None:
    app = make_fastapi(hub)
    require_declared(app)
    found = marks(app)
    assert len(found) >= 20
    assert {place for place, mark in found.items() if "x-permission" not in mark} == PUBLIC
    assert all(len(found[place]["x-public"]) > 10 for place in PUBLIC)


def test_every_declared_permission_exists_and_is_used(hub: Hub) -> None:
    used = {mark["x-permission"] for mark in marks(make_fastapi(hub)).values() if "x-permission" in mark}
    assert used <= set(PERMISSIONS)
    assert set(PERMISSIONS) - used == {"app:share"}, "app:share is required within app:write's route"
    assert set().union(*ROLES.values()) == set(PERMISSIONS)


def test_a_route_without_declaration_stops_the_start(hub: Hub) -> None:
    app = make_fastapi(hub)
    app.add_api_route("/api/everything", lambda: {}, methods=["GET"])
    with pytest.raises(RuntimeError, match="/api/everything declares no permission"):
        require_declared(app)


def test_a_permission_that_does_not_exist_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="'workflow:admire' is not a permission"):
        route(APIRouter(), "GET", "/api/workflows", permission="workflow:admire")


def test_a_declared_permission_lets_nobody_in_without_a_key(hub: Hub) -> None:
    places = [place for place, mark in marks(make_fastapi(hub)).items() if "x-permission" in mark]
    with TestClient(make_api(hub)) as client:
        for method, path in places:
            answer = client.request(method, path.replace("{", "").replace("}", ""))
            assert (method, path, answer.status_code) == (method, path, 401)


def test_every_service_begins_with_what_it_requires(core: dict[str, ast.Module]) -> None:
    services = room(core, SERVICES)
    assert set(unguarded(services)) == set(WITHOUT_REQUIRE)
    assert set(asking_for_nobody(services)) == set(WITHOUT_PRINCIPAL)


def test_a_service_that_requires_nothing_is_found() -> None:
    late = "def drop(hub, principal):\n    hub.drop()\n    require(principal, 'workflow:write')\n"
    misspelt = "def rename(hub, principal):\n    '''Rename.'''\n    require(principal, 'workflow:wright')\n"
    good = "def read(hub, principal):\n    '''Read.'''\n    require(principal, 'workflow:read')\n"
    planted = {"workflows.py": ast.parse(late + misspelt + good)}
    assert list(unguarded(planted)) == ["workflows.py drop", "workflows.py rename"]
    nobody = {"workflows.py": ast.parse("def drop_all(hub):\n    hub.drop()\n")}
    assert list(asking_for_nobody(nobody)) == ["workflows.py drop_all"]


def test_each_route_declares_what_its_service_requires(core: dict[str, ast.Module]) -> None:
    assert list(at_odds(room(core, API), room(core, SERVICES))) == []


def test_a_list_for_those_with_a_share_is_narrowed_to_what_is_shared(core: dict[str, ast.Module]) -> None:
    assert list(showing_everything(room(core, SERVICES))) == []
    planted = (
        "def list_all(hub, principal):\n    require_some(principal, 'workflow:read')\n    return hub.all()\n"
    )
    assert list(showing_everything({"w.py": ast.parse(planted)})) == ["w.py list_all"]


def test_a_share_that_counts_only_at_the_door_is_found() -> None:
    service = "def drop(hub, principal):\n    require(principal, 'workflow:write')\n"
    door = (
        "@route(router, 'DELETE', '/api/workflows', permission='workflow:write', shared=True)\n"
        "def drop(hub, principal):\n    workflows.drop(hub, principal)\n"
    )
    planted = at_odds({"workflows.py": ast.parse(door)}, {"workflows.py": ast.parse(service)})
    assert list(planted) == ["workflows.py drop: a share counts at the door or in the service, not in both"]


def test_a_route_whose_permission_no_share_gives_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="no share can stand in for 'workflow:publish'"):
        route(APIRouter(), "POST", "/api/x", permission="workflow:publish", shared=True)


def test_a_route_at_odds_with_its_service_is_found() -> None:
    service = "def drop(hub, principal):\n    require(principal, 'workflow:write')\n"
    door = (
        "@route(router, 'DELETE', '/api/workflows', permission='workflow:read')\n"
        "def drop(hub, principal):\n    workflows.drop(hub, principal)\n"
    )
    planted = at_odds({"workflows.py": ast.parse(door)}, {"workflows.py": ast.parse(service)})
    assert list(planted) == ["workflows.py drop: workflow:read is declared, [{'workflow:write'}] required"]
