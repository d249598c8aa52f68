"""inputs: what a person or a calling workflow hands in, checked by the workflow's own schema. Pure."""

from copy import deepcopy

from revolution_hub.errors import InputError
from revolution_hub.model.json_schema import judge
from revolution_hub.model.workflow import Workflow
from revolution_sdk.types import Json, JsonObject


def checked_inputs(workflow: Workflow, data: Json, *, at: str = "data") -> JsonObject:
    """Return the inputs with the defaults of the top-level properties filled in.

    A workflow without `inputs` takes anything as it is. Raises InputError with every problem and its path
    below `at`, LimitError `schema_limit` if the schema takes too long to follow.
    """
    filled: JsonObject = data
    if workflow.inputs is None:
        return filled
    if isinstance(data, dict):
        filled = {**default_inputs(workflow), **data}
    problems = judge(workflow.inputs, filled, at)
    if problems:
        raise InputError("the input does not follow the workflow's inputs", problems)
    return filled


def default_inputs(workflow: Workflow) -> JsonObject:
    """Return the defaults of the top-level properties: what an execution gets that nobody hands anything."""
    properties = (workflow.inputs or {}).get("properties", {})
    return {
        name: deepcopy(one["default"])
        for name, one in properties.items()
        if isinstance(one, dict) and "default" in one
    }
