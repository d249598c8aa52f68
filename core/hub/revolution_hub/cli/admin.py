"""`revolution admin`: what is done at the machine itself, in the database, without asking the hub."""

from typing import Annotated

import typer

from revolution_hub.app import usable_store
from revolution_hub.cli.show import settings, tell
from revolution_hub.errors import HubError
from revolution_hub.model.person import clean_email
from revolution_hub.model.time import utc_now
from revolution_hub.services.owners import NewOwner, create_owner, invite_owner
from revolution_hub.settings import Settings
from revolution_hub.store.revision import require_current
from revolution_hub.vault.passwords import Passwords

admin = typer.Typer(help="At the machine itself: the owner who comes first.", no_args_is_help=True)


@admin.callback()
def _group() -> None:
    """Keep the name of the only command."""


@admin.command("create-owner")
def create(
    email: Annotated[str, typer.Option(help="the owner's e-mail address")],
    tenant: Annotated[
        str | None, typer.Option(help="the tenant's id; by default the first, whose owners run the hub")
    ] = None,
    password: Annotated[
        bool, typer.Option("--password", help="ask for a password here instead of making a link")
    ] = False,
    name: Annotated[str | None, typer.Option(help="what others call the owner, with --password")] = None,
) -> None:
    """Make an owner: print a link that is good once, for a day, or ask for a password at this terminal."""
    try:
        address = clean_email(email)
    except ValueError as error:
        raise HubError(f"--email cannot be used: {error}") from error
    read = settings()
    owner = _asked(read, address, name or address) if password else None
    with usable_store(read) as store:
        require_current(store)
        if owner is not None:
            tell(f"{create_owner(store, utc_now(), owner, tenant_id=tenant)} signs in as {address}")
            return
        tell(invite_owner(store, read, utc_now(), email=address, tenant_id=tenant))


def _asked(read: Settings, address: str, name: str) -> NewOwner:
    chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return NewOwner(email=address, name=name, password_hash=Passwords(read).hash_new(chosen, email=address))
