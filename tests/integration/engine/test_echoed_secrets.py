"""A provider that echoes a token, and a connector that passes it on: nothing that is kept has it (L2, L3)."""

import importlib.util
import io
import logging
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from rig.mirror import PLUGIN, Mirror, mirror

from revolution_hub.catalog import Catalog
from revolution_hub.cli.logs import Line
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.watch import Watch
from revolution_hub.model.masking import MASK, spellings
from revolution_hub.services import connections
from revolution_hub.services.connections import NewConnection
from revolution_hub.store import tables as t

KEY = "canary-api-key-3f9Kq0ZrT8vWx2"
WAYS = ("body", "encoded", "header", "redirect", "refused", "failed", "rejected", "unknown", "bug")
OTHER_WAYS = ("log", "thread", "record", "emit")
TOLD = {"body", "encoded", "header", "redirect", "rejected", "unknown", "record", "emit"}
"""Where what the provider has sent is kept, so that it shows that the secret was in it."""


@pytest.fixture
def provider() -> Iterator[Mirror]:
    """The provider."""
    with mirror() as made:
        yield made


@pytest.fixture
def echoing(bench: Any, provider: Mirror) -> Iterator[Any]:
    """A hub with the mirror's connectors, connected to it by a key."""
    spec = importlib.util.spec_from_file_location("revolution_mirror", PLUGIN / "revolution_mirror.py")
    assert spec is not None
    assert spec.loader is not None
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    catalog = Catalog()
    for connector in plugin.connectors():
        catalog.add(connector)
    host, _, port = provider.host.partition(":")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with SharedPool(Guard(allow=frozenset({(host, int(port))})), tls=tls) as pool:
        hub = replace(bench.hub, catalog=catalog, egress=Egress(pool))
        made = replace(bench, hub=hub, watch=Watch(hub, "wrk_1"))
        wanted = NewConnection(name="main", credential={"api_key": KEY}, base_url=provider.url)
        connections.create_connection(hub, made.principal, "mirror", wanted)
        yield made


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the hub writes to its log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Line("%(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def everything_kept(bench: Any) -> str:
    with bench.hub.store.read_across() as tx:
        return "\n".join(
            repr(tuple(row))
            for table in t.metadata.sorted_tables
            for row in tx.conn.execute(sa.select(table))
        )


@pytest.mark.parametrize("how", [*WAYS, *OTHER_WAYS])
def test_an_echoed_secret_is_nowhere_in_what_is_kept(
    echoing: Any, provider: Mirror, log: io.StringIO, how: str
) -> None:
    seen = echoing.run({"id": "act", "uses": "mirror.show_mirror", "with": {"how": how}})
    kept = everything_kept(echoing)
    assert provider.asked > 0
    assert seen.steps["act"].attempts == 1 or seen.status != "succeeded"
    for spelling in spellings(KEY):
        assert spelling not in kept, how
        assert spelling not in log.getvalue()
    # It was there, so that it was taken out and not just missing.
    if how in TOLD:
        assert MASK in kept
    if how in ("log", "thread"):
        assert MASK in log.getvalue()
