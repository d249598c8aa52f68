"""The composition root: settings → store → vault → catalog → Hub. Commands and the first start import it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from revolution_hub.catalog import Catalog, load_catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.errors import SettingsError
from revolution_hub.files.file_store import FileStore
from revolution_hub.hub import Hub
from revolution_hub.model.time import utc_now
from revolution_hub.settings import Settings
from revolution_hub.store.advice import explained
from revolution_hub.store.revision import require_current
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_providers import choose_provider
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.vault import Vault, require_right_master_key

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


def read_key_ring(settings: Settings) -> KeyRing:
    """Read the master keys from where the settings say. Raises SettingsError or VaultError."""
    parts = urlsplit(settings.master_key_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    # The operator has named this one address, be it a private one; nothing else is reached for a key.
    named = Guard(allow=frozenset({((parts.hostname or "").lower(), port)}))
    return KeyRing(choose_provider(settings, lambda: Egress(SharedPool(named))))


def open_vault(settings: Settings, store: Store) -> tuple[KeyRing, Vault]:
    """Return the master keys and the vault of a database; raises VaultError if they do not belong to it."""
    require_current(store)
    ring = read_key_ring(settings)
    require_right_master_key(store, ring)
    return ring, Vault(ring, store, utc_now)


def make_hub(settings: Settings, wake: Callable[[], None], process: str, *, with_plugins: bool = True) -> Hub:
    """Make the Hub of one process. Raises SettingsError or VaultError in every kind of process alike.

    A process that calls no plugin, such as the clock, does without and starts in half the time.
    """
    store = open_store(settings)
    _, vault = open_vault(settings, store)
    catalog = load_catalog() if with_plugins else Catalog()
    for plugin in catalog.plugins:
        if plugin.failure:
            _log.warning(
                "plugin %s %s is not usable: %s", plugin.distribution, plugin.version, plugin.failure
            )
    return Hub(
        settings=settings,
        store=store,
        vault=vault,
        catalog=catalog,
        egress=Egress(SharedPool(Guard(allow=settings.egress_allow))),
        wake=wake,
        now=utc_now,
        process=process,
    )
