"""Workflows: drafts, publishing a version, and starting one by hand."""

from dataclasses import dataclass, replace

from revolution_hub.access.rbac import require
from revolution_hub.engine.check import check, connectors_of
from revolution_hub.engine.start import start_by_hand
from revolution_hub.errors import ConflictError, DefinitionError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Hook
from revolution_hub.model.event import Listener
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse, read
from revolution_hub.model.principal import Principal
from revolution_hub.model.workflow import Trigger, TriggerKind, Workflow
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.signing import new_signing_secret
from revolution_hub.store import connections, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx
from revolution_hub.store.workflows import StoredVersion, StoredWorkflow
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published version. `hook` is the webhook's path; `signing_secret` is shown only when it is new."""

    workflow: StoredWorkflow
    version: int
    hook: str | None = None
    signing_secret: str | None = None


def create_workflow(
    hub: Hub, principal: Principal, document: Json, once: Once | None = None
) -> StoredWorkflow:
    """Keep a new draft; raises DefinitionError with every problem if it is not valid."""
    require(principal, "workflow:write")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return workflows.get(tx, made)
        workflow = _checked(hub, tx, document)
        stored = StoredWorkflow(
            id=new_id("wf"),
            tenant_id=principal.tenant_id,
            name=workflow.name,
            document=document,
            revision=1,
            created_at=now,
            updated_at=now,
        )
        workflows.add(tx, stored)
        remember(tx, principal, once, stored.id, now)
    return stored


def get_workflow(hub: Hub, principal: Principal, workflow_id: str) -> StoredWorkflow:
    """Return a draft or raise NotFoundError."""
    require(principal, "workflow:read")
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.get(tx, workflow_id)


def list_workflows(
    hub: Hub, principal: Principal, page: Page, name: str | None = None
) -> tuple[list[StoredWorkflow], str | None]:
    """Return one page of drafts, and the cursor for the next."""
    require(principal, "workflow:read")
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.list_page(tx, page, name)


def replace_workflow(
    hub: Hub, principal: Principal, workflow_id: str, document: Json, revision: int
) -> StoredWorkflow:
    """Change a draft. `revision` is the one the change was made from; raises ConflictError if it is stale."""
    require(principal, "workflow:write")
    with hub.store.begin(principal.tenant_id) as tx:
        present = workflows.get(tx, workflow_id)
        workflow = _checked(hub, tx, document)
        changed = replace(
            present, name=workflow.name, document=document, revision=revision + 1, updated_at=hub.now()
        )
        if not workflows.replace(tx, changed, revision):
            raise ConflictError("the workflow was changed meanwhile; read it again", code="stale_revision")
    return changed


def delete_workflow(hub: Hub, principal: Principal, workflow_id: str) -> None:
    """Delete a draft and stop it from starting; what already runs goes on."""
    require(principal, "workflow:write")
    with hub.store.begin(principal.tenant_id) as tx:
        if not workflows.remove(tx, workflow_id):
            raise NotFoundError("there is no such workflow")


def publish_workflow(hub: Hub, principal: Principal, workflow_id: str, once: Once | None = None) -> Published:
    """Make the draft a version, which from now on starts by its triggers. Running executions keep theirs."""
    require(principal, "workflow:publish")
    fresh = _fresh_hook(hub, principal, workflow_id)
    with hub.store.begin(principal.tenant_id) as tx:
        draft = workflows.get(tx, workflow_id)
        hook = workflows.find_hook(tx, workflow_id)
        if first_made(tx, principal, once) is not None:
            return _published(draft, hook, None)
        workflow = _checked(hub, tx, draft.document)
        published = _add_version(hub, tx, principal, draft, workflow)
        remember(tx, principal, once, workflow_id, hub.now())
        shown = None
        trigger = _webhook(workflow)
        if trigger is None:
            hook = None
        elif hook is None:
            hook, shown = fresh
            workflows.add_hook(tx, hook)
        elif hook.secret is None and fresh[0].secret is not None:
            # Published before without signatures, which it asks for now: the address stays.
            hook, shown = replace(hook, secret=fresh[0].secret), fresh[1]
            workflows.set_hook_secret(tx, hook)
    return _published(published, hook, shown)


def _published(workflow: StoredWorkflow, hook: Hook | None, signing_secret: str | None) -> Published:
    return Published(
        workflow=workflow,
        version=workflow.published_version or 0,
        hook=f"/hooks/{hook.key}" if hook else None,
        signing_secret=signing_secret if hook and hook.secret else None,
    )


def _fresh_hook(hub: Hub, principal: Principal, workflow_id: str) -> tuple[Hook, str]:
    """Make a webhook address and secret beforehand: sealing has a transaction of its own."""
    with hub.store.read(principal.tenant_id) as tx:
        draft = workflows.get(tx, workflow_id)
        known = workflows.find_hook(tx, workflow_id)
    trigger = _webhook(parse(draft.document))
    secret, hook_id, sealed = new_signing_secret(), known.id if known else new_id("hok"), None
    if trigger is not None and trigger.auth != "none":
        sealed = hub.vault.seal(principal.tenant_id, hook_id, {"signing_secret": secret})
    hook = Hook(
        id=hook_id,
        tenant_id=principal.tenant_id,
        workflow_id=workflow_id,
        key=new_key(),
        secret=sealed,
        created_at=hub.now(),
    )
    return hook, secret


def _add_version(
    hub: Hub, tx: Tx, principal: Principal, draft: StoredWorkflow, workflow: Workflow
) -> StoredWorkflow:
    now = hub.now()
    version = workflows.last_version(tx, draft.id) + 1
    snapshot = StoredVersion(
        workflow_id=draft.id,
        tenant_id=draft.tenant_id,
        version=version,
        document=draft.document,
        published_by=principal.id,
        created_at=now,
    )
    listeners = [
        _listener(tx, trigger, draft.id, version, connection_id)
        for trigger in workflow.triggers
        for connection_id in _connection_ids(hub, tx, trigger)
    ]
    workflows.add_version(tx, snapshot, listeners)
    published = replace(draft, published_version=version, revision=draft.revision + 1, updated_at=now)
    if not workflows.replace(tx, published, draft.revision):
        raise ConflictError("the workflow was changed meanwhile", code="stale_revision")
    return published


def execute_workflow(
    hub: Hub, principal: Principal, workflow_id: str, data: Json, idempotency_key: str | None
) -> tuple[str, bool]:
    """Start the published version by hand; returns the execution's id and whether it is new."""
    require(principal, "execution:start")
    with hub.store.read(principal.tenant_id) as tx:
        stored = workflows.get(tx, workflow_id)
    if stored.published_version is None:
        raise ConflictError("the workflow has no published version yet", code="not_published")
    return start_by_hand(
        hub,
        tenant_id=principal.tenant_id,
        workflow_id=workflow_id,
        version=stored.published_version,
        data=data,
        principal_id=principal.id,
        idempotency_key=idempotency_key,
    )


def _checked(hub: Hub, tx: Tx, document: Json) -> Workflow:
    workflow, problems = read(document)

    def has_connection(connector: str, name: str) -> bool:
        return connections.find_for(tx, connector, name) is not None

    # What cannot be read is told once; whether it exists is no question then.
    told = {one.path for one in problems}
    problems += [one for one in check(workflow, hub.catalog, has_connection) if one.path not in told]
    if problems:
        raise DefinitionError("the workflow is not valid", problems[:MOST_PROBLEMS])
    return workflow


def _webhook(workflow: Workflow) -> Trigger | None:
    return next((one for one in workflow.triggers if one.kind is TriggerKind.WEBHOOK), None)


def _listener(
    tx: Tx, trigger: Trigger, workflow_id: str, version: int, connection_id: str | None
) -> Listener:
    settings: JsonObject = {}
    if trigger.kind is TriggerKind.WEBHOOK:
        settings = {"auth": trigger.auth, "answer": trigger.answer}
    return Listener(
        tenant_id=tx.tenant_id,
        workflow_id=workflow_id,
        version=version,
        kind=str(trigger.kind),
        event_type=trigger.event,
        connection_id=connection_id,
        settings=settings,
    )


def _connection_ids(hub: Hub, tx: Tx, trigger: Trigger) -> list[str | None]:
    """Return what the trigger is narrowed to: a canonical event may come from several connectors."""
    if trigger.event is None or trigger.connection is None:
        return [None]
    named = [
        connections.find_for(tx, connector, trigger.connection)
        for connector in connectors_of(hub.catalog, trigger.event)
    ]
    return [one.id for one in named if one is not None]
