"""A database with a key file beside it, and everything sealed in it that a hub seals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.connection import Connection, Hook, PendingAuthorization, ProviderApp
from revolution_hub.store import apps, authorizations, connections, hooks, tenants
from revolution_hub.store.sealed import INSTALLATION, PLACES
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_providers import KeyFile
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import MasterKey, make_master_key, mint_master_key, write_key_file
from revolution_hub.vault.rotation import Rotator
from revolution_hub.vault.vault import Vault, require_right_master_key
from revolution_hub.vault.verify import verify

SECRET = {"access_token": "canary-token", "note": "ü"}

Open = Callable[..., Store]


class House:
    """A database with a key file beside it, and everything sealed in it that a hub seals."""

    def __init__(self, open_store: Open, folder: Path, clock: Any, make: Any) -> None:
        self.open_store, self.clock, self.make = open_store, clock, make
        self.path = folder / "keys" / "master.key"
        mint_master_key(self.path)
        self.store = open_store()
        self.ring = KeyRing(KeyFile(self.path))
        self.vault = Vault(self.ring, self.store, clock)
        require_right_master_key(self.store, self.ring)
        with self.store.begin_across() as tx:
            for one in ("ten_a", "ten_b"):
                tenants.add_tenant(tx, one, one, clock())

    def process(self) -> tuple[KeyRing, Vault]:
        """One more process of the hub, which reads the keys for itself."""
        ring, store = KeyRing(KeyFile(self.path)), self.open_store()
        require_right_master_key(store, ring)
        return ring, Vault(ring, store, self.clock)

    def rotator(self) -> Rotator:
        """What a command works with."""
        ring, vault = self.process()
        return Rotator(store=self.store, vault=vault, ring=ring, now=self.clock)

    def new_master_key(self) -> MasterKey:
        """Put a newer key into the key file."""
        made = make_master_key()
        write_key_file(self.path, [made, *KeyFile(self.path).read()])
        return made

    def connect(self, tenant_id: str, connection_id: str) -> Connection:
        """Keep a connection."""
        secret = self.vault.seal(tenant_id, connection_id, SECRET, version=3)
        made = self.make.connection(
            id=connection_id, tenant_id=tenant_id, name=connection_id, credential=secret
        )
        with self.store.begin(tenant_id) as tx:
            connections.add(tx, made)
        return made

    def fill(self) -> None:
        """Keep one secret, or more, in every place there is."""
        for number in range(3):
            self.connect("ten_a", f"con_{number}")
        self.connect("ten_b", "con_b")
        for app_id, owner in (("app_own", "ten_a"), ("app_shared", None)):
            self.add_app(app_id, owner)
        hook = Hook(
            id="hok_1",
            tenant_id="ten_a",
            workflow_id="wf_1",
            key="key",
            secret=self.vault.seal("ten_a", "hok_1", SECRET),
            created_at=self.clock(),
        )
        pending = PendingAuthorization(
            id="oap_1",
            tenant_id="ten_a",
            state_hash="state",
            session_id="ses_1",
            user_id="usr_1",
            connector="acme",
            app_id="app_own",
            name="default",
            base_url="",
            scopes=[],
            verifier=self.vault.seal("ten_a", "oap_1", SECRET),
            created_at=self.clock(),
            expires_at=self.clock(),
        )
        with self.store.begin("ten_a") as tx:
            hooks.add(tx, hook)
            authorizations.add(tx, pending)

    def add_app(self, app_id: str, owner: str | None) -> None:
        """Keep a provider app."""
        app = ProviderApp(
            id=app_id,
            connector="acme",
            app_key=app_id,
            client_id="client",
            secret=self.vault.seal(owner or INSTALLATION, app_id, SECRET),
            created_at=self.clock(),
            owner_tenant_id=owner,
        )
        with self.store.begin(owner or "ten_a") as tx:
            apps.add(tx, app)

    def keys_in_rows(self) -> dict[str, set[str]]:
        """Which data keys the secrets of each table are sealed with."""
        found = {}
        with self.store.read_across() as tx:
            for name, table in PLACES.items():
                query = sa.select(table.c.sealed_key_id).where(table.c.sealed.is_not(None))
                found[name] = set(tx.conn.execute(query).scalars())
        return found

    def newest(self, tenant_id: str) -> str:
        """The newest data key of a tenant."""
        with self.store.read(tenant_id) as tx:
            found = tenants.newest_data_key(tx)
        assert found is not None
        return found.id

    def is_clean(self) -> bool:
        """Whether a process that starts now finds everything in order."""
        ring, vault = self.process()
        return verify(self.store, vault, ring, lambda _: None).is_clean
