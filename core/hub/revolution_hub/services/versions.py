"""Versions: publishing a draft, going back to an earlier version, and stopping.

A version never changes and its number is never used again, so that an execution names exactly the document
it ran by.
"""

from dataclasses import dataclass, replace

from revolution_hub.access.rbac import require
from revolution_hub.bus.poll import arrange
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.difference import Difference, differences
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.workflow import Workflow
from revolution_hub.model.yaml_text import yaml_difference
from revolution_hub.services.definitions import checked
from revolution_hub.services.guard import require_on_workflow
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.triggers import listeners_for, schedules_for
from revolution_hub.services.webhooks import FreshHook, fresh_hook, keep_hook
from revolution_hub.store import approvals, audit, hooks, schedules, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx
from revolution_hub.store.workflows import StoredVersion, StoredWorkflow
from revolution_sdk.types import JsonObject

DRAFT, PUBLISHED = "draft", "published"
NOT_PUBLISHED = "the workflow is not published any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published version. `hook` is the webhook's path; secret and verify token are shown only when new.

    Without `changed` the same document was published already, so that its version stays the present one.
    """

    workflow: StoredWorkflow
    version: int
    hook: str | None = None
    signing_secret: str | None = None
    verify_token: str | None = None
    changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two documents of a workflow: what is different, and the same as a unified text of their YAML."""

    changes: list[Difference]
    text: str


def publish_workflow(hub: Hub, principal: Principal, workflow_id: str, once: Once | None = None) -> Published:
    """Make the draft a version, which from now on starts by its triggers. Running executions keep theirs."""
    require(principal, "workflow:publish")
    with hub.store.read(principal.tenant_id) as tx:
        document = workflows.get(tx, workflow_id).document
    fresh = fresh_hook(hub, principal.tenant_id, workflow_id, document)
    with hub.store.begin(principal.tenant_id) as tx:
        draft = workflows.get(tx, workflow_id)
        if first_made(tx, principal, once) is not None:
            return _published(draft, FreshHook(hook=hooks.find(tx, workflow_id)), changed=False)
        remember(tx, principal, once, workflow_id, hub.now())
        published = _publish(hub, tx, principal, draft, draft.document, fresh)
        _note(hub, tx, principal, "workflow.publish", draft, published)
        return published


def rollback_workflow(
    hub: Hub,
    principal: Principal,
    workflow_id: str,
    version: int,
    *,
    draft: bool = False,
    once: Once | None = None,
) -> Published:
    """Publish the document of an earlier version again, as the next version.

    The draft stays as it is; with `draft` it becomes that document as well. What the document names must
    still be there: raises DefinitionError otherwise.
    """
    require(principal, "workflow:publish")
    with hub.store.read(principal.tenant_id) as tx:
        workflows.get(tx, workflow_id)
        document = workflows.get_version(tx, workflow_id, version).document
    fresh = fresh_hook(hub, principal.tenant_id, workflow_id, document)
    with hub.store.begin(principal.tenant_id) as tx:
        present = workflows.get(tx, workflow_id)
        if first_made(tx, principal, once) is not None:
            return _published(present, FreshHook(hook=hooks.find(tx, workflow_id)), changed=False)
        remember(tx, principal, once, workflow_id, hub.now())
        published = _publish(hub, tx, principal, present, document, fresh)
        if draft and canonical_json(present.document) != canonical_json(document):
            published = replace(published, workflow=_redraft(hub, tx, published.workflow, document))
        _note(hub, tx, principal, "workflow.rollback", present, published)
        return published


def unpublish_workflow(hub: Hub, principal: Principal, workflow_id: str) -> StoredWorkflow:
    """Let nothing start the workflow any more; what runs goes on, and its versions stay.

    Raises ConflictError if it is not published.
    """
    require(principal, "workflow:publish")
    with hub.store.begin(principal.tenant_id) as tx:
        present = workflows.get(tx, workflow_id)
        if present.published_version is None:
            raise ConflictError("the workflow has no published version", code="not_published")
        workflows.stop(tx, workflow_id)
        approvals.cancel_of_workflow(tx, workflow_id, hub.now(), NOT_PUBLISHED)
        audit.append(tx, entry_of(principal, "workflow.unpublish", workflow_id, hub.now()))
        return _store(hub, tx, present, replace(present, published_version=None))


def list_versions(
    hub: Hub, principal: Principal, workflow_id: str, page: Page
) -> tuple[StoredWorkflow, list[StoredVersion], str | None]:
    """Return the workflow, one page of its versions, and the cursor for the next."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.get(tx, workflow_id), *workflows.list_versions(tx, workflow_id, page)


def get_version(
    hub: Hub, principal: Principal, workflow_id: str, version: int
) -> tuple[StoredWorkflow, StoredVersion]:
    """Return a workflow and one of its versions, or raise NotFoundError."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        return workflows.get(tx, workflow_id), workflows.get_version(tx, workflow_id, version)


def compare_versions(hub: Hub, principal: Principal, workflow_id: str, before: str, after: str) -> Compared:
    """Return what is different between two documents: numbers of versions, `draft` or `published`."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        stored = workflows.get(tx, workflow_id)
        first, second = (document_of(tx, stored, one, at) for one, at in ((before, "from"), (after, "to")))
    return Compared(changes=differences(first, second), text=yaml_difference(first, second, before, after))


def document_of(tx: Tx, stored: StoredWorkflow, which: str, at: str) -> JsonObject:
    """Return a document of a workflow: that of a version, of the `published` one, or the `draft`.

    Raises NotFoundError if there is no such version, InputError at the path `at` for anything else.
    """
    if which == DRAFT:
        return stored.document
    if which == PUBLISHED:
        if stored.published_version is None:
            raise NotFoundError("the workflow has no published version", code="not_published")
        return workflows.get_version(tx, stored.id, stored.published_version).document
    if not (which.isascii() and which.isdigit() and len(which) <= 9):
        problem = Problem(path=at, message="the number of a version, draft or published is needed here")
        raise InputError("the request is not valid", [problem])
    return workflows.get_version(tx, stored.id, int(which)).document


def _note(
    hub: Hub, tx: Tx, principal: Principal, action: str, before: StoredWorkflow, after: Published
) -> None:
    """Keep who has published what, and which secrets came with it that somebody was shown."""
    documents: JsonObject = {"version": after.version}
    if after.workflow.document is not before.document:
        documents["draft"] = True
    documents |= {"signing_secret": True} if after.signing_secret else {}
    documents |= {"verify_token": True} if after.verify_token else {}
    published: JsonObject = {"version": before.published_version} if before.published_version else {}
    audit.append(tx, entry_of(principal, action, before.id, hub.now(), before=published, after=documents))


def _publish(
    hub: Hub, tx: Tx, principal: Principal, present: StoredWorkflow, document: JsonObject, fresh: FreshHook
) -> Published:
    workflow = checked(hub.catalog, tx, document)
    version, new = _version_for(tx, present, document)
    listeners = listeners_for(hub, tx, workflow, present.id, version)
    if new:
        snapshot = StoredVersion(
            workflow_id=present.id,
            tenant_id=present.tenant_id,
            version=version,
            document=document,
            published_by=principal.id,
            created_at=hub.now(),
        )
        workflows.add_version(tx, snapshot, listeners)
    else:
        # The same document may mean other connections by now.
        workflows.listen(tx, present.id, listeners)
    arrange(hub, tx)
    schedules.replace(tx, present.id, schedules_for(hub, tx, workflow, present.id, version))
    kept = keep_hook(tx, present.id, fresh)
    changed = present.published_version != version
    if changed:
        present = _store(hub, tx, present, replace(present, published_version=version))
    return _published(present, kept, changed=changed)


def _version_for(tx: Tx, present: StoredWorkflow, document: JsonObject) -> tuple[int, bool]:
    """Return the number of the version a document is published as, and whether that is a new one."""
    last = workflows.last_version(tx, present.id)
    candidate = present.published_version or last
    if candidate:
        known = workflows.get_version(tx, present.id, candidate).document
        if canonical_json(known) == canonical_json(document):
            return candidate, False
    return last + 1, True


def _redraft(hub: Hub, tx: Tx, present: StoredWorkflow, document: JsonObject) -> StoredWorkflow:
    workflow: Workflow = checked(hub.catalog, tx, document)
    return _store(hub, tx, present, replace(present, name=workflow.name, document=document))


def _store(hub: Hub, tx: Tx, present: StoredWorkflow, changed: StoredWorkflow) -> StoredWorkflow:
    stored = replace(changed, revision=present.revision + 1, updated_at=hub.now())
    if not workflows.replace(tx, stored, present.revision):
        raise ConflictError("the workflow was changed meanwhile", code="stale_revision")
    return stored


def _published(workflow: StoredWorkflow, fresh: FreshHook, *, changed: bool) -> Published:
    return Published(
        workflow=workflow,
        version=workflow.published_version or 0,
        hook=f"/hooks/{fresh.hook.key}" if fresh.hook else None,
        signing_secret=fresh.secret,
        verify_token=fresh.token,
        changed=changed,
    )
