"""`revolution approvals …`: what people are asked before an action is called, and their answers."""

import json
from typing import Annotated

import typer
from rich.markup import escape

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, status, table, tell
from revolution_hub.model.plain_text import plain, plain_json
from revolution_sdk.types import Json, JsonObject

approvals = typer.Typer(
    help="What waits for people to agree: list, show, approve, reject.", no_args_is_help=True
)

PATH = "/api/approvals"
LINK = "/approve/"

Approval = Annotated[str, typer.Argument(metavar="APPROVAL", help="apr_…")]
Answered = Annotated[
    str,
    typer.Argument(metavar="APPROVAL", help="apr_…, or the link you made for yourself: keys never answer"),
]
Comment = Annotated[str, typer.Option(help="why")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


@approvals.command("list")
def list_approvals(
    *,
    wanted: Annotated[str, typer.Option("--status", help="pending, approved, used, rejected, …")] = "",
    execution: Annotated[str, typer.Option(help="only of this execution, exe_…")] = "",
    mine: Annotated[bool, typer.Option(help="only those that wait for an answer of yours")] = False,
    cursor: Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 50,
    as_json: AsJson = False,
) -> None:
    """List approvals: what is to be called, by which step, and until when."""
    asked = {
        "status": wanted,
        "execution_id": execution,
        "mine": "true" if mine else "",
        "cursor": cursor,
        "limit": str(limit),
    }
    found = connect().get(PATH, **{name: value for name, value in asked.items() if value})
    if as_json:
        _tell_json(found)
        return
    made = table("Approvals", ("id", "status", "calls", "execution", "step", "until"), whole=("id", "status"))
    for one in found["items"]:
        made.add_row(
            one["id"],
            status(one["status"]),
            escape(one["uses"]),
            one["execution_id"],
            escape(one["step_id"]),
            one["deadline_at"],
        )
    out.print(made)
    if found["next_cursor"]:
        tell(f"more: --cursor {found['next_cursor']}")


@approvals.command("show")
def show_approval(approval_id: Approval, as_json: AsJson = False) -> None:
    """Show exactly what is to be agreed to, who is asked, and who has answered."""
    _told(connect().get(f"{PATH}/{approval_id}"), as_json)


@approvals.command("approve")
def approve(approval: Answered, comment: Comment = "", as_json: AsJson = False) -> None:
    """Agree to what the approval shows."""
    _decide(approval, "approve", comment, as_json)


@approvals.command("reject")
def reject(approval: Answered, comment: Comment = "", as_json: AsJson = False) -> None:
    """Say no; the step fails."""
    _decide(approval, "reject", comment, as_json)


def _decide(approval: str, decision: str, comment: str, as_json: bool) -> None:
    body: Json = {"decision": decision, "comment": comment}
    _, is_link, token = approval.rpartition(LINK)
    path = f"{LINK}{token}" if is_link else f"{PATH}/{approval}/decision"
    _told(connect().post(path, body), as_json)


def _told(one: JsonObject, as_json: bool) -> None:
    if as_json:
        _tell_json(one)
        return
    tell(f"{one['id']}: {one['status']}{': ' + plain(one['reason']) if one['reason'] else ''}")
    for name, value in one.get("content", {}).items():
        tell(f"  {name}: {plain_json(value)}")
    if one["message"]:
        tell(f"  message: {plain(one['message'])}")
    tell(f"  digest: {one['digest']}")
    for demand in one["demands"]:
        asked = ", ".join(demand["assignees"]) or "whoever may decide"
        tell(f"  {demand['source']}: {demand['quorum']} of {asked}, until {demand['deadline_at']}")
    for vote in one["votes"]:
        tell(f"  {vote['user_id']}: {vote['decision']} {plain(vote['comment'])}".rstrip())


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
