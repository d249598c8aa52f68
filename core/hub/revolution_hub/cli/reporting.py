"""`revolution events emit` and `types`: reporting an event, and what there is to listen to."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from revolution_hub.cli.client import connect
from revolution_hub.cli.events import events
from revolution_hub.cli.show import out, table, tell
from revolution_hub.errors import HubError
from revolution_sdk.types import Json, JsonObject

__all__ = ["events"]

AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


@events.command("emit")
def emit_event(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="custom.… or a canonical type")],
    data: Annotated[str, typer.Option(help="what it says: a JSON object, or @FILE")] = "{}",
    key: Annotated[str, typer.Option(help="of a type and a key there is one event")] = "",
    as_json: AsJson = False,
) -> None:
    """Report an event, which starts every workflow that listens to its type."""
    body: JsonObject = {"type": kind, "data": _json(data)} | ({"key": key} if key else {})
    made = connect().post("/api/events", body)
    if as_json:
        _tell_json(made)
        return
    tell(f"{made['event_id']}{'' if made['new'] else ' was reported before'}")
    for one in made["execution_ids"]:
        tell(f"started {one}")


@events.command("types")
def list_types(as_json: AsJson = False) -> None:
    """List every type of event there is to listen to. Those of your own, under custom., are not declared."""
    found = connect().get("/api/event-types")
    if as_json:
        _tell_json(found)
        return
    made = table("Event types", ("type", "title", "canonical"), whole=("type",))
    for one in found["items"]:
        made.add_row(one["type"], escape(one["title"]), one["canonical"] or "")
    out.print(made)


def _json(text: str) -> Json:
    try:
        return json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{text[1:]} cannot be read: {error}") from error
    except ValueError as error:
        raise HubError(f"--data is not JSON: {error}") from error


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
