"""`revolution executions …`: look at executions, end, retry and replay them, through the API."""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.show import out, status, steps_table, table, tell
from revolution_hub.errors import HubError
from revolution_sdk.types import Json, JsonObject

executions = typer.Typer(
    help="Look at executions, end, retry and replay them, settle uncertain steps.", no_args_is_help=True
)

PATH = "/api/workflow-executions"
ENDED = ("succeeded", "failed", "cancelled")
DEEPEST_SHOWN = 4
MOST_SHOWN = 20
"""So deep a family is shown, and so many children of one step."""

Execution = Annotated[str, typer.Argument(help="exe_…")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


class Outcome(StrEnum):
    """What a person found out about an uncertain step."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


@executions.command("list")
def list_executions(
    *,
    only: Annotated[str, typer.Option("--status", help="only with these, separated by commas")] = "",
    workflow: Annotated[str, typer.Option(help="only of this workflow, wf_…")] = "",
    wait_reason: Annotated[str, typer.Option(help="only waiting for this, such as uncertain")] = "",
    error_code: Annotated[str, typer.Option(help="only failed with this code")] = "",
    event: Annotated[str, typer.Option(help="only started by this event, evt_…")] = "",
    started_by: Annotated[str, typer.Option(help="only started by this principal, key_…")] = "",
    replay_of: Annotated[str, typer.Option(help="only repeating this execution")] = "",
    parent: Annotated[str, typer.Option(help="the children of this execution")] = "",
    after: Annotated[str, typer.Option(help="only made at this moment or later")] = "",
    before: Annotated[str, typer.Option(help="only made before this moment")] = "",
    oldest: Annotated[bool, typer.Option("--oldest", help="the oldest first")] = False,
    cursor: Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest executions."""
    asked = {
        "status": only,
        "workflow_id": workflow,
        "wait_reason": wait_reason,
        "error_code": error_code,
        "event_id": event,
        "started_by": started_by,
        "replay_of": replay_of,
        "parent_id": parent,
        "created_after": after,
        "created_before": before,
        "sort": "created_at" if oldest else "",
        "cursor": cursor,
        "limit": str(limit),
    }
    found = connect().get(PATH, **{name: value for name, value in asked.items() if value})
    if as_json:
        _tell_json(found)
        return
    made = table("Executions", ("id", "workflow", "status", "why", "created"), whole=("id", "status"))
    for one in found["items"]:
        made.add_row(one["id"], one["workflow_id"], status(one["status"]), why(one), one["created_at"])
    out.print(made)
    _tell_cursor(found)


@executions.command("show")
def show_execution(
    execution_id: Execution,
    item: Annotated[int | None, typer.Option(min=0, help="only what belongs to this item")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="look again until it has ended")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=60, help="seconds between two looks")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show an execution step by step, with its children as a tree."""
    client = connect()
    query = {} if item is None else {"item": str(item)}

    def look() -> JsonObject:
        found: JsonObject = client.get(_path(execution_id), **query)
        return found

    execution = look()
    if follow and not as_json:
        with Live(_shown(client, execution), console=out, auto_refresh=False) as live:
            while execution["status"] not in ENDED:
                time.sleep(every)
                execution = look()
                live.update(_shown(client, execution), refresh=True)
        return
    while follow and execution["status"] not in ENDED:
        time.sleep(every)
        execution = look()
    if as_json:
        _tell_json(execution)
    else:
        out.print(_shown(client, execution))


@executions.command("items")
def list_items(
    execution_id: Execution,
    step_id: Annotated[str, typer.Argument(help="the for_each")],
    only: Annotated[
        str, typer.Option("--status", help="only succeeded, failed, running or not_begun ones")
    ] = "",
    cursor: Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the items of a for_each, each with its result or error."""
    asked = {"status": only, "cursor": cursor, "limit": str(limit)}
    found = connect().get(
        f"{_path(execution_id)}/steps/{quote(step_id, safe='')}/items",
        **{name: value for name, value in asked.items() if value},
    )
    if as_json:
        _tell_json(found)
        return
    made = table(f"Items of {step_id}", ("index", "status", "result", "execution"), whole=("status",))
    for one in found["items"]:
        told = one["error"]["message"] if one["error"] else json.dumps(one["result"], ensure_ascii=False)
        made.add_row(str(one["index"]), status(one["status"]), told[:200], one["execution_id"] or "")
    out.print(made)
    _tell_cursor(found)


@executions.command("cancel")
def cancel_execution(execution_id: Execution, as_json: AsJson = False) -> None:
    """End an execution now. A call that is under way may still have its effect."""
    answer = connect().post(f"{_path(execution_id)}/cancel")
    if as_json:
        _tell_json(answer)
        return
    out.print("Status:", status(answer["status"]))
    for one in answer["under_way"]:
        out.print(f"{one['uses']} at {one['step']} was under way and may still have its effect.")


@executions.command("retry")
def retry_execution(
    execution_id: Execution,
    with_input: Annotated[
        str, typer.Option("--input", help="in place of the failed action's input: JSON, or @FILE")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Let an execution that has failed go on from the step that failed."""
    body = {"input": _json("--input", with_input)} if with_input else {}
    _tell_status(connect().post(f"{_path(execution_id)}/retry", body), as_json=as_json)


@executions.command("replay")
def replay_execution(
    execution_id: Execution,
    from_step: Annotated[str, typer.Option(help="what is before this step is taken over")] = "",
    version: Annotated[str, typer.Option(help="a number, same, published or draft")] = "same",
    data: Annotated[str, typer.Option(help="in place of the trigger's data: JSON, or @FILE")] = "",
    with_input: Annotated[
        str, typer.Option("--input", help="the input of the action at --from-step: JSON, or @FILE")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Repeat an execution as a new one. What is done anew has its effects once more."""
    body: JsonObject = {"version": int(version) if version.isdecimal() else version}
    if from_step:
        body["from_step"] = from_step
    if data:
        body["data"] = _json("--data", data)
    if with_input:
        if not from_step:
            raise HubError("--input is for the step that --from-step names")
        body["inputs"] = {from_step: _json("--input", with_input)}
    answer = connect().post(f"{_path(execution_id)}/replay", body)
    if as_json:
        _tell_json(answer)
    else:
        out.print("Started:", answer["execution_id"])


@executions.command("resolve")
def resolve_step(
    execution_id: Execution,
    step_id: Annotated[str, typer.Argument(help="the uncertain step")],
    outcome: Annotated[Outcome, typer.Argument(help="what you found out")],
    result: Annotated[str, typer.Option(help="the action's result as JSON, or @FILE, if it happened")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what happened in an uncertain step; the execution goes on accordingly."""
    body: JsonObject = {"outcome": str(outcome)}
    if result:
        body["result"] = _json("--result", result)
    path = f"{_path(execution_id)}/steps/{quote(step_id, safe='')}/resolve"
    _tell_status(connect().post(path, body), as_json=as_json)


def why(execution: JsonObject) -> str:
    """Return in a few words why an execution is as it is."""
    if execution["error"]:
        return str(execution["error"]["message"])
    if execution["wait_reason"]:
        return f"{execution['wait_reason']} {execution['wait_on'] or execution['wake_at'] or ''}".strip()
    return str(execution["reason"] or "")


def _path(execution_id: str) -> str:
    return f"{PATH}/{quote(execution_id, safe='')}"


def _shown(client: Client, execution: JsonObject) -> RenderableType:
    parts: list[RenderableType] = [steps_table(execution)]
    if execution["steps_left_out"]:
        parts.append(Text(f"{execution['steps_left_out']} more steps are left out; see --item"))
    tree = Tree(Text("Children"))
    _add_children(client, tree, execution, 1)
    if tree.children:
        parts.append(tree)
    parts.append(Text.assemble("Status: ", status(execution["status"]), " ", why(execution)))
    return Group(*parts)


def _add_children(client: Client, tree: Tree, execution: JsonObject, depth: int) -> None:
    for step in execution["steps"]:
        if "items" in step:
            counts = step["items"]
            total = "?" if counts["total"] is None else counts["total"]
            told = f"{counts['succeeded']} succeeded, {counts['failed']} failed of {total}"
            tree.add(Text(f"{step['id']}: {told}, {counts['under_way']} under way"))
        children = step.get("children", [])
        for child in children[:MOST_SHOWN]:
            name = step["id"] if child["branch"] is None else f"{step['id']}.{child['branch']}"
            branch = tree.add(Text.assemble(f"{name} ", status(child["status"]), f" {child['execution_id']}"))
            if depth < DEEPEST_SHOWN:
                below: JsonObject = client.get(_path(child["execution_id"]))
                _add_children(client, branch, below, depth + 1)
        if len(children) > MOST_SHOWN:
            tree.add(Text(f"{step['id']}: {len(children) - MOST_SHOWN} more"))


def _json(option: str, text: str) -> Json:
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{option} cannot be read: {error}") from error
    except ValueError as error:
        raise HubError(f"{option} is not JSON: {error}") from error


def _tell_status(answer: JsonObject, *, as_json: bool) -> None:
    if as_json:
        _tell_json(answer)
    else:
        out.print("Status:", status(answer["status"]))


def _tell_cursor(found: JsonObject) -> None:
    if found["next_cursor"]:
        out.print(f"There are more: --cursor {found['next_cursor']}")


def _tell_json(answer: Any) -> None:
    tell(json.dumps(answer, indent=2, ensure_ascii=False))
