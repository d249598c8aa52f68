"""`revolution events …`: the log of what came in: look, look live, and repeat, through the API."""

import json
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.show import out, status, table, tell
from revolution_hub.errors import HubError
from revolution_sdk.types import JsonObject

events = typer.Typer(
    help="Look at what came in, see what it started and why not, and repeat it.", no_args_is_help=True
)

WAIT_S = "20"
Event = Annotated[str, typer.Argument(help="evt_…")]
Workflow = Annotated[str, typer.Option("--workflow", help="the workflow to start, wf_…")]
Version = Annotated[str, typer.Option("--version", help="a number, published or draft")]
Key = Annotated[str, typer.Option("--key", help="an idempotency key: the same one starts nothing twice")]
Cursor = Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="how many at most")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]
Type = Annotated[str, typer.Option("--type", help="only of this type, or of a group such as crm.contact.*")]
Connector = Annotated[str, typer.Option(help="only of this connector")]
Connection = Annotated[str, typer.Option(help="only through this connection, con_…")]
Canonical = Annotated[str, typer.Option(help="only with this canonical name")]
Source = Annotated[str, typer.Option(help="only come by webhook, app, api, step or poll")]
Status = Annotated[
    str, typer.Option("--status", help="started, no_listener, filtered, no_connection, disabled or failed")
]
After = Annotated[str, typer.Option(help="only received at this moment or later")]
Before = Annotated[str, typer.Option(help="only received before this moment")]
Where = Annotated[
    str, typer.Option("--where", help="a member of the data and its value: $.contact.email=ada@example.com")
]


@events.command("list")
def list_events(
    *,
    kind: Type = "",
    connector: Connector = "",
    connection: Connection = "",
    canonical: Canonical = "",
    source: Source = "",
    only: Status = "",
    after: After = "",
    before: Before = "",
    where: Where = "",
    oldest: Annotated[bool, typer.Option("--oldest", help="the oldest first")] = False,
    cursor: Cursor = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest events with what they started."""
    asked = _filter(
        where,
        type=kind,
        connector=connector,
        connection_id=connection,
        canonical=canonical,
        source=source,
        status=only,
        received_after=after,
        received_before=before,
    )
    asked |= {"sort": "created_at" if oldest else "", "cursor": cursor, "limit": str(limit)}
    found = connect().get("/api/events", **{name: value for name, value in asked.items() if value})
    if as_json:
        _tell_json(found)
        return
    made = table("Events", ("id", "type", "outcome", "executions", "received"), whole=("id", "outcome"))
    for one in found["items"]:
        made.add_row(one["id"], one["type"], one["outcome"] or "", _started(one), one["received_at"])
    out.print(made)
    _tell_cursor(found)


@events.command("show")
def show_event(event_id: Event, as_json: AsJson = False) -> None:
    """Show an event: its data, what it started, and whom it passed over and why."""
    event = connect().get(f"/api/events/{quote(event_id, safe='')}")
    if as_json:
        _tell_json(event)
        return
    out.print(f"{event['id']}: {event['type']} by {event['source']}, {event['received_at']}")
    out.print("Outcome:", event["outcome"] or "not recorded")
    for one in event["executions"]:
        again = " (a replay)" if one["replay"] else ""
        out.print(f"  {one['id']} of {one['workflow_id']}:", status(one["status"]), again)
    for one in event["passed_over"]:
        out.print(
            f"  {one['workflow_id']} was passed over: {one['reason']} {one.get('message', '')}".rstrip()
        )
    for one in event["duplicates"]:
        out.print(f"  reported once more by {one['delivery_id']}, {one['received_at']}")
    tell(json.dumps(event["data"], indent=2, ensure_ascii=False))


@events.command("failed")
def list_failed(cursor: Cursor = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """List events of which an execution has failed, and deliveries that could not be read."""
    asked = {"cursor": cursor, "limit": str(limit)}
    found = connect().get("/api/dead-letters", **{name: value for name, value in asked.items() if value})
    if as_json:
        _tell_json(found)
        return
    made = table("Dead letters", ("id", "what", "why", "received"), whole=("id",))
    for one in found["items"]:
        what = one["type"] if one["kind"] == "event" else f"delivery to {one['source_id']}"
        why = _started(one) if one["kind"] == "event" else one["problem"] or one["mark"]
        made.add_row(one["id"], what, why, one["received_at"])
    out.print(made)
    _tell_cursor(found)


@events.command("replay")
def replay(
    *,
    event_id: Annotated[str, typer.Argument(help="evt_…; without one a filter says which")] = "",
    workflow: Workflow,
    version: Version = "published",
    kind: Type = "",
    connector: Connector = "",
    connection: Connection = "",
    canonical: Canonical = "",
    source: Source = "",
    only: Status = "",
    after: After = "",
    before: Before = "",
    where: Where = "",
    key: Key = "",
    wait: Annotated[bool, typer.Option("--wait", help="wait until all of them are started")] = False,
    as_json: AsJson = False,
) -> None:
    """Start a workflow with one event, or with all that a filter finds, once more."""
    client, headers = connect(), {"Idempotency_Key": key} if key else {}
    goal: JsonObject = {
        "workflow_id": workflow,
        "version": int(version) if version.isdecimal() else version,
    }
    wanted = _filter(
        where,
        type=kind,
        connector=connector,
        connection_id=connection,
        canonical=canonical,
        source=source,
        status=only,
        received_after=after,
        received_before=before,
    )
    wanted = {name: value for name, value in wanted.items() if value or (name == "value" and where)}
    if bool(event_id) == bool(wanted):
        raise HubError("name one event, or say by options which ones")
    if event_id:
        answer = client.post(f"/api/events/{quote(event_id, safe='')}/replay", goal, **headers)
        _tell_json(answer) if as_json else out.print("Started:", answer["execution_id"])
        return
    replayed = client.post("/api/events/replay", {**goal, "filter": wanted}, **headers)
    _tell_replay(_finished(client, replayed) if wait else replayed, as_json=as_json)


@events.command("progress")
def show_progress(
    replay_id: Annotated[str, typer.Argument(help="rpl_…")],
    wait: Annotated[bool, typer.Option("--wait", help="wait until it is done")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a replay of many events is."""
    client = connect()
    replayed = client.get(f"/api/event-replays/{quote(replay_id, safe='')}")
    _tell_replay(_finished(client, replayed) if wait else replayed, as_json=as_json)


@events.command("tap")
def tap(
    workflow: Annotated[str, typer.Option(help="what this workflow would start on, wf_…")] = "",
    event: Annotated[str, typer.Option(help="events of this type, or of a group")] = "",
    count: Annotated[int, typer.Option(min=0, help="end after so many; 0 goes on until Ctrl-C")] = 0,
    seconds: Annotated[int, typer.Option(min=10, max=86_400, help="end after so many seconds")] = 3600,
    as_json: AsJson = False,
) -> None:
    """Show what comes in while it comes. What is executed stays the same."""
    client = connect()
    named = {"workflow_id": workflow, "event": event}
    body: JsonObject = {name: value for name, value in named.items() if value} | {"ttl_s": seconds}
    made = client.post("/api/taps", body)
    path = f"/api/taps/{made['id']}"
    shown, query, give_up_s = 0, {"wait_s": WAIT_S}, time.monotonic() + seconds - 1
    try:
        while time.monotonic() < give_up_s and (not count or shown < count):
            found = client.get(f"{path}/events", **query)
            query["cursor"] = found["cursor"]
            for one in found["items"]:
                shown += 1
                _tell_came(one, as_json=as_json)
                if shown == count:
                    break
    finally:
        client.delete(path)


@events.command("body")
def read_body(
    delivery_id: Annotated[str, typer.Argument(help="dlv_…")],
    to: Annotated[Path, typer.Option("--to", help="the file to write")],
) -> None:
    """Write a delivery's body, as it came, to a file."""
    try:
        to.write_bytes(connect().content(f"/api/deliveries/{quote(delivery_id, safe='')}/body"))
    except OSError as error:
        raise HubError(f"{to} cannot be written: {error.strerror}") from error
    out.print("Written:", str(to))


def _filter(where: str, **given: str) -> dict[str, str]:
    """Return the filters of the API by their names there, also those that are not set."""
    path, equals, value = where.partition("=")
    if where and not equals:
        raise HubError("--where is a path and a value, such as $.contact.email=ada@example.com")
    return {**given, "path": path, "value": value}


def _finished(client: Client, replayed: JsonObject) -> JsonObject:
    while replayed["status"] == "running":
        time.sleep(0.5)
        replayed = client.get(f"/api/event-replays/{replayed['id']}")
    return replayed


def _tell_replay(replayed: JsonObject, *, as_json: bool) -> None:
    if as_json:
        _tell_json(replayed)
        return
    counts = f"{replayed['started']} started of {replayed['looked_at']}"
    out.print(f"{replayed['id']}: {replayed['status']}, {counts}")
    if replayed["problem"]:
        out.print(f"  {replayed['problem'].get('event_id', '')} {replayed['problem']['message']}".rstrip())


def _tell_came(one: JsonObject, *, as_json: bool) -> None:
    if as_json:
        tell(json.dumps(one, ensure_ascii=False))
    elif one["kind"] == "event":
        tell(f"{one['received_at']} {one['id']} {one['type']}")
        tell(json.dumps(one["data"], indent=2, ensure_ascii=False))
    else:
        tell(f"{one['received_at']} {one['id']} {one['mark']}: {one['problem']}")


def _started(one: JsonObject) -> str:
    return ", ".join(f"{started['id']} {started['status']}" for started in one["executions"])


def _tell_cursor(found: JsonObject) -> None:
    if found["next_cursor"]:
        out.print(f"There are more: --cursor {found['next_cursor']}")


def _tell_json(answer: Any) -> None:
    tell(json.dumps(answer, indent=2, ensure_ascii=False))
