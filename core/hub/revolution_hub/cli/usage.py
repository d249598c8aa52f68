"""`revolution usage` and `revolution plans …`: what was used of what may be, and who may what."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, table, tell
from revolution_hub.errors import HubError
from revolution_sdk.types import Json, JsonObject

plans = typer.Typer(help="Plans of the installation: list, show, put, remove, give.", no_args_is_help=True)

_NUMBER = re.compile(r"[0-9]{1,16}([.][0-9]{1,6})?")

AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]
Name = Annotated[str, typer.Argument(metavar="PLAN", help="the plan's name")]


def usage(as_json: AsJson = False) -> None:
    """Show what the tenant has used, against its limits."""
    found = connect().get("/api/usage")
    if as_json:
        _tell_json(found)
        return
    made = table(f"Usage, plan {found['plan']}", ("limit", "used", "of", "begins anew"), whole=("limit",))
    for whose, measures in (("", found["tenant"]), ("my ", found["principal"])):
        for one in measures:
            if whose and one["most"] is None:
                continue
            style = "red" if one["exceeded"] else "yellow" if one["warning"] else ""
            used = "" if one["used"] is None else f"{one['used']:,}"
            most = "" if one["most"] is None else f"{one['most']:,}"
            made.add_row(f"{whose}{one['limit']}", Text(used, style=style), most, one["resets_at"] or "")
    out.print(made)


@plans.command("list")
def list_plans(as_json: AsJson = False) -> None:
    """List the plans."""
    found = connect().get("/api/plans")
    if as_json:
        _tell_json(found)
        return
    made = table("Plans", ("plan", "limits", "AI"), whole=("plan",))
    for one in found["items"]:
        limits = ", ".join(f"{name} {most:,}" for name, most in one["limits"].items())
        made.add_row(one["name"], limits or "none", _charge(one["charge"]))
    out.print(made)


@plans.command("show")
def show_plan(name: Name) -> None:
    """Show a plan."""
    _tell_json(connect().get(f"/api/plans/{name}"))


@plans.command("put")
def put_plan(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a JSON file: limits, charge, warn_percent")],
) -> None:
    """Make a plan from a file, or change it for every tenant that has it."""
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HubError(f"{file} cannot be read as JSON: {error}") from error
    _tell_json(connect().put(f"/api/plans/{name}", body))


@plans.command("remove")
def remove_plan(name: Name) -> None:
    """Delete a plan that no tenant has."""
    connect().delete(f"/api/plans/{name}")


@plans.command("give")
def give_plan(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="ten_…")],
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="the plan's name; - for the default one")],
    limit: Annotated[
        list[str] | None, typer.Option(help="instead of the plan's, as connections=10; connections= lifts it")
    ] = None,
) -> None:
    """Give a tenant a plan, and limits of its own."""
    body: JsonObject = {"plan": None if plan == "-" else plan, "limits": dict(map(_limit, limit or ()))}
    _tell_json(connect().put(f"/api/tenants/{tenant}/plan", body))


def _limit(text: str) -> tuple[str, Json]:
    name, mark, most = text.partition("=")
    if not mark or (most and not _NUMBER.fullmatch(most)):
        raise HubError(f"--limit cannot be used: {text!r} is not NAME=NUMBER")
    if not most:
        return name, None
    return name, float(most) if "." in most else int(most)


def _charge(charge: JsonObject) -> str:
    flat = f"{charge['flat']:g} a month, " if charge["flat"] else ""
    included = f" beyond {charge['included']:g}" if charge["included"] else ""
    return f"{flat}{charge['price']:g} × {charge['per']}{included}"


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
