"""What versions, differences, shares, keys and dry runs look like going out."""

from revolution_hub.api.views import workflow_json
from revolution_hub.engine.rehearsal import Planned
from revolution_hub.model.time import rfc3339
from revolution_hub.services.dry_run import DryRun
from revolution_hub.services.keys import NewKey
from revolution_hub.services.versions import Compared
from revolution_hub.services.workflow_files import Imported, Looked
from revolution_hub.store.shares import Share
from revolution_hub.store.tenants import StoredKey
from revolution_hub.store.workflows import StoredVersion, StoredWorkflow
from revolution_sdk.types import JsonObject


def version_json(workflow: StoredWorkflow, version: StoredVersion) -> JsonObject:
    """A published version without its document."""
    return {
        "workflow_id": version.workflow_id,
        "version": version.version,
        "published": version.version == workflow.published_version,
        "published_by": version.published_by,
        "created_at": rfc3339(version.created_at),
    }


def compared_json(compared: Compared) -> JsonObject:
    """What is different between two documents."""
    return {"changes": [one.as_json() for one in compared.changes], "text": compared.text}


def imported_json(imported: Imported) -> JsonObject:
    """A draft that was brought in, and what that came to."""
    return {**workflow_json(imported.workflow), "outcome": imported.outcome}


def looked_json(looked: Looked) -> JsonObject:
    """What was found out about a document that is not kept."""
    return {"name": looked.name, "problems": [one.as_json() for one in looked.problems]}


def share_json(share: Share) -> JsonObject:
    """A right of a principal or a role on what is shared, which is named by its kind."""
    return {
        f"{share.object_kind}_id": share.object_id,
        "principal_id": share.principal_id,
        "right": share.right,
        "granted_by": share.granted_by,
        "created_at": rfc3339(share.created_at),
    }


def key_json(key: StoredKey) -> JsonObject:
    """An API key; the key itself is not kept and never comes out again."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "prefix": key.prefix,
        "holder": key.holder_id,
        "made_by": key.made_by,
        "permissions": key.permissions,
        "workflows": key.workflows,
        "expires_at": rfc3339(key.expires_at) if key.expires_at else None,
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
        "created_at": rfc3339(key.created_at),
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }


def new_key_json(made: NewKey) -> JsonObject:
    """An API key that was just made, with the key itself."""
    return {**key_json(made.stored), "api_key": made.api_key}


def dry_run_json(made: DryRun) -> JsonObject:
    """What a workflow would do: `output_from` says what stands for each step's output."""
    end = made.end
    return {
        "steps": [_planned_json(one) for one in made.steps],
        "end": {
            "status": str(end.status),
            "output": end.output,
            "reason": end.reason,
            "error": end.error,
        },
    }


def _planned_json(planned: Planned) -> JsonObject:
    step = planned.step
    return {
        "id": step.id,
        "path": step.path,
        "within": list(planned.within),
        "kind": str(step.kind),
        "uses": step.uses or step.target,
        "effect": planned.effect,
        "approval": planned.approval,
        "connection": planned.connection,
        "condition": planned.condition,
        "input": planned.input,
        "items": planned.items,
        "output": planned.output,
        "output_from": str(planned.source),
        "error": planned.error,
        "problems": [one.as_json() for one in planned.problems],
    }
