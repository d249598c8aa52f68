"""The composition root: settings → store → vault → catalog → Hub. Only the command line imports it."""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from revolution_hub.access.api_keys import hash_api_key, mint_api_key, shown_part
from revolution_hub.catalog import Catalog, load_catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.errors import SettingsError, VaultError
from revolution_hub.files.file_store import FileStore
from revolution_hub.hub import Hub
from revolution_hub.model.ids import new_id
from revolution_hub.model.time import utc_now
from revolution_hub.queue.broker_check import find_broker_fault
from revolution_hub.services.owners import invite_owner
from revolution_hub.settings import Settings
from revolution_hub.store import across, tenants
from revolution_hub.store.advice import explained
from revolution_hub.store.migrate import migrate, require_current
from revolution_hub.store.second_net import excused_role
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey, mint_master_key, read_master_key
from revolution_hub.vault.vault import Vault, holds_secrets, require_right_master_key

_log = logging.getLogger("revolution")

POOL_SIZE = 12
"""Connections one process may hold: transactions are short, so far fewer than threads are enough."""


def open_store(settings: Settings) -> Store:
    """Open the database and the files beside it, creating their folders.

    Raises SettingsError if that cannot be done.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"the data folder {settings.data_dir} cannot be used: {error.strerror}"
        ) from error
    files = FileStore(
        settings.files, inline_bytes=settings.inline_bytes, payload_bytes=settings.payload_bytes
    )
    files.prepare()
    return Store(settings.database, pool_size=POOL_SIZE, files=files)


@contextmanager
def usable_store(settings: Settings) -> Iterator[Store]:
    """Open the database for a block. Raises SettingsError with what to do if it turns out to be unusable."""
    store = open_store(settings)
    try:
        with explained(store):
            yield store
    finally:
        store.close()


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
        master = _master_key(settings, store, say)
        require_right_master_key(store, master)
        _first_tenant(settings, store, say)


def _warn_without_second_net(store: Store) -> None:
    role = excused_role(store)
    if role is not None:
        _log.warning(
            "the database role %s is a superuser or has BYPASSRLS, so row-level security, the second net "
            "between tenants, is off; docs/operator.md says under PostgreSQL how to make a role without",
            role,
        )


def make_hub(settings: Settings, wake: Callable[[], None], process: str, *, with_plugins: bool = True) -> Hub:
    """Make the Hub of one process. Raises SettingsError or VaultError in every kind of process alike.

    A process that calls no plugin, such as the clock, does without and starts in half the time.
    """
    store = open_store(settings)
    require_current(store)
    master = read_master_key(settings.master_key, settings.key_file)
    require_right_master_key(store, master)
    catalog = load_catalog() if with_plugins else Catalog()
    for plugin in catalog.plugins:
        if plugin.failure:
            _log.warning(
                "plugin %s %s is not usable: %s", plugin.distribution, plugin.version, plugin.failure
            )
    return Hub(
        settings=settings,
        store=store,
        vault=Vault(master, store, utc_now),
        catalog=catalog,
        egress=Egress(SharedPool(Guard(allow=settings.egress_allow))),
        wake=wake,
        now=utc_now,
        process=process,
    )


def _master_key(settings: Settings, store: Store, say: Callable[[str], None]) -> MasterKey:
    if settings.master_key is None and not settings.key_file.exists():
        if holds_secrets(store):
            raise VaultError(
                f"the master key is missing: there is no {settings.key_file}, and REVOLUTION_MASTER_KEY is "
                "not set; the database holds secrets, so no new key is made",
                code="master_key_missing",
            )
        mint_master_key(settings.key_file)
        say(f"A master key was made in {settings.key_file}. Keep a copy: without it no credential opens.")
    return read_master_key(settings.master_key, settings.key_file)


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
            key_hash=hash_api_key(key),
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
