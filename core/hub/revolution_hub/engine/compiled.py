"""Step bodies with their templates compiled, kept as long as the step itself is used."""

from revolution_hub.model.workflow import Step
from revolution_hub.template.document import Document, compile_document

_MOST = 4096

_KEPT: dict[int, tuple[Step, Document]] = {}


def body_of(step: Step) -> Document:
    """Return the step's compiled body; raises DefinitionError as `compile_document` does."""
    found = _KEPT.get(id(step))
    # The same number may name another step once the first is gone; a step that is kept stays itself.
    if found is not None and found[0] is step:
        return found[1]
    document = compile_document(step.body)
    if len(_KEPT) >= _MOST:
        _KEPT.clear()
    _KEPT[id(step)] = (step, document)
    return document
