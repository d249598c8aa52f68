"""A folder of workflows kept in files: read as a whole, with every problem in its file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from revolution_hub.engine.check_calls import targets_of
from revolution_hub.errors import HubError, InputError, Problem
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.strict_json import MAX_BYTES, dump_json, strict_json
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.model.yaml_places import placed, places_of
from revolution_sdk.types import Json, JsonObject

YAML, JSON = (".yaml", ".yml"), ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFile:
    """One file, the document in it, and the names of the workflows it starts."""

    path: Path
    text: str
    name: str
    document: JsonObject
    starts: tuple[str, ...] = ()

    def told(self, problems: Sequence[Problem]) -> list[Problem]:
        """Return problems of the document as those of the file: `greet.yaml:4:5 steps[0].uses`."""
        places, lines = places_of(self.text), self.text.splitlines()
        return [_told(self.path, placed(one, places, lines)) for one in problems]


def read_folder(folder: Path) -> tuple[list[WorkflowFile], list[Problem]]:
    """Return the workflows of every YAML and JSON file in a folder and those below it, and what is wrong.

    That is what cannot be read at all, and equal names; what a hub thinks of the documents comes later.
    """
    if not folder.is_dir():
        raise HubError(f"{folder} is not a folder")
    found: list[WorkflowFile] = []
    problems: list[Problem] = []
    for path in sorted(one for one in folder.rglob("*") if one.suffix in (*YAML, JSON) and one.is_file()):
        try:
            found.append(_read(path))
        except InputError as error:
            problems += [_told(path, one) for one in error.problems]
    return found, [*problems, *_taken(found)]


def in_order(files: Sequence[WorkflowFile]) -> list[WorkflowFile]:
    """Return the files so that whatever a workflow starts comes before it."""
    by_name = {one.name: one for one in files}
    starts = {one.name: [name for name in one.starts if name in by_name] for one in files}
    try:
        return [by_name[name] for name in TopologicalSorter(starts).static_order()]
    except CycleError as error:
        names = " → ".join(error.args[1])
        raise HubError(f"these workflows start each other again and again: {names}") from error


def _read(path: Path) -> WorkflowFile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{path} cannot be read: {error}") from error
    document = read_yaml(text) if path.suffix in YAML else strict_json(text.encode(), max_bytes=MAX_BYTES)
    document = _as_json(document)
    workflow, problems = read(document)
    if not isinstance(document, dict):
        raise InputError("no workflow", problems)
    return WorkflowFile(
        path=path,
        text=text,
        name=workflow.name,
        document=document,
        starts=() if problems else tuple(targets_of(workflow)),
    )


def _as_json(document: Json) -> Json:
    """Return a document as a request can carry it; raises InputError for what JSON has no form for."""
    try:
        return strict_json(dump_json(document).encode(), max_bytes=MAX_BYTES)
    except (UnicodeError, ValueError) as error:
        raise InputError("no JSON", [Problem(path="", message=str(error), code="json_invalid")]) from error


def _taken(files: Sequence[WorkflowFile]) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for one in files:
        if one.name and one.name in first:
            message = f"the name {one.name!r} is already used in {first[one.name]}"
            yield from one.told([Problem(path="name", message=message, code="name_taken")])
        first.setdefault(one.name, one.path)


def _told(path: Path, problem: Problem) -> Problem:
    place = f":{problem.line}:{problem.column}" if problem.line is not None else ""
    shown = f"{path}{place} {problem.path}".rstrip()
    return Problem(path=shown, message=problem.message, code=problem.code)
