"""What does not speak HTTP: secrets and checked addresses, for who declares them and nobody else."""

import socket
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FunctionType, ModuleType
from typing import Any, ClassVar

import pytest

from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.services import connections
from revolution_hub.services.connections import NewConnection
from revolution_sdk import ActionContext, ApiKey, Connector, ConnectorError, Secret
from revolution_sdk.schema import object_

ANYTHING = object_(open_=True)
DEEPEST = 5
KEY = "k-1"
"""What the bench connects with."""


def connector(act: Any, **declared: Any) -> Connector:
    made = Connector("wire", title="Wire", base_url="https://api.wire.test", auth=ApiKey(), **declared)

    @made.action(input=ANYTHING, output=ANYTHING, effect="read")
    def do_it(ctx: ActionContext, value: Any) -> Any:
        """Do what the test says."""
        return act(ctx) or {}

    return made


def run(bench: Any, act: Any, egress: Egress | None = None, **declared: Any) -> Any:
    """Run the action once through a connection and return the execution as it then is."""
    catalog = Catalog()
    catalog.add(connector(act, **declared))
    hub = replace(bench.hub, catalog=catalog, egress=egress or bench.hub.egress)
    made = replace(bench, hub=hub)
    made.connect(connector="wire")
    return made.run({"id": "it", "uses": "wire.do_it"})


def egress(*allow: tuple[str, int], answer: str = "") -> Egress:
    options = {"resolve": lambda *_: [answer]} if answer else {}
    return Egress(SharedPool(Guard(allow=frozenset(allow), **options)))


def test_a_declared_secret_is_handed_out_masked(bench: Any) -> None:
    found: list[Secret] = []
    seen = run(bench, lambda ctx: found.append(ctx.secret("api_key")), secrets=("api_key",))
    assert seen.status == "succeeded"
    assert (found[0].reveal(), str(found[0])) == (KEY, "Secret('***')")


@pytest.mark.parametrize("name", ["api_key", "", "__class__", "x" * 500])
def test_a_secret_nobody_declared_is_refused_with_the_way_to_declare_it(bench: Any, name: str) -> None:
    seen = run(bench, lambda ctx: ctx.secret(name))
    assert (seen.status, seen.execution.error["code"]) == ("failed", "secret_not_declared")
    assert "`secrets`" in seen.execution.error["message"]


def test_an_address_nobody_declared_is_refused_with_the_way_to_declare_it(bench: Any) -> None:
    seen = run(bench, lambda ctx: ctx.address("db.example.com", 5432))
    assert (seen.status, seen.execution.error["code"]) == ("failed", "address_not_declared")
    assert "addresses=True" in seen.execution.error["message"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "169.254.169.254", "0x7f.1", "[::1]", "metadata.google.internal", "redis"],
)
def test_a_declared_address_is_checked_as_every_other_is(bench: Any, host: str) -> None:
    seen = run(bench, lambda ctx: ctx.address(host, 6379), addresses=True)
    assert seen.execution.error["code"] == "address_blocked"


def test_a_name_that_leads_inside_is_refused_and_one_that_is_allowed_is_not(bench: Any) -> None:
    inside = egress(answer="10.0.0.9")
    seen = run(bench, lambda ctx: ctx.address("db.example.com", 5432), inside, addresses=True)
    assert seen.execution.error["code"] == "address_blocked"
    inside.close()


def test_an_allowed_target_is_connected_to_by_its_checked_address(bench: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    allowed = egress(("db.internal", port), answer="127.0.0.1")

    def act(ctx: ActionContext) -> Any:
        address = ctx.address("db.internal", port)
        with socket.create_connection((address, port), 5):
            return {"address": address}

    seen = run(bench, act, allowed, addresses=True)
    assert seen.steps["it"].output == {"address": "127.0.0.1"}
    listener.close()
    allowed.close()


def test_a_host_that_is_not_known_is_tried_again(bench: Any) -> None:
    def unknown(*_: Any) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    nowhere = Egress(SharedPool(Guard(resolve=unknown)))
    seen = run(bench, lambda ctx: ctx.address("db.example.com", 5432), nowhere, addresses=True)
    assert seen.waits_for == "retry"
    nowhere.close()


class Provider(BaseHTTPRequestHandler):
    """Takes the first call of all, and hangs up on every other; keeps what it was shown."""

    shown: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.shown.append(self.headers["Authorization"])
        if len(self.shown) > 1:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def parts_of(value: Any, seen: set[int]) -> Iterator[str]:
    """Yield what a value shows of itself and of what it consists of, short of the modules it comes from."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        yield repr(one)[:10_000]
        if depth < DEEPEST and not isinstance(one, str | bytes | int | float):
            inner = list(one.values()) if isinstance(one, dict) else []
            inner += list(one) if isinstance(one, list | tuple | set) else []
            inner += list(getattr(one, "__dict__", {}).values())
            inner += [getattr(one, name, None) for name in getattr(type(one), "__slots__", ())]
            waiting += [(part, depth + 1) for part in inner]


def frames_of(error: BaseException | None) -> Iterator[Any]:
    """Yield the variables of every frame an exception, and what led to it, came through."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield from list(frame.f_locals.values())
        error = error.__cause__ or error.__context__


def test_nothing_that_is_handed_out_holds_the_credential(bench: Any) -> None:
    """Not the request, the response, the client, nor an exception with every frame it came through."""
    canary, shown = "canary-4e0b6c1f", list[str]()

    def act(ctx: ActionContext) -> Any:
        answer = ctx.http.get("/contacts")
        things = [answer, answer.request, ctx.http, vars(ctx.http), ctx.http.headers]
        with pytest.raises(ConnectorError) as caught:
            ctx.http.get("/contacts")
        things += [caught.value, "".join(traceback.format_exception(caught.value)), *frames_of(caught.value)]
        seen: set[int] = set()
        shown.extend(text for one in things for text in parts_of(one, seen))
        # What is kept alive is not made anew under an id that was seen.
        del things

    Provider.shown.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    allowed, catalog = egress(("127.0.0.1", server.server_port)), Catalog()
    catalog.add(connector(act))
    hub = replace(bench.hub, catalog=catalog, egress=allowed)
    wanted = NewConnection(
        name="main", credential={"api_key": canary}, base_url=f"http://127.0.0.1:{server.server_port}"
    )
    connections.create_connection(hub, bench.principal, "wire", wanted)
    seen = replace(bench, hub=hub).run({"id": "it", "uses": "wire.do_it"})
    server.shutdown()
    server.server_close()
    allowed.close()
    assert seen.status == "succeeded", seen.execution.error
    assert Provider.shown == [f"Bearer {canary}"] * len(Provider.shown)
    assert len(shown) > 100
    assert not [text for text in shown if canary in text]
