"""Workflow files: documents as YAML or JSON, going out and coming in, and looked at before they come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from revolution_hub.access.rbac import require
from revolution_hub.errors import ConflictError, DefinitionError, InputError, LimitError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import canonical_json, dump_json, strict_json
from revolution_hub.model.workflow import Workflow
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.model.yaml_places import placed, places_of
from revolution_hub.model.yaml_text import write_yaml
from revolution_hub.services.definitions import checked, look_at
from revolution_hub.services.guard import require_on_workflow
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.versions import DRAFT, document_of
from revolution_hub.store import audit, workflows
from revolution_hub.store.tx import Tx
from revolution_hub.store.workflows import StoredWorkflow
from revolution_sdk.types import Json, JsonObject

LARGEST_YAML = 262_144
"""Reading YAML takes a hundred times as long as reading JSON, and is done among the requests of everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A draft that was brought in: `created`, `changed`, or the same as before."""

    workflow: StoredWorkflow
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found out about a document that is not kept: its name as far as it has one, its problems."""

    name: str
    problems: list[Problem]


def read_file(raw: bytes, *, is_yaml: bool, largest: int) -> Json:
    """Return the value in a file; raises InputError with the place of what cannot be read."""
    if not is_yaml:
        return strict_json(raw, max_bytes=largest)
    if len(raw) > LARGEST_YAML:
        message = f"a workflow in YAML has at most {LARGEST_YAML} bytes; send a larger one as JSON"
        raise LimitError(message, code="body_too_large")
    try:
        text = raw.decode("utf-8")
        # What JSON would refuse, such as NUL or a number without bounds, no database would keep either.
        return strict_json(dump_json(read_yaml(text)).encode(), max_bytes=8 * LARGEST_YAML)
    except UnicodeError as error:
        problem = Problem(path="", message="is not text in UTF-8", code="yaml_invalid")
        raise InputError("this is not readable YAML", [problem], code="yaml_invalid") from error


def export_workflow(hub: Hub, principal: Principal, workflow_id: str, which: str = DRAFT) -> str:
    """Return a workflow's document as YAML: its draft, a version by its number, or the `published` one."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        stored = workflows.get(tx, workflow_id)
        document = document_of(tx, stored, which, "version")
    return write_yaml(document)


def import_workflow(
    hub: Hub,
    principal: Principal,
    raw: bytes,
    *,
    is_yaml: bool,
    replacing: bool = False,
    once: Once | None = None,
) -> Imported:
    """Keep a file as a new draft; with `replacing` as the draft of the workflow of the same name, if any.

    Raises DefinitionError with the line and column of every problem of a YAML file.
    """
    require(principal, "workflow:write")
    document = read_file(raw, is_yaml=is_yaml, largest=hub.settings.body_bytes)
    try:
        return _kept(hub, principal, document, replacing=replacing, once=once)
    except DefinitionError as error:
        if is_yaml:
            error.problems = with_places(error.problems, raw.decode("utf-8"))
        raise


def check_documents(
    hub: Hub, principal: Principal, documents: Sequence[Json], *, publish: bool = True
) -> list[Looked]:
    """Return what is wrong with documents that are to be kept together. Nothing is kept.

    With `publish` they are taken to be published as well, each before those that start it.
    """
    require(principal, "workflow:write")
    coming: dict[str, Workflow] = {}
    for document in documents:
        workflow, problems = read(document)
        if publish and not problems:
            coming[workflow.name] = workflow
    with hub.store.read(principal.tenant_id) as tx:
        return [_looked(hub, tx, one, coming) for one in documents]


def with_places(problems: Sequence[Problem], text: str) -> list[Problem]:
    """Return the problems with the lines and columns of a YAML text."""
    places, lines = places_of(text), text.splitlines()
    return [placed(one, places, lines) for one in problems]


def _looked(hub: Hub, tx: Tx, document: Json, coming: dict[str, Workflow]) -> Looked:
    workflow, problems = look_at(hub.catalog, tx, document, coming)
    return Looked(name=workflow.name, problems=problems)


def _kept(hub: Hub, principal: Principal, document: Json, *, replacing: bool, once: Once | None) -> Imported:
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return Imported(workflow=workflows.get(tx, made), outcome="unchanged")
        workflow = checked(hub.catalog, tx, document)
        present = workflows.find_by_name(tx, workflow.name) if replacing else None
        before: JsonObject = present.document if present is not None else {}
        if present is None:
            stored = _new(principal, workflow.name, document, hub)
            workflows.add(tx, stored)
            outcome = "created"
        else:
            stored, outcome = _replaced(tx, present, document, hub)
        remember(tx, principal, once, stored.id, now)
        if outcome != "unchanged":
            differing = {"before": before, "after": document}
            audit.append(tx, entry_of(principal, "workflow.import", stored.id, now, **differing))
    return Imported(workflow=stored, outcome=outcome)


def _new(principal: Principal, name: str, document: JsonObject, hub: Hub) -> StoredWorkflow:
    now = hub.now()
    return StoredWorkflow(
        id=new_id("wf"),
        tenant_id=principal.tenant_id,
        name=name,
        document=document,
        revision=1,
        created_at=now,
        updated_at=now,
    )


def _replaced(tx: Tx, present: StoredWorkflow, document: JsonObject, hub: Hub) -> tuple[StoredWorkflow, str]:
    if canonical_json(present.document) == canonical_json(document):
        return present, "unchanged"
    changed = replace(present, document=document, revision=present.revision + 1, updated_at=hub.now())
    if not workflows.replace(tx, changed, present.revision):
        raise ConflictError("the workflow was changed meanwhile", code="stale_revision")
    return changed, "changed"
