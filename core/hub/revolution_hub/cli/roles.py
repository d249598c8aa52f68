"""`revolution roles …`: what principals of the tenant may."""

import json
from typing import Annotated

import typer

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, table, tell

roles = typer.Typer(help="Look at roles, make roles of the tenant's own.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="write what the API says, as JSON")]


@roles.command("list")
def list_roles(as_json: AsJson = False) -> None:
    """List the roles that come with the hub and the tenant's own, and what each allows."""
    found = list(connect().everything("/api/roles"))
    if as_json:
        tell(json.dumps(found, indent=2))
        return
    made = table("Roles", ("role", "made by", "permissions", "for"), whole=("role",))
    for one in found:
        whose = "the hub" if one["built_in"] else "the tenant"
        made.add_row(one["name"], whose, ", ".join(one["permissions"]) or "none", one["description"])
    out.print(made)


@roles.command("create")
def create_role(
    name: Annotated[str, typer.Argument(help="lower case letters, digits, - and _")],
    permissions: Annotated[list[str] | None, typer.Argument(help="such as workflow:read")] = None,
    description: Annotated[str, typer.Option(help="what the role is for")] = "",
) -> None:
    """Make a role of permissions you have yourself."""
    body = {"name": name, "description": description, "permissions": list(permissions or [])}
    made = connect().post("/api/roles", body)
    out.print(f"The role {made['name']} allows: {', '.join(made['permissions']) or 'nothing'}.")


@roles.command("delete")
def delete_role(name: Annotated[str, typer.Argument(help="a role that nobody has")]) -> None:
    """Delete a role of the tenant's own, with what is shared with it."""
    connect().delete(f"/api/roles/{name}")
    out.print(f"The role {name} is deleted.")
