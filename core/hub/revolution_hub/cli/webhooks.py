"""`revolution webhooks …`: a workflow's own address and what senders prove themselves with."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, table, tell
from revolution_hub.cli.workflows import Which, find_workflow
from revolution_hub.errors import HubError
from revolution_sdk.types import JsonObject

webhooks = typer.Typer(help="Look at webhooks, make new secrets and addresses.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="write what the API says, as JSON")]


@webhooks.command("show")
def show_webhook(workflow: Which, as_json: AsJson = False) -> None:
    """Show a workflow's address, how senders prove themselves, and what still works beside it."""
    client = connect()
    found = client.get(f"/api/workflows/{find_workflow(client, workflow)['id']}/webhook")
    if as_json:
        tell(json.dumps(found, indent=2))
    else:
        _show(workflow, found)


@webhooks.command("rotate")
def rotate_webhook(
    workflow: Which,
    what: Annotated[
        list[str] | None, typer.Option("--what", help="secret (the default), address or token; several times")
    ] = None,
    secret_file: Annotated[
        str, typer.Option(metavar="FILE", help="the secret the provider has made; - for standard input")
    ] = "",
    overlap: Annotated[str, typer.Option(help="how long what was there goes on working")] = "24h",
    of: Annotated[str, typer.Option(help="whose trigger the secret is for: published or draft")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a new secret, address or verify token. What was there goes on working for a while."""
    client = connect()
    body: JsonObject = {"what": what or ["secret"], "overlap": _number(overlap)}
    if secret_file:
        # Never as an argument: those stand in the list of processes.
        body["secret"] = _read(secret_file)
    if of:
        body["of"] = of
    made = client.post(f"/api/workflows/{find_workflow(client, workflow)['id']}/webhook/rotate", body)
    if as_json:
        tell(json.dumps(made, indent=2))
        return
    _show(workflow, made)
    if made["signing_secret"]:
        tell(f"signing secret, shown this once: {made['signing_secret']}")
    if made["verify_token"]:
        tell(f"verify token, shown this once: {made['verify_token']}")


def _show(workflow: str, found: Any) -> None:
    secret = found["secret"]
    made = table(f"Webhook of {workflow}", ("what", "how it stands"), whole=("what",))
    made.add_row("address", found["url"] or ("hidden" if found["url_hidden"] else "none yet"))
    made.add_row("published", "yes" if found["published"] else "no")
    made.add_row("senders prove themselves by", _proof(found))
    if secret["needed"]:
        made.add_row("secret", ("set" if secret["set"] else "missing") + f", made by the {secret['made_by']}")
    if found["token"]["needed"]:
        made.add_row("verify token", "set" if found["token"]["set"] else "missing")
    made.add_row("methods", ", ".join(found["methods"]))
    made.add_row("from", ", ".join(found["allow"]) or "anywhere")
    for one in found["overlaps"]:
        made.add_row(f"earlier {one['what']} until", f"{one['until']} {one['url'] or ''}".strip())
    out.print(made)


def _proof(found: Any) -> str:
    return "nothing: unauthenticated" if found["unauthenticated"] else str(found["auth"])


def _number(text: str) -> str | float:
    return float(text) if text.replace(".", "", 1).isdigit() else text


def _read(name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{name} cannot be read: {error}") from error
    # Editors end a file with a line feed, which is no part of a secret.
    return text.rstrip("\r\n")
