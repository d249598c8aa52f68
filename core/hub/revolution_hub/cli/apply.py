"""`revolution apply` and `revolution diff`: workflows kept in files, in a repository for example."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.folder import WorkflowFile
from revolution_hub.cli.intent import Intent, Step, decide
from revolution_hub.cli.show import out, table, tell
from revolution_hub.errors import HubError
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.yaml_text import yaml_difference

DIFFERENT = 2
"""Exit code of `diff` when the hub has not what the folder has."""

_STYLES = {Step.CREATE: "green", Step.CHANGE: "yellow", Step.PUBLISH: "yellow", Step.DELETE: "red"}

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="folder with *.yaml, *.yml and *.json files")]
Publish = Annotated[
    bool, typer.Option("--publish/--no-publish", help="publish what is kept, not only its draft")
]
Prune = Annotated[bool, typer.Option("--prune", help="delete workflows of the hub that are in no file")]


def diff(folder: Folder, publish: Publish = True, prune: Prune = False) -> None:
    """Show what `apply` would change, without changing it. Exits with 2 if there is anything."""
    intents = decide(connect(), folder, publish=publish, prune=prune)
    _show(intents)
    for one in intents:
        if one.differs and one.file is not None:
            tell(yaml_difference(one.present, one.file.document, "hub", str(one.file.path)))
    if any(one.differs for one in intents):
        raise typer.Exit(DIFFERENT)


def apply(
    folder: Folder,
    publish: Publish = True,
    prune: Prune = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would be done")] = False,
) -> None:
    """Bring the hub to what is in a folder. Every file is looked at first; running it again does nothing."""
    client = connect()
    intents = decide(client, folder, publish=publish, prune=prune)
    _show(intents)
    if dry_run:
        return
    # Within one run a request that is sent again does nothing twice. Another run may do again what this one
    # did, if somebody undid it meanwhile.
    run = secrets.token_hex(8)
    for one in intents:
        try:
            _do(client, one, run, publish=publish)
        except HubError as error:
            error.args = (f"{one.name}: {error.message}",)
            error.message = error.args[0]
            raise
    counted = Counter(one.step for one in intents)
    tell(", ".join(f"{counted[step]} {_DONE[step]}" for step in Step if counted[step]) or "nothing to do")


_DONE = {
    Step.CREATE: "created",
    Step.CHANGE: "changed",
    Step.PUBLISH: "published",
    Step.DELETE: "deleted",
    Step.UNCHANGED: "unchanged",
}


def _do(client: Client, intent: Intent, run: str, *, publish: bool) -> None:
    if intent.step is Step.UNCHANGED:
        return
    if intent.file is None:
        stored = intent.stored or {}
        client.delete(f"/api/workflows/{stored['id']}", if_match=f'"{stored["revision"]}"')
        return
    workflow_id = _kept(client, intent, intent.file, run)
    if publish:
        key = _key(intent.file, run, "publish")
        _tell_hook(intent.name, client.post(f"/api/workflows/{workflow_id}/publish", idempotency_key=key))


def _kept(client: Client, intent: Intent, file: WorkflowFile, run: str) -> str:
    body = {"document": file.document}
    if intent.stored is None:
        made = client.post("/api/workflows", body, idempotency_key=_key(file, run, "create"))
        return str(made["id"])
    workflow_id = str(intent.stored["id"])
    if intent.step is Step.CHANGE:
        client.put(f"/api/workflows/{workflow_id}", body, if_match=f'"{intent.stored["revision"]}"')
    return workflow_id


def _key(file: WorkflowFile, run: str, what: str) -> str:
    digest = hashlib.sha256(canonical_json(file.document).encode()).hexdigest()
    return f"{what}-{run}-{digest}"


def _tell_hook(name: str, published: Any) -> None:
    if published["signing_secret"]:
        tell(f"{name}: its webhook is {published['hook_url']}")
        tell(f"{name}: its signing secret, shown this once: {published['signing_secret']}")
    if published["verify_token"]:
        tell(f"{name}: its verify token, shown this once: {published['verify_token']}")


def _show(intents: Sequence[Intent]) -> None:
    made = table("Workflows", ("workflow", "what", "file"), whole=("what",))
    for one in intents:
        style = _STYLES.get(one.step, "dim")
        shown = str(one.file.path) if one.file else ""
        made.add_row(escape(one.name), f"[{style}]{one.step}[/{style}]", escape(shown))
    out.print(made)
