"""What it costs a request to find out who asks and whether they may, as a share of all it costs.

Run: python benchmarks/access.py [--quick]. The last line is one JSON object. Requests go through the API in
this process, over SQLite and over PostgreSQL. After each, the same is done once more of what it does to know
who asks, and nothing else: reading the header, looking the key or the session up, counting against rates.
That is the authentication. The authorization, which is done at the door and in the service, is measured by
itself and added. `share_p50` is both, divided by the request, each at its median.
"""

import argparse
import asyncio
import json
import time
import timeit
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message

from bench.ending import Wrong, finish
from bench.figures import median, percentile, table
from bench.inside import Inside, inside, new_home
from bench.servers import own_folder, running_postgres
from revolution_hub.access.api_keys import mint_api_key
from revolution_hub.access.rbac import require
from revolution_hub.access.tokens import hash_token
from revolution_hub.api.app import make_fastapi
from revolution_hub.api.frame import Frame
from revolution_hub.api.lean import LeanFirst
from revolution_hub.api.who import confirm, principal_of
from revolution_hub.model.principal import Principal
from revolution_hub.store import tenants

ROUNDS, QUICK_ROUNDS = 400, 60
WARM = 20
STEPS: list[Any] = [{"id": "greet", "set": {"text": "hello {{ trigger.data.name | 'you' }}"}}]
CHECKS = 2
"""So often a request asks whether it may: at its route and in its service."""
MANY = 10_000_000

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One kind of request."""

    method: str
    path: str
    body: Any = None


@dataclass(slots=True)
class Times:
    """Seconds each request of a kind took, and seconds it takes to know who asks."""

    whole: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)


def kinds(workflow_id: str) -> dict[str, Ask]:
    """Return what is asked: one thing, a list, and something that is done."""
    return {
        "read": Ask("GET", f"/api/workflows/{workflow_id}"),
        "list": Ask("GET", "/api/workflow-executions?limit=50"),
        "start": Ask("POST", f"/api/workflows/{workflow_id}/execute", {"data": {"name": "Ada"}}),
    }


async def ask(app: ASGIApp, one: Ask, headers: Headers) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Send a request through the API; return status, body and headers of the answer."""
    body = b"" if one.body is None else json.dumps(one.body).encode()
    answer: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answer.append(message)

    await app(_scope(one, headers), receive, send)
    content = b"".join(part.get("body", b"") for part in answer[1:])
    return answer[0]["status"], content, list(answer[0]["headers"])


def _scope(one: Ask, headers: Headers) -> dict[str, Any]:
    path, _, query = one.path.partition("?")
    given = {"host": "hub.test", "content-type": "application/json", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": one.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in given.items()],
        "client": ("192.0.2.1", 1),
        "server": ("hub.test", 80),
    }


async def _timed(app: ASGIApp, one: Ask, headers: Headers) -> float:
    begun_s = time.perf_counter()
    status, content, _ = await ask(app, one, headers)
    took_s = time.perf_counter() - begun_s
    if status >= 300:
        raise Wrong(f"{one.method} {one.path} answered {status}: {content[:200]!r}")
    return took_s


async def measure(app: FastAPI, one: Ask, headers: Headers, rounds: int) -> Times:
    """Ask so often, and find out as often who asks."""
    times, framed, request = Times(), Frame(LeanFirst(app)), request_of(app, one, headers)
    for number in range(rounds + WARM):
        pair = (await _timed(framed, one, headers), await _asking(app, request))
        if number >= WARM:
            times.whole.append(pair[0])
            times.asking.append(pair[1])
    return times


def request_of(app: FastAPI, one: Ask, headers: Headers) -> Request:
    """Return the request as its route is handed it."""
    scope = _scope(one, headers) | {"app": app, "state": {}}
    for route in app.routes:
        found, more = route.matches(scope)
        if found is Match.FULL:
            return Request(scope | dict(more) | {"route": route})
    raise Wrong(f"there is no route for {one.method} {one.path}")


async def _asking(app: FastAPI, request: Request) -> float:
    begun_s = time.perf_counter()
    confirm(await principal_of(request, app.state.hub))
    return time.perf_counter() - begun_s


def share(times: Times, authorize_s: float) -> float:
    """Return what part of a request at the median is authentication and authorization."""
    return (median(times.asking) + authorize_s) / median(times.whole)


def authorization_s(principal: Principal) -> float:
    """Return how long a request takes to find out whether it may."""
    runs = 20_000
    took_s = min(timeit.repeat(lambda: require(principal, "workflow:read"), number=runs, repeat=5))
    return CHECKS * took_s / runs


def key_of(bench: Inside) -> Headers:
    """Make an API key, and return what is sent to be known by it."""
    key = mint_api_key()
    with bench.hub.store.begin(bench.principal.tenant_id) as tx:
        tenants.add_api_key(
            tx, "key_access", name="Bench", key_hash=hash_token(key), role="owner", now=bench.hub.now()
        )
    return {"authorization": f"Bearer {key}"}


async def session_of(app: ASGIApp, key: Headers) -> Headers:
    """Let somebody join and sign in; return what a browser sends."""
    email = "ada@example.com"
    _, content, _ = await ask(app, Ask("POST", "/api/invitations", {"email": email, "role": "owner"}), key)
    token = json.loads(content)["token"]
    body = {"token": token, "name": "Ada", "password": "a long one that nobody else has"}
    page = {"sec-fetch-site": "same-origin", "origin": "http://hub.test"}
    status, content, headers = await ask(app, Ask("POST", "/api/invitations/accept", body), page)
    cookies = [text.decode().partition(";")[0] for name, text in headers if name == b"set-cookie"]
    if status != 201 or not cookies:
        raise Wrong(f"nobody could sign in: {status} {content[:200]!r}")
    return {**page, "cookie": "; ".join(cookies), "x-csrf-token": json.loads(content).get("csrf_token", "")}


async def _measured(bench: Inside, rounds: int) -> dict[str, Times]:
    app = make_fastapi(bench.hub)
    asked = kinds(bench.publish("access", STEPS))
    key = key_of(bench)
    ways = {"key": key, "session": await session_of(Frame(app), key)}
    return {
        f"{way}_{name}": await measure(app, one, headers, rounds)
        for way, headers in ways.items()
        for name, one in asked.items()
    }


def figures_of(times: Mapping[str, Times], authorize_s: float, database: str) -> dict[str, float]:
    """Return the figures of one database: each kind by itself, and the median of all."""
    shares = {name: share(one, authorize_s) for name, one in times.items()}
    found = {f"share_p50_{database}": round(median(shares.values()), 4)}
    for name, one in times.items():
        found |= {
            f"share_p50_{name}_{database}": round(shares[name], 4),
            f"p50_us_{name}_{database}": round(median(one.whole) * 1e6, 1),
            f"p95_us_{name}_{database}": round(percentile(one.whole, 0.95) * 1e6, 1),
            f"authentication_us_{name}_{database}": round(median(one.asking) * 1e6, 1),
        }
    return found | {f"authorization_us_{database}": round(authorize_s * 1e6, 2)}


def _visit(folder: Path, name: str, rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(folder)) if name == "postgresql" else None
        url, database = new_home(folder, "access", server)
        bench = stack.enter_context(inside(url, database))
        free = replace(
            bench.hub.settings,
            requests_per_minute=MANY // 10,
            tenant_requests_per_minute=MANY,
            public_url="http://hub.test",
        )
        bench = replace(bench, hub=replace(bench.hub, settings=free))
        times = asyncio.run(_measured(bench, rounds))
        return figures_of(times, authorization_s(bench.principal), name)


def _measure(rounds: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with own_folder() as folder:
        for name in ("sqlite", "postgresql"):
            figures |= _visit(folder, name, rounds)
    print(shown(figures) + "\n")
    return figures


def shown(figures: Mapping[str, float]) -> str:
    """Return the figures as a table for people."""
    rows = []
    for name in figures:
        if name.startswith("p50_us_"):
            kind = name.removeprefix("p50_us_")
            asked, _, database = kind.rpartition("_")
            cells = (figures[name], figures[f"authentication_us_{kind}"])
            rows.append(
                (
                    f"{database} {asked.replace('_', ', ')}",
                    *(f"{one:.0f}" for one in cells),
                    f"{figures[f'share_p50_{kind}']:.1%}",
                )
            )
    return table(("", "us a request", "us to know who", "share"), rows)


Run = Callable[[], dict[str, float]]


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_ROUNDS} requests of a kind, not {ROUNDS}"
    )
    given = parser.parse_args()
    finish(lambda: _measure(QUICK_ROUNDS if given.quick else ROUNDS))


if __name__ == "__main__":
    main()
