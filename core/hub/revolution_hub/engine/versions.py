"""Published versions, parsed once per process: they never change, so they can be kept."""

from functools import lru_cache

from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow import Workflow
from revolution_hub.store import workflows
from revolution_hub.store.tx import Tx

_KEPT = 512


def workflow_version(tx: Tx, workflow_id: str, version: int) -> Workflow:
    """Return the definition of a published version; raises NotFoundError if there is none."""
    slot = _slot(tx.tenant_id, workflow_id, version)
    if not slot:
        slot.append(parse(workflows.get_version(tx, workflow_id, version).document))
    return slot[0]


@lru_cache(maxsize=_KEPT)
def _slot(tenant_id: str, workflow_id: str, version: int) -> list[Workflow]:
    return []
