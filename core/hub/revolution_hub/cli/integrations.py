"""`revolution integrations …`: which connectors and actions work in the tenant."""

import json
from typing import Annotated, Any

import typer

from revolution_hub.cli.client import Client, connect
from revolution_hub.cli.show import out, table, tell

integrations = typer.Typer(
    help="Look at integrations, turn them and single actions on and off.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="write what the API says, as JSON")]
Connector = Annotated[str, typer.Argument(help="the connector's name")]
Action = Annotated[str | None, typer.Argument(help="one of its actions; without it all of it")]


@integrations.command("list")
def list_integrations(as_json: AsJson = False) -> None:
    """List what is installed, in which version, and what of it works in the tenant."""
    found = connect().get("/api/integrations")["items"]
    if as_json:
        tell(json.dumps(found, indent=2))
        return
    made = table(
        "Integrations", ("connector", "version", "enabled", "disabled actions"), whole=("connector",)
    )
    for one in found:
        works = "yes" if one["enabled"] else "no"
        made.add_row(one["name"], one["version"], works, ", ".join(one["disabled_actions"]))
    out.print(made)


@integrations.command("enable")
def enable(connector: Connector, action: Action = None) -> None:
    """Let a connector, or one of its actions, work again."""
    _turn(connect(), connector, action, on=True)


@integrations.command("disable")
def disable(connector: Connector, action: Action = None) -> None:
    """Let a connector, or one of its actions, work no more; steps that use it fail from now on."""
    _turn(connect(), connector, action, on=False)


def _turn(client: Client, connector: str, action: str | None, *, on: bool) -> None:
    path = f"/api/integrations/{connector}"
    present: Any = client.get(path)
    body = {name: present[name] for name in ("enabled", "disabled_actions", "settings")}
    if action is None:
        body["enabled"] = on
    else:
        others = [one for one in present["disabled_actions"] if one != action]
        body["disabled_actions"] = others if on else [*others, action]
    client.put(path, body, if_match=f'"{present["revision"]}"')
    what = f"{connector}.{action}" if action else connector
    out.print(f"{what} is {'enabled' if on else 'disabled'}.")
