"""What has to be done so that a hub has the workflows of a folder: decided first, then shown or done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from revolution_hub.cli.client import Client
from revolution_hub.cli.folder import WorkflowFile, in_order, read_folder
from revolution_hub.errors import DefinitionError, HubError, Problem
from revolution_hub.model.strict_json import canonical_json, dump_json
from revolution_sdk.types import Json, JsonObject

MOST_FILES = 500
MOST_BYTES = 1_000_000
"""All documents are looked at in one request."""


class Step(StrEnum):
    """What is done about one workflow."""

    CREATE = "create"
    CHANGE = "change"
    PUBLISH = "publish"
    DELETE = "delete"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is done about one workflow, its file if it has one, and how the hub has it now."""

    step: Step
    name: str
    file: WorkflowFile | None = None
    stored: JsonObject | None = None
    present: Json = None

    @property
    def differs(self) -> bool:
        """Whether there is anything to do."""
        return self.step is not Step.UNCHANGED


def decide(client: Client, folder: Path, *, publish: bool, prune: bool) -> list[Intent]:
    """Return what is to be done, whatever a workflow starts before it, deletions last.

    Raises DefinitionError with the problems of every file if one cannot be read or the hub would not take it.
    """
    files, problems = read_folder(folder)
    _refuse([*problems, *_looked_at(client, files, publish=publish)])
    ordered = in_order(files)
    stored = {one["name"]: one for one in client.everything("/api/workflows")}
    intents = [_about(client, one, stored.get(one.name), publish=publish) for one in ordered]
    if prune:
        names = {one.name for one in files}
        gone = [name for name in sorted(stored) if name not in names]
        _refuse(_needed(ordered, gone))
        intents += [
            Intent(step=Step.DELETE, name=name, stored=stored[name], present=stored[name]["document"])
            for name in gone
        ]
    return intents


def _about(client: Client, file: WorkflowFile, stored: Any, *, publish: bool) -> Intent:
    if stored is None:
        return Intent(step=Step.CREATE, name=file.name, file=file)
    path, published = f"/api/workflows/{stored['id']}", stored["published_version"]
    wanted = canonical_json(file.document)
    present = stored["document"]
    step = Step.UNCHANGED if canonical_json(present) == wanted else Step.CHANGE
    if step is Step.UNCHANGED and publish:
        present = client.get(f"{path}/versions/{published}")["document"] if published else None
        step = Step.UNCHANGED if present is not None and canonical_json(present) == wanted else Step.PUBLISH
    return Intent(step=step, name=file.name, file=file, stored=stored, present=present)


def _looked_at(client: Client, files: Sequence[WorkflowFile], *, publish: bool) -> list[Problem]:
    """Have the hub look at every document, all in one request: it must see what they start of each other."""
    total = sum(len(dump_json(one.document).encode()) for one in files)
    if total > MOST_BYTES or len(files) > MOST_FILES:
        most = f"at most {MOST_FILES} files with {MOST_BYTES:,} bytes of JSON are looked at together"
        raise HubError(f"{most}; these are {len(files)} with {total:,}")
    body = {"documents": [one.document for one in files], "publish": publish}
    looked = client.post("/api/workflows/check", body)["items"]
    problems: list[Problem] = []
    for file, found in zip(files, looked, strict=True):
        problems += file.told(
            [Problem(path=one["path"], message=one["message"], code=one["code"]) for one in found["problems"]]
        )
    return problems


def _needed(files: Sequence[WorkflowFile], gone: Sequence[str]) -> list[Problem]:
    return [
        problem
        for one in files
        for name in one.starts
        if name in gone
        for problem in one.told([Problem(path="", message=f"starts {name!r}, which would be deleted")])
    ]


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        count = len(problems)
        said = f"{count} problem{'s'[: count > 1]}, so nothing was changed"
        raise DefinitionError(said, list(problems))
