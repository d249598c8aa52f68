"""Definitions: whether a document may be kept, with every problem it has."""

from collections.abc import Mapping
from types import MappingProxyType

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check import check
from revolution_hub.engine.enabled import refusal_of
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import DefinitionError, Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, read
from revolution_hub.model.workflow import Workflow
from revolution_hub.store import connections, integrations, workflows
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json


def checked(catalog: Catalog, tx: Tx, document: Json) -> Workflow:
    """Return the workflow a document describes; raise DefinitionError with every problem otherwise."""
    workflow, problems = look_at(catalog, tx, document)
    if problems:
        raise DefinitionError("the workflow is not valid", problems)
    return workflow


def look_at(
    catalog: Catalog, tx: Tx, document: Json, coming: Mapping[str, Workflow] = MappingProxyType({})
) -> tuple[Workflow, list[Problem]]:
    """Return what could be read of a document, and everything that is wrong with it.

    `coming` are workflows by name that will be published before this one.
    """
    workflow, problems = read(document)

    def has_connection(connector: str, name: str) -> bool:
        return connections.find_for(tx, connector, name) is not None

    def find_workflow(name: str) -> Workflow | None:
        if name in coming:
            return coming[name]
        stored = workflows.find_by_name(tx, name)
        if stored is None or stored.published_version is None:
            return None
        return workflow_version(tx, stored.id, stored.published_version)

    known = integrations.find_all(tx)

    def refusal(connector: str, action: str) -> str | None:
        refused = refusal_of(known[connector], action) if connector in known else None
        return refused.message if refused else None

    # What cannot be read is told once; whether it exists is no question then.
    told = {one.path for one in problems}
    found = check(workflow, catalog, has_connection, find_workflow, refusal)
    problems += [one for one in found if one.path not in told]
    return workflow, problems[:MOST_PROBLEMS]
