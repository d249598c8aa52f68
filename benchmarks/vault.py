"""What it costs to open a credential, as a share of what a call of an action costs.

Run: python benchmarks/vault.py [--quick]. The last line is one JSON object. Executions of one step are driven
in this process, over SQLite and over PostgreSQL. The step reads one small page over HTTP from a provider on
this machine that answers at once, which is the cheapest call there is: any other makes the share smaller.
`share_p50` is opening the credential once, divided by the call, each at its median; `share_guarded_p50` adds
noting its secrets and taking them out of the result. `share_first_p50` is the first opening after something
else was done, when the processor has everything to fetch anew.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bench.ending import Wrong, finish
from bench.figures import median, percentile, table
from bench.inside import Inside, inside, new_home
from bench.servers import own_folder, running_postgres, running_provider
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.watch import Watch
from revolution_hub.model.connection import Connection
from revolution_hub.model.masking import Masker, listening, masked
from revolution_hub.services import connections
from revolution_hub.services.connections import NewConnection
from revolution_sdk import ActionContext, ApiKey, Connector, JsonObject
from revolution_sdk.schema import object_

ROUNDS, QUICK_ROUNDS = 400, 60
WARM = 20
IN_A_ROW = 21
KEY = "bench-key-6f1d0a9c3e7b4852"
RESULT: JsonObject = {"id": 7, "name": "Ada Lovelace", "notes": ["one", "two"], "text": "a page " * 40}


def reading() -> Connector:
    """Return a connector with one action, which reads a page with a key."""
    made = Connector("pages", title="Pages", base_url="https://api.pages.test", auth=ApiKey())

    @made.action(input=object_(), output=object_(open_=True), effect="read")
    def get_page(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Read the page."""
        answer: JsonObject = ctx.http.get("/read", params={"note": "a"}, headers={"x-key": "k"}).json()
        return answer

    return made


@dataclass(slots=True, kw_only=True)
class Times:
    """Seconds that each call took, and opening, and opening with everything around it."""

    call: list[float]
    open: list[float]
    guarded: list[float]
    first: list[float]

    def kept(self) -> tuple[list[float], ...]:
        """Return the lists in the order in which a round fills them."""
        return self.call, self.open, self.guarded, self.first


@contextmanager
def connected(bench: Inside, provider: str) -> Iterator[tuple[Inside, Connection]]:
    """Have a hub with the connector and a connection to the provider at this address."""
    parts, catalog = urlsplit(provider), Catalog()
    catalog.add(reading())
    allow = frozenset({(str(parts.hostname), int(parts.port or 80))})
    with SharedPool(Guard(allow=allow)) as pool:
        hub = replace(bench.hub, catalog=catalog, egress=Egress(pool))
        made = replace(bench, hub=hub, watch=Watch(hub, hub.process))
        wanted = NewConnection(name="main", credential={"api_key": KEY}, base_url=provider)
        yield made, connections.create_connection(hub, made.principal, "pages", wanted)


def _timed(act: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    act()
    return time.perf_counter() - begun_s


def _usual(act: Callable[[], object]) -> float:
    return median(_timed(act) for _ in range(IN_A_ROW))


def measure(bench: Inside, connection: Connection, rounds: int) -> Times:
    """Call so often, one call after another, and open the credential as often."""
    workflow_id = bench.publish("vault", [{"id": "page", "uses": "pages.get_page", "with": {}}])
    times = Times(call=[], open=[], guarded=[], first=[])

    def opened() -> None:
        found = bench.hub.vault.open(connection.tenant_id, connection.id, connection.credential)
        if found["api_key"] != KEY:
            raise Wrong("the credential opens as another one")

    def guarded() -> None:
        with listening(Masker()):
            opened()
            masked(RESULT)

    for number in range(rounds + WARM):
        ids = bench.start(workflow_id)
        (execution,) = bench.claim(1)
        call_s = _timed(lambda one=execution: bench.drive(one))  # type: ignore[misc]
        # Behind the look whether it was done, so that no commit of the call is still under way beside it.
        bench.require(ids, 1)
        first_s = _timed(opened)
        took_s = (call_s, _usual(opened), _usual(guarded), first_s)
        if number >= WARM:
            for kept, one_s in zip(times.kept(), took_s, strict=True):
                kept.append(one_s)
    return times


def figures_of(times: Times, database: str) -> dict[str, float]:
    """Return the figures of one database."""
    call_s = median(times.call)
    return {
        f"share_p50_{database}": round(median(times.open) / call_s, 5),
        f"share_guarded_p50_{database}": round(median(times.guarded) / call_s, 5),
        f"share_first_p50_{database}": round(median(times.first) / call_s, 5),
        f"open_us_{database}": round(median(times.open) * 1e6, 1),
        f"first_us_{database}": round(median(times.first) * 1e6, 1),
        f"guarded_us_{database}": round(median(times.guarded) * 1e6, 1),
        f"call_us_{database}": round(call_s * 1e6, 1),
        f"call_p95_us_{database}": round(percentile(times.call, 0.95) * 1e6, 1),
    }


def shown(figures: Mapping[str, float]) -> str:
    """Return the figures as a table for people."""
    rows = [
        (
            database,
            f"{figures[f'call_us_{database}']:.0f}",
            f"{figures[f'open_us_{database}']:.1f}",
            f"{figures[f'share_p50_{database}']:.2%}",
            f"{figures[f'guarded_us_{database}']:.1f}",
            f"{figures[f'share_guarded_p50_{database}']:.2%}",
        )
        for database in ("sqlite", "postgresql")
        if f"call_us_{database}" in figures
    ]
    return table(("", "us a call", "us to open", "share", "us with masking", "share"), rows)


def _visit(folder: Path, name: str, rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(folder)) if name == "postgresql" else None
        url, database = new_home(folder, "vault", server)
        provider = stack.enter_context(running_provider(0.0))
        bench = stack.enter_context(inside(url, database))
        made, connection = stack.enter_context(connected(bench, provider))
        return figures_of(measure(made, connection, rounds), name)


def _measure(rounds: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with own_folder() as folder:
        for name in ("sqlite", "postgresql"):
            figures |= _visit(folder, name, rounds)
    print(shown(figures) + "\n")
    return figures


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} calls, not {ROUNDS}")
    given = parser.parse_args()
    finish(lambda: _measure(QUICK_ROUNDS if given.quick else ROUNDS))


if __name__ == "__main__":
    main()
