"""`revolution polls …`: what is looked for at providers: look, pause, resume, look now."""

import json
from typing import Annotated

import typer
from rich.markup import escape

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, status, table, tell
from revolution_sdk.types import Json, JsonObject

polls = typer.Typer(
    help="What is looked for at providers: list, show, pause, resume, look now.", no_args_is_help=True
)

PATH = "/api/polls"

Poll = Annotated[str, typer.Argument(metavar="POLL", help="pol_…")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


@polls.command("list")
def list_polls(
    *,
    connection: Annotated[str, typer.Option(help="only of this connection, con_…")] = "",
    cursor: Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 50,
    as_json: AsJson = False,
) -> None:
    """List polls: when each looked last, and what it found that webhooks had missed."""
    asked = {"connection_id": connection, "cursor": cursor, "limit": str(limit)}
    found = connect().get(PATH, **{name: value for name, value in asked.items() if value})
    if as_json:
        _tell_json(found)
        return
    columns = ("id", "poll", "connection", "state", "looked", "polled", "missed")
    made = table("Polls", columns, whole=("id", "state"))
    for one in found["items"]:
        ledger = one["ledger"]
        made.add_row(
            one["id"],
            escape(one["poll"]),
            escape(one["connection"] or ""),
            status(one["state"]),
            one["polled_at"] or "",
            str(ledger["polled"]),
            "" if ledger["missed"] is None else str(ledger["missed"]),
        )
    out.print(made)
    if found["next_cursor"]:
        tell(f"more: --cursor {found['next_cursor']}")


@polls.command("show")
def show_poll(poll_id: Poll, as_json: AsJson = False) -> None:
    """Show a poll: whether it works, and its loss ledger."""
    _told(connect().get(f"{PATH}/{poll_id}"), as_json)


@polls.command("pause")
def pause_poll(poll_id: Poll, as_json: AsJson = False) -> None:
    """Look for nothing until it is resumed."""
    _told(connect().post(f"{PATH}/{poll_id}/pause"), as_json)


@polls.command("resume")
def resume_poll(poll_id: Poll, as_json: AsJson = False) -> None:
    """Let a paused poll look again, from where it stood."""
    _told(connect().post(f"{PATH}/{poll_id}/resume"), as_json)


@polls.command("run")
def run_poll(poll_id: Poll, as_json: AsJson = False) -> None:
    """Look now."""
    _told(connect().post(f"{PATH}/{poll_id}/run"), as_json)


def _told(one: JsonObject, as_json: bool) -> None:
    if as_json:
        _tell_json(one)
        return
    ledger = one["ledger"]
    through = f" through {one['connection']}" if one["connection"] else ""
    tell(f"{one['poll']}{through}: {one['state']}")
    tell(f"looked {one['polled_at'] or 'never'}; next {one['next_at'] or 'not'}; lag {one['lag_s']:g} s")
    if one["error"]:
        tell(f"failed {one['failures']} times: {one['error'].get('message')}")
    counts = [f"{name} {ledger[name]}" for name in ("polled", "received", "missed", "doubled")
              if ledger[name] is not None]  # fmt: skip
    tell(f"since {ledger['from']}: {', '.join(counts)}")


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
