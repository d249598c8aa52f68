"""How each route of the API is called so that it works. A route that is not here fails the tests.

The calls stand in the order in which they can all be made, one after the other, in one world.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.routing import APIRoute

from rig.asking import Asker


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the id of something in a world."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One way to call a route. `at` are the parameters of its path; of lists `some` are shown to anybody.

    `etag` says that what is at the path is read first, as it wants an If-Match. `person` says that no key is
    let do it, whatever it may. `host` says that it is for whoever runs the installation, in any tenant.
    """

    at: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    etag: bool = False
    some: bool = False
    person: bool = False
    host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of the API as it declares itself."""

    method: str
    path: str
    permission: str
    shared: bool
    schema: Mapping[str, Any] | None
    queries: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


STEPS = [{"set": {"a": 1}}]
WF = {"workflow_id": Ref("workflow")}
RUN = {"execution_id": Ref("execution")}
CON = {"connector": "club", "connection_id": Ref("connection")}
ASKED = {"approval_id": Ref("approval")}
CALLS: dict[str, Call] = {
    # What only reads.
    "GET /api/keys": Call(),
    "GET /api/roles": Call(),
    "GET /api/roles/{role}": Call(at={"role": Ref("role")}),
    "GET /api/integrations": Call(),
    "GET /api/integrations/{connector}": Call(at={"connector": "lab"}),
    "GET /api/integrations/{connector}/connections": Call(at={"connector": "club"}, some=True),
    "GET /api/integrations/{connector}/connections/{connection_id}": Call(at=CON),
    "GET /api/integrations/{connector}/connections/{connection_id}/health": Call(at=CON),
    "GET /api/integrations/{connector}/connections/{connection_id}/impact": Call(at=CON),
    "GET /api/integrations/{connector}/connections/{connection_id}/shares": Call(at=CON),
    "GET /api/integrations/{connector}/connections/{connection_id}/shares/{principal_id}": Call(
        at={**CON, "principal_id": Ref("sharer")}
    ),
    "GET /api/integrations/{connector}/apps": Call(at={"connector": "shop"}),
    "GET /api/integrations/{connector}/authorize": Call(
        at={"connector": "club"}, query={"connection": Ref("connection")}, person=True
    ),
    "GET /api/integrations/{connector}/callback": Call(
        at={"connector": "club"}, query={"state": "s", "code": "c"}, person=True
    ),
    "GET /api/workflows": Call(some=True),
    "GET /api/workflows/{workflow_id}": Call(at=WF),
    "GET /api/workflows/{workflow_id}/export": Call(at=WF),
    "GET /api/workflows/{workflow_id}/versions": Call(at=WF),
    "GET /api/workflows/{workflow_id}/versions/{version}": Call(at={**WF, "version": "1"}),
    "GET /api/workflows/{workflow_id}/diff": Call(at=WF),
    "GET /api/workflows/{workflow_id}/webhook": Call(at=WF),
    "GET /api/workflows/{workflow_id}/shares": Call(at=WF),
    "GET /api/workflows/{workflow_id}/shares/{principal_id}": Call(at={**WF, "principal_id": Ref("sharer")}),
    "GET /api/files/{file_id}": Call(at={"file_id": Ref("file")}),
    "GET /api/schedules": Call(query={"workflow_id": Ref("workflow")}, some=True),
    "GET /api/schedules/preview": Call(query={"every": "1h"}),
    "GET /api/schedules/{schedule_id}": Call(at={"schedule_id": Ref("schedule")}),
    "GET /api/schedules/{schedule_id}/fires": Call(at={"schedule_id": Ref("schedule")}),
    "GET /api/workflow-executions": Call(
        query={
            "workflow_id": Ref("workflow"),
            "event_id": Ref("event"),
            "started_by": Ref("key"),
            "replay_of": Ref("execution"),
            "parent_id": Ref("execution"),
        },
        some=True,
    ),
    "GET /api/workflow-executions/{execution_id}": Call(at=RUN),
    "GET /api/workflow-executions/{execution_id}/steps/{step_id:path}/items": Call(
        at={**RUN, "step_id": "each"}
    ),
    "GET /api/events": Call(query={"connection_id": Ref("connection"), "source_id": Ref("app")}),
    "GET /api/events/{event_id}": Call(at={"event_id": Ref("event")}),
    "GET /api/deliveries": Call(query={"app_id": Ref("app")}),
    "GET /api/deliveries/{delivery_id}": Call(at={"delivery_id": Ref("delivery")}),
    "GET /api/deliveries/{delivery_id}/body": Call(at={"delivery_id": Ref("delivery")}),
    "GET /api/dead-letters": Call(),
    "GET /api/event-replays": Call(),
    "GET /api/event-replays/{replay_id}": Call(at={"replay_id": Ref("replay")}),
    "GET /api/taps/{tap_id}/events": Call(at={"tap_id": Ref("tap")}),
    "GET /api/event-types": Call(),
    "GET /api/polls": Call(query={"connection_id": Ref("feed")}),
    "GET /api/polls/{poll_id}": Call(at={"poll_id": Ref("poll")}),
    "GET /api/invitations": Call(),
    "GET /api/members": Call(),
    "GET /api/members/{user_id}": Call(at={"user_id": Ref("member")}),
    "GET /api/users": Call(host=True),
    "GET /api/users/{user_id}": Call(at={"user_id": Ref("member")}, host=True),
    "GET /api/service-principals": Call(),
    "GET /api/service-principals/{service_id}": Call(at={"service_id": Ref("service")}),
    "GET /api/tenants": Call(),
    "GET /api/approvals": Call(query={"execution_id": Ref("gated_execution")}),
    "GET /api/approvals/{approval_id}": Call(at=ASKED),
    "GET /api/approval-policies": Call(),
    "GET /api/approval-policies/{policy_id}": Call(at={"policy_id": Ref("policy")}),
    "GET /api/audit": Call(query={"principal_id": Ref("key"), "target": Ref("workflow")}),
    "GET /api/audit/head": Call(),
    "GET /api/audit/verify": Call(),
    "GET /api/audit/export": Call(query={"principal_id": Ref("key"), "target": Ref("workflow")}),
    "GET /api/plans": Call(host=True),
    "GET /api/plans/{name}": Call(at={"name": "free"}, host=True),
    "GET /api/tenants/{tenant_id}/plan": Call(at={"tenant_id": Ref("tenant")}, host=True),
    "GET /api/principals/{principal_id}/limits": Call(at={"principal_id": Ref("key")}),
    "GET /api/usage": Call(),
    "POST /api/templates/preview": Call(body={"template": "{{ inputs }}", "execution_id": Ref("execution")}),
    "POST /api/integrations/{connector}/connections/test": Call(
        at={"connector": "club"}, body={"name": "tried", "credential": {"api_key": "k"}}
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/test": Call(at=CON),
    "POST /api/workflows/check": Call(body={"documents": [{"name": "checked", "steps": STEPS}]}),
    "POST /api/workflows/{workflow_id}/dry-run": Call(at=WF, body={"from_execution": Ref("execution")}),
    # What makes something new.
    "POST /api/tenants": Call(body={"name": "another"}),
    "POST /api/keys": Call(
        body={
            "name": "made",
            "role": Ref("role"),
            "workflows": [Ref("workflow")],
            "service_id": Ref("service"),
        }
    ),
    "POST /api/invitations": Call(body={"email": "new@example.org", "role": Ref("role")}),
    "POST /api/service-principals": Call(body={"name": "made", "role": Ref("role")}),
    "POST /api/approval-policies": Call(body={"pattern": "shop.*"}),
    "POST /api/roles": Call(body={"name": "made", "permissions": []}),
    "POST /api/integrations/{connector}/connections": Call(
        at={"connector": "club"}, body={"name": "made", "credential": {"api_key": "k"}}
    ),
    "POST /api/integrations/{connector}/apps": Call(
        at={"connector": "shop"}, body={"client_id": "c", "client_secret": "s"}
    ),
    "POST /api/workflows": Call(body={"document": {"name": "made", "steps": STEPS}}),
    "POST /api/workflows/import": Call(body={"name": "imported", "steps": STEPS}),
    "POST /api/taps": Call(body={"event": "crm.*", "connection_id": Ref("feed")}),
    "POST /api/events": Call(body={"type": "custom.made", "data": {}}),
    # What starts something, and what changes something.
    "POST /api/integrations/{connector}/actions/{action}": Call(
        at={"connector": "club", "action": "invite_member"}, body={"connection": Ref("connection_name")}
    ),
    "POST /api/workflows/{workflow_id}/execute": Call(at=WF, body={"data": {}}),
    "POST /api/workflow-executions/retry": Call(body={"ids": [Ref("failed")]}, some=True),
    "POST /api/workflow-executions/replay": Call(body={"ids": [Ref("execution")]}, some=True),
    "POST /api/workflow-executions/{execution_id}/replay": Call(at=RUN, body={}),
    "POST /api/workflow-executions/{execution_id}/steps/{step_id:path}/resolve": Call(
        at={"execution_id": Ref("uncertain"), "step_id": "letter"}, body={"outcome": "did_not_happen"}
    ),
    "POST /api/workflow-executions/{execution_id}/retry": Call(
        at={"execution_id": Ref("failed_too")}, body={}
    ),
    "POST /api/workflow-executions/{execution_id}/cancel": Call(at={"execution_id": Ref("waiting")}),
    "POST /api/events/replay": Call(body={"ids": [Ref("event")], "workflow_id": Ref("workflow")}),
    "POST /api/events/{event_id}/replay": Call(
        at={"event_id": Ref("event")}, body={"workflow_id": Ref("workflow")}
    ),
    "POST /api/event-replays/{replay_id}/cancel": Call(at={"replay_id": Ref("replay")}),
    "POST /api/schedules/{schedule_id}/pause": Call(at={"schedule_id": Ref("schedule")}),
    "POST /api/schedules/{schedule_id}/resume": Call(at={"schedule_id": Ref("schedule")}),
    "POST /api/schedules/{schedule_id}/backfill": Call(
        at={"schedule_id": Ref("schedule")},
        body={"from": "2026-11-21T08:00:00Z", "to": "2026-11-21T08:30:00Z"},
    ),
    "POST /api/polls/{poll_id}/pause": Call(at={"poll_id": Ref("poll")}),
    "POST /api/polls/{poll_id}/resume": Call(at={"poll_id": Ref("poll")}),
    "POST /api/polls/{poll_id}/run": Call(at={"poll_id": Ref("poll")}),
    "POST /api/members/{user_id}/reset": Call(at={"user_id": Ref("member")}),
    "POST /api/users/{user_id}/reset": Call(at={"user_id": Ref("member")}, host=True),
    "POST /api/users/{user_id}/disable": Call(at={"user_id": Ref("disabled_member")}, host=True),
    "POST /api/users/{user_id}/enable": Call(at={"user_id": Ref("disabled_member")}, host=True),
    "POST /api/approvals/{approval_id}/decision": Call(at=ASKED, body={"decision": "approve"}, person=True),
    "POST /api/approvals/{approval_id}/link": Call(at=ASKED, person=True),
    "POST /api/audit/prune": Call(body={"older_than_days": 400}),
    "PUT /api/members/{user_id}": Call(at={"user_id": Ref("member")}, body={"role": Ref("role")}),
    "PATCH /api/service-principals/{service_id}": Call(
        at={"service_id": Ref("service")}, body={"name": "other", "role": Ref("role")}
    ),
    "PATCH /api/tenants/{tenant_id}": Call(at={"tenant_id": Ref("tenant")}, body={"name": "other"}),
    "PUT /api/plans/{name}": Call(at={"name": "made"}, body={}, host=True),
    "PUT /api/tenants/{tenant_id}/plan": Call(
        at={"tenant_id": Ref("tenant")}, body={"plan": None, "limits": {}}, host=True
    ),
    "PUT /api/principals/{principal_id}/limits": Call(at={"principal_id": Ref("key")}, body={"limits": {}}),
    "PUT /api/roles/{role}": Call(at={"role": Ref("role")}, body={"permissions": []}, etag=True),
    "PUT /api/integrations/{connector}": Call(
        at={"connector": "lab"}, body={"disabled_actions": ["put_page"]}, etag=True
    ),
    "PUT /api/integrations/{connector}/connections/{connection_id}/credential": Call(
        at=CON, body={"credential": {"api_key": "k"}}
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/disable": Call(
        at=CON, body={"reason": "moved"}
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/enable": Call(at=CON),
    "PATCH /api/integrations/{connector}/connections/{connection_id}": Call(
        at=CON, body={"name": "renamed", "default": True}, etag=True
    ),
    "PUT /api/integrations/{connector}/connections/{connection_id}/shares/{principal_id}": Call(
        at={**CON, "principal_id": Ref("key")}, body={"right": "use"}
    ),
    "PUT /api/integrations/{connector}/apps/{app_id}/secret": Call(
        at={"connector": "shop", "app_id": Ref("app")}, body={"client_secret": "s"}
    ),
    "PUT /api/workflows/{workflow_id}/shares/{principal_id}": Call(
        at={**WF, "principal_id": Ref("key")}, body={"right": "view"}
    ),
    "PUT /api/workflows/{workflow_id}": Call(
        at={"workflow_id": Ref("failing")},
        body={"document": {"name": "replaced", "steps": STEPS}},
        etag=True,
    ),
    "POST /api/workflows/{workflow_id}/publish": Call(at=WF),
    "POST /api/workflows/{workflow_id}/rollback": Call(at=WF, body={"version": 1}),
    "POST /api/workflows/{workflow_id}/webhook/rotate": Call(at=WF, body={}),
    "POST /api/workflows/{workflow_id}/unpublish": Call(at=WF),
    # What takes something away.
    "DELETE /api/workflows/{workflow_id}/shares/{principal_id}": Call(
        at={**WF, "principal_id": Ref("sharer")}
    ),
    "DELETE /api/integrations/{connector}/connections/{connection_id}/shares/{principal_id}": Call(
        at={**CON, "principal_id": Ref("sharer")}
    ),
    "DELETE /api/invitations/{invitation_id}": Call(at={"invitation_id": Ref("doomed_invitation")}),
    "DELETE /api/members/{user_id}": Call(at={"user_id": Ref("doomed_member")}),
    "DELETE /api/service-principals/{service_id}": Call(at={"service_id": Ref("doomed_service")}),
    "DELETE /api/approval-policies/{policy_id}": Call(at={"policy_id": Ref("doomed_policy")}),
    "DELETE /api/plans/{name}": Call(at={"name": "made"}, host=True),
    "DELETE /api/taps/{tap_id}": Call(at={"tap_id": Ref("tap")}),
    "DELETE /api/workflow-executions/{execution_id}": Call(at={"execution_id": Ref("doomed_execution")}),
    "DELETE /api/integrations/{connector}/connections/{connection_id}": Call(
        at={"connector": "club", "connection_id": Ref("doomed_connection")}
    ),
    "DELETE /api/integrations/{connector}/apps/{app_id}": Call(
        at={"connector": "shop", "app_id": Ref("doomed_app")}
    ),
    "DELETE /api/workflows/{workflow_id}": Call(at={"workflow_id": Ref("doomed_workflow")}),
    "DELETE /api/roles/{role}": Call(at={"role": Ref("doomed_role")}),
    "DELETE /api/keys/{key_id}": Call(at={"key_id": Ref("doomed_key")}),
}

MORE: list[tuple[str, Call]] = [
    (
        "GET /api/integrations/{connector}/authorize",
        Call(at={"connector": "bank"}, query={"app": Ref("app")}, person=True),
    ),
    (
        "POST /api/integrations/{connector}/connections/test",
        Call(
            at={"connector": "bank"},
            body={"name": "tried", "credential": {"refresh_token": "r"}, "app": Ref("app")},
        ),
    ),
    (
        "POST /api/integrations/{connector}/connections",
        Call(
            at={"connector": "bank"},
            body={"name": "made", "credential": {"refresh_token": "r"}, "app": Ref("app")},
        ),
    ),
    ("POST /api/workflows/{workflow_id}/execute", Call(at=WF, body={"pins_from": Ref("execution")})),
    ("POST /api/taps", Call(body={"workflow_id": Ref("workflow")})),
    ("POST /api/workflow-executions/retry", Call(body={"filter": {"workflow_id": Ref("failing")}})),
    ("POST /api/workflow-executions/replay", Call(body={"filter": {"workflow_id": Ref("workflow")}})),
    (
        "POST /api/events/replay",
        Call(body={"filter": {"connection_id": Ref("connection")}, "workflow_id": Ref("workflow")}),
    ),
    ("GET /api/keys", Call(query={"cursor": Ref("key_cursor")})),
    ("PUT /api/principals/{principal_id}/limits", Call(at={"principal_id": Ref("member")}, body={})),
    ("PUT /api/principals/{principal_id}/limits", Call(at={"principal_id": Ref("service")}, body={})),
    (
        "PUT /api/workflows/{workflow_id}/shares/{principal_id}",
        Call(at={**WF, "principal_id": Ref("member")}, body={"right": "view"}),
    ),
]
"""Further ways to hand in an id of another tenant, not all of which work with one's own."""


def send(
    asker: Asker,
    name: str,
    call: Call,
    ids: Mapping[str, str],
    *,
    reader: Asker | None = None,
    **headers: str,
) -> Any:
    """Make a call in the name of somebody; `reader` reads what an If-Match is needed for."""
    method, _, path = name.partition(" ")
    for parameter, value in filled(call.at, ids).items():
        path = path.replace(f"{{{parameter}:path}}", str(value)).replace(f"{{{parameter}}}", str(value))
    if call.etag:
        known = (reader or asker).call("GET", path)
        headers["if_match"] = known.headers.get("etag", '"1"')
    query = f"?{urlencode(filled(call.query, ids))}" if call.query else ""
    body = filled(call.body, ids) if call.body is not None else None
    return asker.call(method, path + query, body, **headers)


def routes_of(app: FastAPI) -> list[Route]:
    """Return the routes that declare a permission."""
    return [
        Route(
            method=method,
            path=one.path,
            permission=str((one.openapi_extra or {})["x-permission"]),
            shared=bool((one.openapi_extra or {}).get("x-shared")),
            schema=_schema(one),
            queries=frozenset(_queries(one.dependant)),
        )
        for one in app.routes
        if isinstance(one, APIRoute) and "x-permission" in (one.openapi_extra or {})
        for method in sorted(one.methods)
    ]


def _schema(route: APIRoute) -> Any:
    body = (route.openapi_extra or {}).get("requestBody")
    return body["content"]["application/json"]["schema"] if body else None


def _queries(dependant: Any) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for one in dependant.dependencies:
        yield from _queries(one)


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a value with ids where references stand."""
    if isinstance(value, Ref):
        return ids[value.name]
    if isinstance(value, Mapping):
        return {key: filled(one, ids) for key, one in value.items()}
    return [filled(one, ids) for one in value] if isinstance(value, list) else value


def refs_in(value: Any) -> Iterator[str]:
    """Yield the names of what is referred to."""
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from refs_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from refs_in(one)


def refs_of(call: Call) -> list[str]:
    """Return the names of everything a call refers to, each once."""
    return list(dict.fromkeys([*refs_in(call.at), *refs_in(call.query), *refs_in(call.body)]))
