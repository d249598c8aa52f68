"""`revolution vault …`: which keys there are, rotate them while the hub runs, check that everything opens."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from revolution_hub.app import open_vault, usable_store
from revolution_hub.cli.show import out, settings, table, tell
from revolution_hub.crashpoint import arm
from revolution_hub.errors import HubError
from revolution_hub.model.time import rfc3339, utc_now
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_providers import KeyFile
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import holding, make_master_key, write_key_file
from revolution_hub.vault.rotation import (
    Rotated,
    Rotator,
    is_under_way,
    master_key_in_use,
    note_retired,
    rotate_data_keys,
    rotate_master_key,
)
from revolution_hub.vault.vault import Vault
from revolution_hub.vault.verify import Status, Verified, status_of, verify
from revolution_sdk.types import JsonObject

vault = typer.Typer(help="Keys and secrets: status, rotate, verify, retire.", no_args_is_help=True)

MOST_SHOWN = 5

AsJson = Annotated[bool, typer.Option("--json", help="write the answer as JSON")]


@vault.command("status")
def show_status(as_json: AsJson = False) -> None:
    """Say which keys there are and what is under them; opens no secret."""
    with _opened() as (_, store, ring, _vault):
        found = status_of(store, ring)
    if as_json:
        _tell_json(_status_json(found))
        return
    _show_status(found)


@vault.command("rotate")
def rotate(
    *,
    data_keys: Annotated[
        bool, typer.Option("--data-keys", help="a new data key for each tenant, and all its secrets under it")
    ] = False,
    master_key: Annotated[
        bool, typer.Option("--master-key", help="all data keys under a newer master key")
    ] = False,
    tenant: Annotated[str, typer.Option(help="with --data-keys, only of this tenant, ten_…")] = "",
    only_make: Annotated[
        bool, typer.Option("--only-make", help="with --master-key, only put a new key into the key file")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rotate keys while the hub runs. Broken off, the same command goes on where it stopped."""
    if data_keys == master_key or (tenant and not data_keys) or (only_make and not master_key):
        raise HubError("say --data-keys, perhaps with --tenant, or --master-key, perhaps with --only-make")
    with _opened() as (read, store, ring, opened):
        if master_key:
            with _new_master_key(read, store, ring) as made:
                if only_make:
                    _told_made(made, ring, as_json)
                    return
                done = _counted(store, opened, ring, rotate_master_key)
        else:
            done = _counted(store, opened, ring, lambda rotator: rotate_data_keys(rotator, tenant or None))
    _tell_rotated(done, "data keys" if master_key else "secrets", as_json)


@vault.command("verify")
def check(as_json: AsJson = False) -> None:
    """Open everything once; fails if something does not open or still needs an older key."""
    with _opened() as (_, store, ring, opened), _progress("secrets opened") as count:
        found = verify(store, opened, ring, count)
    _tell_verified(found, as_json)


@vault.command("retire")
def retire(as_json: AsJson = False) -> None:
    """Take older master keys out of the key file, once nothing needs them any more.

    A backup from before the rotation cannot be opened without them: keep a copy as long as such backups.
    """
    with _opened() as (read, store, ring, opened):
        if not isinstance(ring.provider, KeyFile):
            raise HubError(f"the master keys are in {ring.provider.place}; take the older ones out there")
        with holding(read.key_file), _progress("secrets opened") as count:
            ring.read_again()
            found = verify(store, opened, ring, count)
            used = master_key_in_use(store, ring)
            if not found.is_clean or used.key_id != ring.newest.key_id:
                raise HubError(
                    "older keys are still needed, so none was taken out; run: revolution vault verify"
                )
            older = [one.key_id for one in ring.keys if one.key_id != used.key_id]
            if older:
                note_retired(store, older, utc_now())
                write_key_file(read.key_file, [used])
    if as_json:
        _tell_json({"retired": older})
    else:
        tell(f"{len(older)} older master keys were taken out of {read.key_file}.")


@contextmanager
def _opened() -> Iterator[tuple[Settings, Store, KeyRing, Vault]]:
    read = settings()
    if read.crashpoint is not None:
        arm(read.crashpoint, "command", read.data_dir)
    with usable_store(read) as store:
        ring, opened = open_vault(read, store)
        yield read, store, ring, opened


@contextmanager
def _new_master_key(read: Settings, store: Store, ring: KeyRing) -> Iterator[str | None]:
    """Have a newer master key for the block than the one in use, made if need be; say its id if it was."""
    if not isinstance(ring.provider, KeyFile):
        if not is_under_way(store, ring):
            raise HubError(
                f"{ring.provider.place} holds no newer master key than the one in use; put one there first, "
                "in front of the present one"
            )
        yield None
        return
    with holding(read.key_file):
        ring.read_again()
        made = None
        if not is_under_way(store, ring):
            key = make_master_key()
            write_key_file(read.key_file, [key, *ring.keys])
            ring.read_again()
            made = key.key_id
        yield made


def _told_made(made: str | None, ring: KeyRing, as_json: bool) -> None:
    if as_json:
        _tell_json({"made": made, "newest": ring.newest.key_id})
    elif made is None:
        tell(f"{ring.provider.place} holds a newer master key already: {ring.newest.key_id}.")
    else:
        tell(
            f"The master key {made} was put into {ring.provider.place} and is not in use yet. Copy the file "
            "to the other machines, then run: revolution vault rotate --master-key"
        )


def _counted(store: Store, opened: Vault, ring: KeyRing, rotation: Callable[[Rotator], Rotated]) -> Rotated:
    with _progress("done") as count:
        return rotation(Rotator(store=store, vault=opened, ring=ring, now=utc_now, tell=count))


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    # On standard error, so that --json and a file at standard output stay as they are.
    columns = (BarColumn(pulse_style="cyan"), MofNCompleteColumn(), TextColumn(what), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.update(task, advance=count)


def _tell_rotated(done: Rotated, what: str, as_json: bool) -> None:
    if as_json:
        _tell_json(
            {
                "tenants": done.tenants,
                "done": done.done,
                "continued": done.continued,
                "broken": done.broken,
            }
        )
    else:
        before = "A rotation that had been broken off was finished: " if done.continued else ""
        tell(f"{before}{done.done} {what} of {done.tenants} owners are under the newest key.")
    _fail_with(done.broken, "does not open and was left as it is")


def _tell_verified(found: Verified, as_json: bool) -> None:
    if as_json:
        _tell_json(
            {
                "clean": found.is_clean,
                "data_keys": found.data_keys,
                "secrets": found.secrets,
                "faults": found.faults,
                "left": found.left,
            }
        )
    elif found.is_clean:
        tell(f"{found.data_keys} data keys and {found.secrets} secrets open; no older key is needed.")
    _fail_with(found.faults, "does not open")
    _fail_with(found.left, "still needs an older key")


def _fail_with(faults: list[str], what: str) -> None:
    if faults:
        more = f"; and {len(faults) - MOST_SHOWN} more" if len(faults) > MOST_SHOWN else ""
        raise HubError(f"{what}: {'; '.join(faults[:MOST_SHOWN])}{more}")


def _show_status(found: Status) -> None:
    keys = table("Master keys", ("key", "held", "in use", "data keys"))
    for key_id in dict.fromkeys([*found.held, *(one for one in found.wrapped_with if one)]):
        keys.add_row(
            key_id,
            "yes" if key_id in found.held else "no",
            "yes" if key_id == found.in_use else "",
            str(found.wrapped_with.get(key_id, 0)),
        )
    if None in found.wrapped_with:
        keys.add_row("of an older release", "", "", str(found.wrapped_with[None]))
    tell(f"The master keys are in {found.place}.")
    out.print(keys)
    owners = table("Data keys", ("owner", "newest", "made at", "keys", "secrets", "under older keys"))
    for one in found.owners:
        owners.add_row(
            one.tenant_id,
            one.newest_key_id,
            rfc3339(one.newest_at),
            str(one.data_keys),
            str(one.sealed),
            str(one.under_older),
        )
    out.print(owners)
    if found.unfinished is not None:
        tell(
            f"A rotation of data keys begun at {rfc3339(found.unfinished)} is not finished; run: "
            "revolution vault rotate --data-keys"
        )


def _status_json(found: Status) -> JsonObject:
    return {
        "place": found.place,
        "held": list(found.held),
        "in_use": found.in_use,
        "wrapped_with": {key_id or "": count for key_id, count in found.wrapped_with.items()},
        "unfinished_since": rfc3339(found.unfinished) if found.unfinished else None,
        "owners": [
            {
                "tenant_id": one.tenant_id,
                "newest_key": one.newest_key_id,
                "newest_at": rfc3339(one.newest_at),
                "data_keys": one.data_keys,
                "secrets": one.sealed,
                "under_older": one.under_older,
            }
            for one in found.owners
        ],
    }


def _tell_json(value: JsonObject) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))
