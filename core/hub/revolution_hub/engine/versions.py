"""Published versions, parsed once per process: they never change, so they can be kept."""

from functools import lru_cache

from revolution_hub.errors import NotFoundError
from revolution_hub.model.execution import Execution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow import Workflow
from revolution_hub.store import workflows
from revolution_hub.store.tx import Store, Tx

_KEPT = 512


def workflow_version(tx: Tx, workflow_id: str, version: int) -> Workflow:
    """Return the definition of a published version; raises NotFoundError if there is none."""
    slot = _slot(tx.tenant_id, workflow_id, version)
    if not slot:
        slot.append(parse(workflows.get_version(tx, workflow_id, version).document))
    return slot[0]


def get_version(store: Store, execution: Execution) -> Workflow:
    """Return the definition an execution runs by, without a transaction if it was read before."""
    slot = _slot(execution.tenant_id, execution.workflow_id, execution.version)
    if slot:
        return slot[0]
    with store.read(execution.tenant_id) as tx:
        return workflow_version(tx, execution.workflow_id, execution.version)


def published_by_name(store: Store, tenant_id: str, name: str) -> tuple[str, int]:
    """Return id and version of the tenant's published workflow of this name, or raise NotFoundError."""
    with store.read(tenant_id) as tx:
        stored = workflows.find_by_name(tx, name)
    if stored is None:
        raise NotFoundError(f"there is no workflow {name!r}", code="unknown_workflow")
    if stored.published_version is None:
        raise NotFoundError(f"the workflow {name!r} has no published version", code="not_published")
    return stored.id, stored.published_version


@lru_cache(maxsize=_KEPT)
def _slot(tenant_id: str, workflow_id: str, version: int) -> list[Workflow]:
    return []
