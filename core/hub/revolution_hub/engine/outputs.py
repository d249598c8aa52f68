"""outputs: what a step leaves behind, as far as it is known before it is run. Pure."""

from collections.abc import Mapping

from revolution_hub.catalog import Catalog
from revolution_hub.engine.shapes import ANYTHING, NUMBER, TEXT, closed
from revolution_hub.model.workflow import BRANCHING, Step, StepKind, Steps
from revolution_sdk.types import Json

_ERROR = closed({"code": ANYTHING, "message": ANYTHING, "details": ANYTHING})


def output_of(step: Step, catalog: Catalog, branches: Mapping[str, Mapping[str, Json]]) -> Json:
    """Return the schema of a step's output. `branches` are the outputs of the steps in each of its blocks."""
    # What stands in for the output is written by the author, and with steps instead there may be none.
    if step.on_error is not None:
        return ANYTHING
    match step.kind:
        case StepKind.ACTION:
            action = catalog.find_action(step.uses or "")
            return action.output if action else ANYTHING
        case StepKind.SET:
            return closed(dict.fromkeys(step.body, ANYTHING))
        case StepKind.BRANCH:
            return closed({"branch": TEXT})
        case StepKind.SWITCH:
            return closed({"case": {"type": ["string", "null"]}})
        case StepKind.EMIT:
            return closed({"event": TEXT, "event_id": TEXT})
        case StepKind.RESPOND:
            return closed({"status": NUMBER, "headers": ANYTHING, "body": ANYTHING})
        case StepKind.PARALLEL:
            return closed(
                {
                    one.name: ANYTHING if _may_finish(one.steps) else closed(branches[one.name])
                    for one in step.blocks
                }
            )
        case StepKind.FOR_EACH:
            errors = {"type": "array", "items": closed({"index": NUMBER, "error": _ERROR})}
            items = {"type": "array", "items": ANYTHING}
            return closed({"items": items, "succeeded": NUMBER, "failed": NUMBER, "errors": errors})
        case StepKind.WAIT if "callback" in step.body:
            return closed({"body": ANYTHING, "received_at": TEXT})
        case _:
            return ANYTHING


def _may_finish(steps: Steps) -> bool:
    """Tell whether a `finish` may end this list, whose result is then the output of the `finish`."""
    return any(
        step.kind is StepKind.FINISH
        or (
            any(_may_finish(block.steps) for block in step.all_blocks())
            if step.kind in BRANCHING
            else step.on_error is not None
            and step.on_error.block is not None
            and _may_finish(step.on_error.block.steps)
        )
        for step in steps
    )
