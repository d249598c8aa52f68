"""`revolution audit …`: the audit log: look, take it out, check in the database that it is as it was."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from revolution_hub.app import usable_store
from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, settings, table, tell
from revolution_hub.engine.retain import retain_audit
from revolution_hub.errors import HubError
from revolution_hub.model.audit_chain import Checked, Head, parse_head
from revolution_hub.model.durations import duration_s
from revolution_hub.model.time import utc_now
from revolution_hub.store import across
from revolution_hub.store.audit import before_of, check, find_head
from revolution_hub.store.revision import require_current
from revolution_hub.store.tx import Store
from revolution_sdk.types import JsonObject

audit = typer.Typer(help="Who has changed what: list, export, verify, head, prune.", no_args_is_help=True)

PATH = "/api/audit"

AsJson = Annotated[bool, typer.Option("--json", help="write the answer as JSON")]
Action = Annotated[str, typer.Option(help="only this, such as key.create")]
By = Annotated[str, typer.Option("--by", help="only of this principal")]
Target = Annotated[str, typer.Option(help="only what was done to this")]
Since = Annotated[str, typer.Option(help="only at this moment or later")]
Until = Annotated[str, typer.Option(help="only before this moment")]
Tenant = Annotated[str, typer.Option(help="only of this tenant, ten_…")]


@audit.command("list")
def list_entries(
    *,
    action: Action = "",
    by: By = "",
    target: Target = "",
    since: Since = "",
    until: Until = "",
    cursor: Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="how many at most")] = 50,
    as_json: AsJson = False,
) -> None:
    """List audit entries, the newest first."""
    asked = _asked(action, by, target, since, until) | {"limit": str(limit)}
    found = connect().get(PATH, **(asked | ({"cursor": cursor} if cursor else {})))
    if as_json:
        tell(json.dumps(found, ensure_ascii=False, indent=2))
        return
    made = table("Audit", ("number", "at", "who", "what", "to", "fields", "from"), whole=("number",))
    for one in found["items"]:
        made.add_row(
            str(one["number"]),
            one["at"],
            escape(one["principal_name"] or one["principal_id"] or "the hub"),
            one["action"],
            escape(one["target"]),
            escape(", ".join(f"{name} {change}" for name, change in one["fields"].items())),
            escape(one["address"]),
        )
    out.print(made)
    if found["next_cursor"]:
        tell(f"more: --cursor {found['next_cursor']}")


@audit.command("export")
def export_entries(
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="a table instead of JSON lines")] = False,
    action: Action = "",
    by: By = "",
    target: Target = "",
    since: Since = "",
    until: Until = "",
    output: Annotated[Path | None, typer.Option(help="the file to write; by default standard output")] = None,
) -> None:
    """Take the audit log out, the oldest entries first, as JSON lines or as a table."""
    asked = _asked(action, by, target, since, until) | {"format": "csv" if as_csv else "jsonl"}
    pieces = connect().stream(f"{PATH}/export", **asked)
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("wb") as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise HubError(f"{output} cannot be written: {error.strerror}") from error


@audit.command("verify")
def verify_entries(
    *,
    tenant: Tenant = "",
    head: Annotated[
        list[str] | None, typer.Option(help="a head that was kept, TENANT:NUMBER:HASH, or @FILE of them")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read every entry in the database; name the first that was changed, removed, added or moved."""
    heads = [one for text in head or () for one in _heads(text)]
    with _opened() as store:
        found = dict(_checked(store, tenant, heads))
    faults = [one.fault for one in found.values() if one.fault is not None]
    if as_json:
        told = {"intact": not faults, "tenants": {name: _told(one) for name, one in found.items()}}
        tell(json.dumps(told, ensure_ascii=False, indent=2))
    elif not faults:
        count = sum(one.count for one in found.values())
        tell(f"{count} entries of {len(found)} tenants are as they were written.")
    if faults:
        raise HubError("; ".join(map(str, faults)))


@audit.command("head")
def show_heads(tenant: Tenant = "") -> None:
    """Write the last entry of every tenant as TENANT:NUMBER:HASH, to be kept where the database is not."""
    with _opened() as store:
        for tenant_id in [tenant] if tenant else across.audited_tenants(store):
            with store.read(tenant_id) as tx:
                found = find_head(tx)
            if found is not None:
                tell(str(found))


@audit.command("prune")
def prune_entries(
    older_than: Annotated[str, typer.Option(help="how long ago they were made at least, such as 90d")],
    tenant: Tenant = "",
) -> None:
    """Remove audit entries older than thirty days or more, behind a checkpoint."""
    try:
        age = timedelta(seconds=duration_s(older_than))
    except ValueError as error:
        raise HubError(f"--older-than cannot be used: {error}") from error
    if age < timedelta(days=30):
        raise HubError("--older-than cannot be used: entries are kept for 30 days at least")
    now = utc_now()
    with _opened() as store:
        tenants = [tenant] if tenant else None
        removed = retain_audit(store, min(now - age, before_of(0, now)), now, threading.Event(), tenants)
    tell(f"{removed} entries were removed.")


@contextmanager
def _opened() -> Iterator[Store]:
    with usable_store(settings()) as store:
        require_current(store)
        yield store


def _asked(action: str, by: str, target: str, since: str, until: str) -> dict[str, str]:
    given = {"action": action, "principal_id": by, "target": target, "since": since, "until": until}
    return {name: value for name, value in given.items() if value}


def _checked(store: Store, tenant: str, heads: list[Head]) -> Iterator[tuple[str, Checked]]:
    known = {*across.audited_tenants(store), *(one.tenant_id for one in heads)}
    for tenant_id in [tenant] if tenant else sorted(known):
        with store.read(tenant_id) as tx:
            yield tenant_id, check(tx, [one for one in heads if one.tenant_id == tenant_id])


def _told(one: Checked) -> JsonObject:
    fault = None if one.fault is None else {"number": one.fault.number, "what": one.fault.what}
    return {"count": one.count, "head": str(one.head) if one.head else None, "fault": fault}


def _heads(text: str) -> Iterator[Head]:
    if not text.startswith("@"):
        yield _head(text)
        return
    try:
        lines = Path(text[1:]).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{text[1:]} cannot be read: {error}") from error
    yield from map(_head, lines)


def _head(text: str) -> Head:
    found = parse_head(text)
    if found is None:
        raise HubError(f"--head cannot be used: {text[:120]!r} is not TENANT:NUMBER:HASH")
    return found
