"""`revolution members` and `revolution invite`: who is in the tenant, and who may come in."""

import json
from typing import Annotated

import typer
from rich.markup import escape

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, table, tell

AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]


def members(as_json: AsJson = False) -> None:
    """List the members of the tenant."""
    client = connect()
    if as_json:
        tell(json.dumps({"items": list(client.everything("/api/members"))}, ensure_ascii=False, indent=2))
        return
    made = table("Members", ("id", "name", "e-mail", "role"), whole=("id",))
    for one in client.everything("/api/members"):
        role = f"{one['role']} (disabled)" if one["disabled"] else one["role"]
        made.add_row(one["id"], escape(one["name"]), escape(one["email"]), escape(role))
    out.print(made)


def invite(
    email: Annotated[str, typer.Argument(help="whose invitation it is")],
    role: Annotated[str, typer.Option(help="what the invited one will be")] = "viewer",
    as_json: AsJson = False,
) -> None:
    """Invite somebody into the tenant. Hand the link over yourself; it is good once, for seven days."""
    client = connect()
    made = client.post("/api/invitations", {"email": email, "role": role})
    if as_json:
        tell(json.dumps(made, ensure_ascii=False, indent=2))
        return
    tell(f"{client.url.rstrip('/')}/invitation#{made['token']}")
