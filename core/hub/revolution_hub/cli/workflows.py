"""`revolution workflows …`: look at workflows, their versions and what they would do, through the API."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.schedules import schedule_line
from revolution_hub.cli.show import out, status, table, tell
from revolution_hub.errors import HubError
from revolution_sdk.types import JsonObject

workflows = typer.Typer(help="Look at workflows, publish them, go back, try them out.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="WORKFLOW", help="its name, or wf_…")]
LONGEST_SHOWN = 60


@workflows.command("list")
def list_workflows() -> None:
    """List the workflows."""
    made = table("Workflows", ("name", "id", "published", "changed"), whole=("id", "published"))
    for one in connect().everything("/api/workflows"):
        published = f"version {one['published_version']}" if one["published_version"] else "no"
        made.add_row(escape(one["name"]), one["id"], published, one["updated_at"])
    out.print(made)


@workflows.command("show")
def show_workflow(workflow: Which) -> None:
    """Show a workflow: its published version, and what its draft changes."""
    client = connect()
    one = find_workflow(client, workflow)
    published = one["published_version"]
    tell(f"{one['name']} ({one['id']}), revision {one['revision']}, changed {one['updated_at']}")
    tell(f"published: version {published}" if published else "not published")
    for schedule in client.everything("/api/schedules", workflow_id=one["id"]):
        tell(schedule_line(schedule))
    compared = client.get(f"/api/workflows/{one['id']}/diff") if published else {"text": ""}
    tell(compared["text"] or client.text(f"/api/workflows/{one['id']}/export"))


@workflows.command("export")
def export_workflow(
    workflow: Which,
    version: Annotated[str, typer.Option(help="the number of a version, draft or published")] = "draft",
) -> None:
    """Write a workflow's document to standard output, as YAML."""
    client = connect()
    tell(client.text(f"/api/workflows/{find_workflow(client, workflow)['id']}/export", version=version))


@workflows.command("versions")
def list_versions(workflow: Which) -> None:
    """List a workflow's versions: who published them, and when."""
    client = connect()
    made = table(f"Versions of {workflow}", ("version", "published", "by", "at"), whole=("version",))
    for one in client.get(f"/api/workflows/{find_workflow(client, workflow)['id']}/versions", limit="200")[
        "items"
    ]:
        made.add_row(
            str(one["version"]), "yes" if one["published"] else "", one["published_by"], one["created_at"]
        )
    out.print(made)


@workflows.command("publish")
def publish_workflow(workflow: Which) -> None:
    """Publish a workflow's draft as its next version."""
    client = connect()
    _told(client.post(f"/api/workflows/{find_workflow(client, workflow)['id']}/publish"))


@workflows.command("rollback")
def rollback_workflow(
    workflow: Which,
    version: Annotated[int, typer.Argument(min=1, help="whose document becomes the next version")],
    draft: Annotated[bool, typer.Option("--draft", help="replace the draft as well")] = False,
) -> None:
    """Publish the document of an earlier version as the next version."""
    client = connect()
    body = {"version": version, "draft": draft}
    _told(client.post(f"/api/workflows/{find_workflow(client, workflow)['id']}/rollback", body))


@workflows.command("unpublish")
def unpublish_workflow(workflow: Which) -> None:
    """Let nothing start a workflow any more; what runs goes on."""
    client = connect()
    client.post(f"/api/workflows/{find_workflow(client, workflow)['id']}/unpublish")
    tell("not published any more")


@workflows.command("dry-run")
def dry_run(
    workflow: Which,
    data: Annotated[str, typer.Option(metavar="JSON", help="what a manual start would hand in")] = "{}",
    version: Annotated[str, typer.Option(help="the number of a version, draft or published")] = "draft",
    pins: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON file with results by step id that stand for calls"),
    ] = None,
    from_execution: Annotated[
        str, typer.Option(metavar="exe_…", help="take what calls gave in this execution")
    ] = "",
) -> None:
    """Show what a workflow would do with some data. Nothing is called."""
    client = connect()
    body: JsonObject = {"data": _object(data, "--data")}
    body["version"] = int(version) if version.isdigit() else version
    if pins is not None:
        body["pins"] = _object(_text(pins), str(pins))
    if from_execution:
        body["from_execution"] = from_execution
    made = client.post(f"/api/workflows/{find_workflow(client, workflow)['id']}/dry-run", body)
    shown = table("Dry run", ("step", "does", "input", "output", "from"), whole=("step", "from"))
    for one in made["steps"]:
        name = "/".join([*one["within"], one["id"]])
        wrong = (
            one["error"]["message"]
            if one["error"]
            else "; ".join(f"{problem['path']}: {problem['message']}" for problem in one["problems"])
        )
        output = wrong or _short(one["output"])
        shown.add_row(
            *map(escape, (name, one["uses"] or one["kind"], _short(one["input"]), output, one["output_from"]))
        )
    out.print(shown)
    end = made["end"]
    out.print(
        "End:", status(end["status"]), escape(end["reason"] or (end["error"] or {}).get("message") or "")
    )


def find_workflow(client: Client, workflow: str) -> Any:
    """Return a workflow by its name, or by its id."""
    named = client.get("/api/workflows", name=workflow)["items"]
    if named:
        return named[0]
    if workflow.startswith("wf_"):
        return client.get(f"/api/workflows/{workflow}")
    raise HubError(f"there is no workflow {workflow!r}")


def _told(published: Any) -> None:
    version = published["version"]
    tell(
        f"version {version} is published"
        if published["changed"]
        else f"version {version} was published already"
    )
    if published["hook_url"]:
        tell(f"webhook: {published['hook_url']}")
    if published["signing_secret"]:
        tell(f"signing secret, shown this once: {published['signing_secret']}")
    if published["verify_token"]:
        tell(f"verify token, shown this once: {published['verify_token']}")


def _object(text: str, where: str) -> JsonObject:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise HubError(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise HubError(f"{where} must hold an object")
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{path} cannot be read: {error}") from error


def _short(value: Any) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
