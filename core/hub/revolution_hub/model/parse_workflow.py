"""parse: a JSON document becomes a Workflow, or a DefinitionError with every problem and its path."""

from revolution_hub.errors import DefinitionError, Problem
from revolution_hub.model.parse_policies import read_concurrency, read_idempotency
from revolution_hub.model.parse_steps import Place, read_steps
from revolution_hub.model.parse_triggers import read_triggers
from revolution_hub.model.reading import MOST_PROBLEMS, Reader, join
from revolution_hub.model.words import LONGEST_TEXT, ON_FAILURE_WORDS, TOP
from revolution_hub.model.workflow import ON_FAILURE, Block, OnFailure, Workflow
from revolution_sdk.types import Json, JsonObject

__all__ = ["MOST_PROBLEMS", "parse", "read"]


def parse(document: Json) -> Workflow:
    """Return the workflow the document describes; raise DefinitionError with all problems otherwise.

    At most 2,000 steps, nested at most 12 deep. The first 200 problems are told.
    """
    workflow, problems = read(document)
    if problems:
        raise DefinitionError("the workflow is not valid", problems)
    return workflow


def read(document: Json) -> tuple[Workflow, list[Problem]]:
    """Return what could be read of the document, and everything that is wrong with it.

    With problems the workflow is good for nothing but looking for more of them.
    """
    reader = Reader()
    root = reader.object(document, "")
    reader.known_words(root, TOP, "")
    workflow = Workflow(
        name=reader.text(root.get("name"), "name"),
        description=reader.text(root.get("description"), "description", longest=LONGEST_TEXT, needed=False),
        triggers=read_triggers(reader, root.get("on", [{"manual": {}}])),
        inputs=_inputs(reader, root["inputs"]) if "inputs" in root else None,
        vars=reader.object(root.get("vars", {}), "vars"),
        concurrency=read_concurrency(reader, root["concurrency"]) if "concurrency" in root else None,
        idempotency=read_idempotency(reader, root["idempotency"]) if "idempotency" in root else None,
        steps=read_steps(reader, root.get("steps"), Place("steps"), needed=True),
        on_failure=_on_failure(reader, root[ON_FAILURE]) if ON_FAILURE in root else None,
    )
    return workflow, reader.problems


def _inputs(reader: Reader, value: Json) -> JsonObject | None:
    schema = reader.object(value, "inputs")
    return schema if isinstance(value, dict) else None


def _on_failure(reader: Reader, value: Json) -> OnFailure:
    word, entry = reader.choice(value, ON_FAILURE_WORDS, ON_FAILURE)
    if word == "steps":
        place = Place(join(ON_FAILURE, "steps"), within=ON_FAILURE)
        steps = read_steps(reader, entry["steps"], place, needed=True)
        return OnFailure(path=ON_FAILURE, block=Block(name=ON_FAILURE, path=place.path, steps=steps))
    target = reader.text(entry["workflow"], join(ON_FAILURE, "workflow")) if word else None
    return OnFailure(path=ON_FAILURE, target=target)
