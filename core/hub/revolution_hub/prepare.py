"""prepare: what a database and a data folder need before the first process of a hub starts.

Apart from the rest, as no other process loads what changes a schema.
"""

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from revolution_hub.access.api_keys import mint_api_key, shown_part
from revolution_hub.access.tokens import hash_token
from revolution_hub.app import read_key_ring, usable_store
from revolution_hub.errors import SettingsError, VaultError
from revolution_hub.model.ids import new_id
from revolution_hub.model.time import utc_now
from revolution_hub.queue.broker_check import find_broker_fault
from revolution_hub.services.owners import invite_owner
from revolution_hub.settings import Settings
from revolution_hub.store import across, tenants
from revolution_hub.store.migrate import migrate
from revolution_hub.store.second_net import excused_role
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import mint_master_key
from revolution_hub.vault.vault import holds_secrets, require_right_master_key

_log = logging.getLogger("revolution")


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring the database up to date, make sure of the master key, and set up a first start.

    A master key is minted only over a database that never had one. A Redis that cannot be used is refused
    before anything is made. Raises SettingsError or VaultError.
    """
    if settings.plain_cookies:
        _log.warning(
            "REVOLUTION_PLAIN_COOKIES lets sessions go over plain http, where anybody on the way can take "
            "them; it is for development alone"
        )
    fault = find_broker_fault(settings.broker_url)
    if fault:
        raise SettingsError(fault.line)
    with usable_store(settings) as store:
        migrate(store)
        _warn_without_second_net(store)
        across.try_to_write(store)
        _mint_for_first_start(settings, store, say)
        require_right_master_key(store, read_key_ring(settings))
        _first_tenant(settings, store, say)


def _warn_without_second_net(store: Store) -> None:
    role = excused_role(store)
    if role is not None:
        _log.warning(
            "the database role %s is a superuser or has BYPASSRLS, so row-level security, the second net "
            "between tenants, is off; docs/operator.md says under PostgreSQL how to make a role without",
            role,
        )


def _mint_for_first_start(settings: Settings, store: Store, say: Callable[[str], None]) -> None:
    if settings.master_key or settings.master_key_url or settings.key_file.exists():
        return
    if holds_secrets(store):
        raise VaultError(
            f"the master key is missing: there is no {settings.key_file}, and REVOLUTION_MASTER_KEY is "
            "not set; the database holds secrets, so no new key is made",
            code="master_key_missing",
        )
    mint_master_key(settings.key_file)
    say(f"A master key was made in {settings.key_file}. Keep a copy: without it no credential opens.")


def _first_tenant(settings: Settings, store: Store, say: Callable[[str], None]) -> None:
    if across.any_tenant(store):
        return
    key, tenant_id, now = mint_api_key(), new_id("ten"), utc_now()
    path = settings.first_key_file
    _write_private(path, key)
    with store.begin_across() as tx:
        tenants.add_tenant(tx, tenant_id, "First tenant", now)
        tenants.add_api_key(
            tx.of(tenant_id),
            new_id("key"),
            name="first key",
            key_hash=hash_token(key),
            role="host",
            now=now,
            prefix=shown_part(key),
        )
    say(f"An API key for the first tenant was made in {path}.")
    link = invite_owner(store, settings, now)
    say(f"The owner signs up once, within a day, by: {link}")


def _write_private(path: Path, content: str) -> None:
    # A file of an earlier, unfinished first start is replaced: its key was never stored.
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
