"""Workflows: drafts, which are changed until they are published."""

from dataclasses import replace

from revolution_hub.access.rbac import require
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Principal
from revolution_hub.services.definitions import checked
from revolution_hub.services.guard import require_on_workflow, require_some, visible
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import approvals, audit, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.workflows import StoredWorkflow
from revolution_sdk.types import Json


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
        workflow = checked(hub.catalog, tx, document)
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
        audit.append(tx, entry_of(principal, "workflow.create", stored.id, now, after=stored.document))
    return stored


def get_workflow(hub: Hub, principal: Principal, workflow_id: str) -> StoredWorkflow:
    """Return a draft or raise NotFoundError."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.get(tx, workflow_id)


def list_workflows(
    hub: Hub, principal: Principal, page: Page, name: str | None = None
) -> tuple[list[StoredWorkflow], str | None]:
    """Return one page of the drafts the principal may see, and the cursor for the next."""
    require_some(principal, "workflow:read")
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.list_page(tx, page, name, only=visible(tx, principal, "workflow:read"))


def replace_workflow(
    hub: Hub, principal: Principal, workflow_id: str, document: Json, revision: int
) -> StoredWorkflow:
    """Change a draft. `revision` is the one the change was made from; raises ConflictError if it is stale."""
    require_on_workflow(hub, principal, "workflow:write", workflow_id)
    with hub.store.begin(principal.tenant_id) as tx:
        present = workflows.get(tx, workflow_id)
        workflow = checked(hub.catalog, tx, document)
        changed = replace(
            present, name=workflow.name, document=document, revision=revision + 1, updated_at=hub.now()
        )
        if not workflows.replace(tx, changed, revision):
            raise ConflictError("the workflow was changed meanwhile; read it again", code="stale_revision")
        documents = {"before": present.document, "after": changed.document}
        audit.append(tx, entry_of(principal, "workflow.change", workflow_id, changed.updated_at, **documents))
    return changed


def delete_workflow(hub: Hub, principal: Principal, workflow_id: str, revision: int | None = None) -> None:
    """Delete a draft and stop it from starting; what already runs goes on.

    With a `revision` only if that is still the present one; raises ConflictError otherwise.
    """
    require(principal, "workflow:write")
    with hub.store.begin(principal.tenant_id) as tx:
        if revision is not None and workflows.get(tx, workflow_id).revision != revision:
            raise ConflictError("the workflow was changed meanwhile; read it again", code="stale_revision")
        if not workflows.remove(tx, workflow_id):
            raise NotFoundError("there is no such workflow")
        approvals.cancel_of_workflow(tx, workflow_id, hub.now(), "the workflow was deleted")
        audit.append(tx, entry_of(principal, "workflow.delete", workflow_id, hub.now()))
