"""Starts: a workflow begun by hand, as it is published, or as a test of the draft with results pinned."""

from dataclasses import dataclass, field

from revolution_hub.access.rbac import require
from revolution_hub.bus.backlog import require_room
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.start import start_by_hand
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_execution, require_on_workflow
from revolution_hub.services.pins import Wanted, find_pins
from revolution_hub.store import workflows
from revolution_sdk.types import Json

DRAFT_VERSION = 0
"""What an execution of a draft has as its version: it carries the draft's document itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a test differs from the real thing: the `draft` is run, and pinned results stand for calls."""

    draft: bool = False
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def pinned(self) -> bool:
        """Whether anything is to be pinned."""
        return self.wanted.pins is not None or self.wanted.execution_id is not None


def execute_workflow(
    hub: Hub,
    principal: Principal,
    workflow_id: str,
    data: Json,
    idempotency_key: str | None,
    trial: Trial | None = None,
) -> tuple[str, bool]:
    """Start a workflow by hand; returns the execution's id and whether it is new.

    Without a `trial` its published version is run. What nobody has published, or what is fed by hand, needs
    the permission `connection:use` as well: it reaches accounts in ways nobody has approved.
    """
    require_on_workflow(hub, principal, "execution:start", workflow_id)
    trial = trial or Trial()
    if trial.draft or trial.pinned:
        require(principal, "connection:use")
    if trial.wanted.execution_id is not None:
        require_on_execution(hub, principal, "execution:read", trial.wanted.execution_id)
    with hub.store.read(principal.tenant_id) as tx:
        stored = workflows.get(tx, workflow_id)
        version = DRAFT_VERSION if trial.draft else stored.published_version
        if version is None:
            raise ConflictError("the workflow has no published version yet", code="not_published")
        workflow = parse(stored.document) if trial.draft else workflow_version(tx, workflow_id, version)
        found = find_pins(hub.catalog, tx, workflow, workflow_id, trial.wanted) if trial.pinned else None
    require_room(hub, principal.tenant_id, principal.id)
    return start_by_hand(
        hub,
        tenant_id=principal.tenant_id,
        workflow_id=workflow_id,
        version=version,
        definition=stored.document if trial.draft else None,
        workflow=workflow,
        data=checked_inputs(workflow, data),
        principal_id=principal.id,
        idempotency_key=idempotency_key,
        pins=found,
    )
