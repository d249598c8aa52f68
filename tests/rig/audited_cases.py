"""Every route that changes something: how, what it needs for it, and the entry it leaves in the audit log.

A case is the path with a place for what is needed (empty: what the route says itself), what makes that, the
body, and the action of the entry.
"""

from collections.abc import Callable
from typing import Any

from rig.audited import DRAFT, WEBHOOK, World

Case = tuple[str, Callable[[World], str], Any, str]
ALL = "POST /api/workflow-executions"


def nothing(world: World) -> str:
    """Nothing has to be there."""
    return ""


CASES: dict[str, Case] = {
    "POST /api/workflows": ("", nothing, {"document": DRAFT}, "workflow.create"),
    "POST /api/workflows/import": ("", nothing, DRAFT, "workflow.import"),
    "PUT /api/workflows/{workflow_id}": (
        "",
        World.draft,
        {"document": {**DRAFT, "description": "d"}},
        "workflow.change",
    ),
    "DELETE /api/workflows/{workflow_id}": ("", World.draft, None, "workflow.delete"),
    "POST /api/workflows/{workflow_id}/publish": ("", World.draft, None, "workflow.publish"),
    "POST /api/workflows/{workflow_id}/unpublish": ("", World.published, None, "workflow.unpublish"),
    "POST /api/workflows/{workflow_id}/rollback": ("", World.versions, {"version": 1}, "workflow.rollback"),
    "POST /api/workflows/{workflow_id}/webhook/rotate": (
        "",
        lambda w: w.published(WEBHOOK),
        {},
        "webhook.rotate",
    ),
    "PUT /api/workflows/{workflow_id}/shares/{principal_id}": (
        "",
        lambda w: f"{w.published()}/shares/{w.key()}",
        {"right": "run"},
        "share.give",
    ),
    "DELETE /api/workflows/{workflow_id}/shares/{principal_id}": ("", World.shared, None, "share.take_back"),
    "POST /api/keys": ("", nothing, {"name": "x", "role": "viewer"}, "key.create"),
    "DELETE /api/keys/{key_id}": ("", World.key, None, "key.revoke"),
    "POST /api/tenants": ("", nothing, {"name": "Other"}, "tenant.create"),
    "POST /api/integrations/{connector}/apps": (
        "/api/integrations/lab/apps",
        nothing,
        {"client_id": "c", "client_secret": "s3cr3t"},
        "app.create",
    ),
    "PUT /api/integrations/{connector}/apps/{app_id}/secret": (
        "/api/integrations/lab/apps/{}/secret",
        World.app,
        {"client_secret": "s3cr3t"},
        "app.rotate",
    ),
    "POST /api/integrations/{connector}/connections": (
        "/api/integrations/club/connections",
        nothing,
        {"name": "x", "credential": {"api_key": "s3cr3t"}},
        "connection.create",
    ),
    "PUT /api/integrations/{connector}/connections/{connection_id}/credential": (
        "/api/integrations/club/connections/{}/credential",
        World.connection,
        {"credential": {"api_key": "s3cr3t"}},
        "connection.reauthorize",
    ),
    "PATCH /api/integrations/{connector}/connections/{connection_id}": (
        "/api/integrations/club/connections/{}",
        World.connection,
        {"name": "renamed"},
        "connection.change",
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/test": (
        "/api/integrations/club/connections/{}/test",
        World.connection,
        None,
        "connection.test",
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/disable": (
        "/api/integrations/club/connections/{}/disable",
        World.connection,
        {},
        "connection.disable",
    ),
    "POST /api/integrations/{connector}/connections/{connection_id}/enable": (
        "/api/integrations/club/connections/{}/enable",
        World.disabled_connection,
        None,
        "connection.enable",
    ),
    "DELETE /api/integrations/{connector}/connections/{connection_id}": (
        "/api/integrations/club/connections/{}",
        World.connection,
        None,
        "connection.delete",
    ),
    "DELETE /api/integrations/{connector}/apps/{app_id}": (
        "/api/integrations/lab/apps/{}",
        World.app,
        None,
        "app.delete",
    ),
    "PUT /api/plans/{name}": ("/api/plans/small", nothing, {"limits": {"members": 1}}, "plan.put"),
    "DELETE /api/plans/{name}": ("/api/plans/small", World.plan, None, "plan.remove"),
    "PUT /api/tenants/{tenant_id}/plan": (
        "/api/tenants/ten_a/plan",
        World.tenant,
        {"plan": "free"},
        "tenant.plan",
    ),
    "PUT /api/principals/{principal_id}/limits": (
        "/api/principals/{}/limits",
        World.key,
        {"limits": {"executions_per_day": 1}},
        "principal.limits",
    ),
    f"{ALL}/{{execution_id}}/cancel": ("", World.queued, None, "execution.cancel"),
    "DELETE /api/workflow-executions/{execution_id}": ("", World.ended, None, "execution.delete"),
    f"{ALL}/{{execution_id}}/retry": ("", World.failed, {}, "execution.retry"),
    f"{ALL}/{{execution_id}}/replay": ("", World.ended, {}, "execution.replay"),
    f"{ALL}/{{execution_id}}/steps/{{step_id:path}}/resolve": (
        "/api/workflow-executions/{}/steps/call/resolve",
        World.uncertain,
        {"outcome": "happened", "result": {}},
        "execution.resolve",
    ),
    "POST /api/schedules/{schedule_id}/pause": ("", World.schedule, None, "schedule.pause"),
    "POST /api/schedules/{schedule_id}/resume": (
        "",
        lambda w: w.schedule(paused=True),
        None,
        "schedule.resume",
    ),
    "POST /api/schedules/{schedule_id}/backfill": ("", World.schedule, "span", "schedule.backfill"),
    "POST /api/polls/{poll_id}/pause": ("", World.poll, None, "poll.pause"),
    "POST /api/polls/{poll_id}/resume": ("", lambda w: w.poll(paused=True), None, "poll.resume"),
    "POST /api/polls/{poll_id}/run": ("", World.poll, None, "poll.run"),
    "POST /api/taps": ("", nothing, {"event": "custom.seen"}, "tap.create"),
    "DELETE /api/taps/{tap_id}": ("", World.tap, None, "tap.remove"),
    "POST /api/invitations": ("", nothing, {"email": "a@example.com", "role": "viewer"}, "invitation.create"),
    "DELETE /api/invitations/{invitation_id}": ("", World.invitation, None, "invitation.revoke"),
    "PUT /api/members/{user_id}": ("", World.member, {"role": "viewer"}, "member.change"),
    "DELETE /api/members/{user_id}": ("", World.member, None, "member.remove"),
    "POST /api/members/{user_id}/reset": ("", World.member, None, "user.reset"),
    "POST /api/users/{user_id}/reset": ("", World.member, None, "user.reset"),
    "POST /api/users/{user_id}/disable": ("", World.member, None, "user.disable"),
    "POST /api/users/{user_id}/enable": ("", lambda w: w.member(disabled=True), None, "user.enable"),
    "POST /api/service-principals": ("", nothing, {"name": "n", "role": "viewer"}, "service.create"),
    "PATCH /api/service-principals/{service_id}": ("", World.service, {"name": "other"}, "service.change"),
    "DELETE /api/service-principals/{service_id}": ("", World.service, None, "service.remove"),
    "PATCH /api/tenants/{tenant_id}": ("", World.tenant, {"name": "Renamed"}, "tenant.rename"),
    "POST /api/roles": ("", nothing, {"name": "reader", "permissions": []}, "role.create"),
    "PUT /api/roles/{role}": ("", World.role, {"permissions": []}, "role.change"),
    "DELETE /api/roles/{role}": ("", World.role, None, "role.delete"),
    "POST /api/approval-policies": ("", nothing, {"pattern": "lab.*"}, "approval_policy.create"),
    "DELETE /api/approval-policies/{policy_id}": ("", World.policy, None, "approval_policy.delete"),
    "PUT /api/integrations/{connector}": (
        "/api/integrations/lab",
        nothing,
        {"disabled_actions": ["put_page"]},
        "integration.change",
    ),
    "PUT /api/integrations/{connector}/connections/{connection_id}/shares/{principal_id}": (
        "/api/integrations/club/connections/{}",
        World.unshared_connection,
        {"right": "use"},
        "share.give",
    ),
    "DELETE /api/integrations/{connector}/connections/{connection_id}/shares/{principal_id}": (
        "/api/integrations/club/connections/{}",
        World.shared_connection,
        None,
        "share.take_back",
    ),
    "POST /api/events/{event_id}/replay": ("", World.event, "goal", "event.replay"),
    "POST /api/events/replay": ("", nothing, "goals", "event_replay.create"),
    "POST /api/event-replays/{replay_id}/cancel": ("", World.event_replay, None, "event_replay.cancel"),
}
MANY = {
    f"{ALL}/retry": (World.failed, "execution.retry"),
    f"{ALL}/replay": (World.ended, "execution.replay"),
}
"""Routes that do to many what another one does to one; what fails for one is told in the answer."""

FOR_THE_HOST = (
    "POST /api/tenants",
    "PUT /api/plans/{name}",
    "DELETE /api/plans/{name}",
    "PUT /api/tenants/{tenant_id}/plan",
    "POST /api/users/{user_id}/reset",
    "POST /api/users/{user_id}/disable",
    "POST /api/users/{user_id}/enable",
)
ETAGS = {
    "PUT /api/workflows/{workflow_id}": '"1"',
    "PUT /api/roles/{role}": '"1"',
    "PUT /api/integrations/{connector}": '"0"',
    "PATCH /api/integrations/{connector}/connections/{connection_id}": '"1"',
}
ELSEWHERE = {
    "POST /api/audit/prune": "no key makes that much of a past: test_audit_api.py",
    "POST /api/approvals/{approval_id}/decision": "only a person answers: below",
    "POST /api/approvals/{approval_id}/link": "only a person has a link: below",
}
