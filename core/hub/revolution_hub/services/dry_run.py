"""Dry run: what a workflow would do with some data, without anything being called or kept."""

from dataclasses import dataclass
from functools import cache

from revolution_hub.engine.dry_run import Walk
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.rehearsal import Budget, Ended, Planned, Surroundings, pretended
from revolution_hub.engine.versions import workflow_version
from revolution_hub.hub import Hub
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.model.workflow import Workflow
from revolution_hub.services.guard import may_see, require_on_execution, require_on_workflow
from revolution_hub.services.pins import Wanted, find_pins
from revolution_hub.services.versions import DRAFT, document_of
from revolution_hub.store import connections, workflows
from revolution_hub.store.approval_policies import policies_of
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What is to be tried: which document, on what data, and what stands for the results of calls."""

    data: Json
    which: str = DRAFT
    pins: JsonObject | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Every step in the order it would be reached, those that would not be included, and the end."""

    steps: list[Planned]
    end: Ended


def dry_run(hub: Hub, principal: Principal, workflow_id: str, wanted: Rehearsal) -> DryRun:
    """Walk through a workflow without calling anything.

    Raises InputError if the data or the pins do not fit, LimitError `dry_run_limit` if it takes too much.
    """
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    if wanted.execution_id is not None:
        require_on_execution(hub, principal, "execution:read", wanted.execution_id)
    past: JsonObject = {}
    with hub.store.read(principal.tenant_id) as tx:
        stored = workflows.get(tx, workflow_id)
        workflow = parse(document_of(tx, stored, wanted.which, "version"))
        if wanted.execution_id is not None:
            asked = Wanted(execution_id=wanted.execution_id)
            past = find_pins(hub.catalog, tx, workflow, workflow_id, asked)
        pins = find_pins(hub.catalog, tx, workflow, workflow_id, Wanted(pins=wanted.pins or {}))
    budget, now = Budget(), hub.now()
    walk = Walk(workflow=workflow, around=_surroundings(hub, principal), pins=pins, past=past, budget=budget)
    data = checked_inputs(workflow, wanted.data)
    version = int(wanted.which) if wanted.which.isdigit() else 0
    end = walk.run(pretended(now, "manual", data, workflow_id, version))
    return DryRun(steps=budget.told, end=end)


def _surroundings(hub: Hub, principal: Principal) -> Surroundings:
    tenant_id = principal.tenant_id

    @cache
    def connection_of(connector: str, name: str | None) -> str | None:
        with hub.store.read(tenant_id) as tx:
            found = connections.find_for(tx, connector, name)
        return found.name if found else None

    @cache
    def find_workflow(name: str) -> Workflow | None:
        with hub.store.read(tenant_id) as tx:
            stored = workflows.find_by_name(tx, name)
            if stored is None or stored.published_version is None:
                return None
            called = workflow_version(tx, stored.id, stored.published_version)
            seen = may_see(tx, principal, "workflow:read", stored.id)
        # Who may not see a workflow is not shown its steps because another one calls it.
        return called if seen else Workflow(name=name, triggers=(), steps=(), inputs=called.inputs)

    return Surroundings(
        catalog=hub.catalog,
        connection_of=connection_of,
        find_workflow=find_workflow,
        now=hub.now(),
        policies=policies_of(hub.store).of(tenant_id),
    )
