"""`revolution connections …`: which accounts are connected, how they stand, and what changes that."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.show import out, status, table, tell
from revolution_hub.errors import NotFoundError
from revolution_sdk.types import Json, JsonObject

connections = typer.Typer(
    help="Connected accounts: list, show, test, rename, make the default, disable, enable, delete.",
    no_args_is_help=True,
)

LATEST = "5"
"""So many changes of its health `show` shows."""

Connector = Annotated[str, typer.Argument(help="the connector's name")]
Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="its name, or con_…")]
Force = Annotated[bool, typer.Option("--force", help="even if workflows use it")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


@connections.command("list")
def list_connections(
    connector: Annotated[str, typer.Argument(help="only of this connector")] = "", as_json: AsJson = False
) -> None:
    """List connections: how each stands, and when it was used last."""
    client = connect()
    found = [one for name in _connectors(client, connector) for one in _all(client, name)]
    if as_json:
        _tell_json(found)
        return
    columns = ("connector", "name", "status", "default", "account", "used", "id")
    made = table("Connections", columns, whole=("name", "status", "id"))
    for one in found:
        made.add_row(
            one["connector"],
            escape(one["name"]),
            status(one["status"]),
            "yes" if one["default"] else "",
            escape(one["account"] or ""),
            one["last_used_at"] or "",
            one["id"],
        )
    out.print(made)


@connections.command("show")
def show_connection(connector: Connector, name: Name, as_json: AsJson = False) -> None:
    """Show a connection: how it stands and stood, and which workflows use it."""
    client = connect()
    path = _path(client, connector, name)
    one, impact = client.get(path), client.get(f"{path}/impact")
    history = client.get(f"{path}/health", limit=LATEST)["items"]
    if as_json:
        _tell_json({**one, "impact": impact, "health": history})
        return
    _tell(one)
    tell(f"used {one['last_used_at'] or 'never'}; probed {one['probed_at'] or 'never'}")
    for use in impact["workflows"]:
        how = "as the default" if use["how"] == "default" else "by name"
        tell(f"{'workflow' if use['published'] else 'draft'} {use['name']!r} uses it {how}")
    if impact["executions_waiting"]:
        tell(f"{impact['executions_waiting']} executions wait for it")
    for then in history:
        tell(f"{then['at']} {then['status']}{': ' + then['reason'] if then['reason'] else ''}")


@connections.command("test")
def probe_connection(connector: Connector, name: Name, as_json: AsJson = False) -> None:
    """Look now whether a connection works."""
    client = connect()
    _told(client.post(f"{_path(client, connector, name)}/test"), as_json)


@connections.command("rename")
def rename_connection(
    connector: Connector,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="the new name")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Give a connection another name; workflows that call it by the old one no longer find it."""
    _change(connector, name, {"name": new_name}, force=force, as_json=as_json)


@connections.command("default")
def make_default(connector: Connector, name: Name, as_json: AsJson = False) -> None:
    """Let steps that name no connection use this one from now on."""
    _change(connector, name, {"default": True}, force=False, as_json=as_json)


@connections.command("disable")
def disable_connection(
    connector: Connector,
    name: Name,
    reason: Annotated[str, typer.Option(help="why, for others to read")] = "",
    as_json: AsJson = False,
) -> None:
    """Let nobody use a connection; executions that need it wait."""
    client = connect()
    body: JsonObject = {"reason": reason} if reason else {}
    _told(client.post(f"{_path(client, connector, name)}/disable", body), as_json)


@connections.command("enable")
def enable_connection(connector: Connector, name: Name, as_json: AsJson = False) -> None:
    """Let a disabled connection be used again; executions that waited go on."""
    client = connect()
    _told(client.post(f"{_path(client, connector, name)}/enable"), as_json)


@connections.command("delete")
def delete_connection(connector: Connector, name: Name, force: Force = False) -> None:
    """Delete a connection and its credential; without --force only if no workflow uses it."""
    client = connect()
    client.delete(_path(client, connector, name) + ("?force=true" if force else ""))
    tell(f"{connector} {name} is deleted.")


def _change(connector: str, name: str, body: JsonObject, *, force: bool, as_json: bool) -> None:
    client = connect()
    path = _path(client, connector, name)
    present = client.get(path)
    query = "?force=true" if force else ""
    _told(client.patch(path + query, body, if_match=f'"{present["revision"]}"'), as_json)


def _connectors(client: Client, connector: str) -> list[str]:
    if connector:
        return [connector]
    return [one["name"] for one in client.get("/api/integrations")["items"] if one["needs_connection"]]


def _all(client: Client, connector: str) -> Iterator[Any]:
    yield from client.everything(f"/api/integrations/{connector}/connections")


def _path(client: Client, connector: str, name: str) -> str:
    for one in _all(client, connector):
        if name in (one["name"], one["id"]):
            return f"/api/integrations/{connector}/connections/{one['id']}"
    raise NotFoundError(f"there is no {connector} connection {name!r}")


def _told(one: JsonObject, as_json: bool) -> None:
    if as_json:
        _tell_json(one)
    else:
        _tell(one)


def _tell(one: JsonObject) -> None:
    reason = f" ({one['status_reason']})" if one["status_reason"] else ""
    default = ", the default" if one["default"] else ""
    tell(f"{one['connector']} {one['name']}: {one['status']}{reason}{default}")
    if one["problem"]:
        tell(f"last problem, {one['problem_at']}: {one['problem']}")


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
