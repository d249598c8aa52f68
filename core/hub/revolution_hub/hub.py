"""Hub: the handful of things every use case is given. No methods; what happens is in the rooms."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Made once per process by `app.py`. `wake` tells workers that there may be something to do."""

    settings: Settings
    store: Store
    vault: Vault
    catalog: Catalog
    egress: Egress
    wake: Callable[[], None]
    now: Callable[[], datetime]
    process: str
