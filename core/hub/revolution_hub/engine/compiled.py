"""Step bodies with their templates compiled, kept as long as the step itself is used."""

from revolution_hub.model.workflow import OnError, Step
from revolution_hub.template.document import Document, compile_document
from revolution_sdk.types import Json

_MOST = 4096

_KEPT: dict[tuple[int, str], tuple[object, Document]] = {}


def body_of(step: Step) -> Document:
    """Return the step's compiled body; raises DefinitionError as `compile_document` does."""
    return _compiled(step, "", step.body)


def part_of(step: Step, name: str) -> Document:
    """Return one member of the step's body, compiled by itself."""
    return _compiled(step, name, step.body[name])


def value_of(on_error: OnError) -> Document:
    """Return what stands for the result of a step that failed, compiled."""
    return _compiled(on_error, "", on_error.value)


def _compiled(owner: object, name: str, value: Json) -> Document:
    found = _KEPT.get((id(owner), name))
    # The same number may name another step once the first is gone; a step that is kept stays itself.
    if found is not None and found[0] is owner:
        return found[1]
    document = compile_document(value)
    if len(_KEPT) >= _MOST:
        _KEPT.clear()
    _KEPT[id(owner), name] = (owner, document)
    return document
