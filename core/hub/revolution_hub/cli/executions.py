"""`revolution executions …`: look at executions and settle uncertain steps, through the API."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, status, steps_table, table
from revolution_hub.errors import HubError
from revolution_sdk.types import JsonObject

executions = typer.Typer(help="Look at executions, end them, settle uncertain steps.", no_args_is_help=True)


class Outcome(StrEnum):
    """What a person found out about an uncertain step."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


@executions.command("list")
def list_executions(
    only: Annotated[str, typer.Option("--status", help="only with this status")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 20,
) -> None:
    """List the newest executions."""
    query = {"limit": str(limit), **({"status": only} if only else {})}
    made = table("Executions", ("id", "workflow", "status", "why", "created"), whole=("id", "status"))
    for one in connect().get("/api/workflow-executions", **query)["items"]:
        made.add_row(one["id"], one["workflow_id"], status(one["status"]), why(one), one["created_at"])
    out.print(made)


@executions.command("show")
def show_execution(execution_id: Annotated[str, typer.Argument(help="exe_…")]) -> None:
    """Show an execution step by step."""
    execution = connect().get(f"/api/workflow-executions/{execution_id}")
    out.print(steps_table(execution))
    out.print("Status:", status(execution["status"]), why(execution))


@executions.command("resolve")
def resolve_step(
    execution_id: Annotated[str, typer.Argument(help="exe_…")],
    step_id: Annotated[str, typer.Argument(help="the uncertain step")],
    outcome: Annotated[Outcome, typer.Argument(help="what you found out")],
    result: Annotated[str, typer.Option(help="the action's result as JSON, if it happened")] = "",
) -> None:
    """Say what happened in an uncertain step; the execution goes on accordingly."""
    body: JsonObject = {"outcome": str(outcome)}
    if result:
        try:
            body["result"] = json.loads(result)
        except ValueError as error:
            raise HubError(f"--result is not JSON: {error}") from error
    answer = connect().post(f"/api/workflow-executions/{execution_id}/steps/{step_id}/resolve", body)
    out.print("Status:", status(answer["status"]))


@executions.command("cancel")
def cancel_execution(execution_id: Annotated[str, typer.Argument(help="exe_…")]) -> None:
    """End an execution now. A call that is under way may still have its effect."""
    answer = connect().post(f"/api/workflow-executions/{execution_id}/cancel")
    out.print("Status:", status(answer["status"]))


def why(execution: JsonObject) -> str:
    """Return in a few words why an execution is as it is."""
    if execution["error"]:
        return str(execution["error"]["message"])
    if execution["wait_reason"]:
        return f"{execution['wait_reason']} {execution['wait_on'] or execution['wake_at'] or ''}".strip()
    return str(execution["reason"] or "")
