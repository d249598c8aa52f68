"""What nobody gets by asking in another way: attack rows R1, R5, R8 and R10 of the security design."""

import asyncio
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from rig.asking import Asker, asker
from rig.calls import CALLS, Call, Route, routes_of, send
from rig.door import opened
from rig.world import build, with_everything

from revolution_hub.api.app import make_api, make_fastapi
from revolution_hub.model.principal import Principal
from revolution_hub.store import tables as t
from revolution_hub.store.tables import metadata

REFUSALS = (400, 401, 404, 405)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OVERRIDES = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE"}
FORWARDED = {"X-Original-URL": "/api/health", "X-Rewrite-URL": "/api/health", "X-Forwarded-Prefix": "/api"}
STRANGERS = ("", "Bearer", "Bearer ", "Bearer x", "Basic b3duZXI6b3duZXI=", "bearer rev_", "rev_x")

TRICKS: dict[str, Callable[[str], str]] = {
    "trailing slash": lambda path: path + "/",
    "two slashes at the beginning": lambda path: "/" + path,
    "two slashes within": lambda path: path.replace("/api/", "/api//"),
    "a dot at the end": lambda path: path + "/.",
    "dots at the end": lambda path: path + "/x/..",
    "dots at the beginning": lambda path: "/x/.." + path,
    "encoded dots": lambda path: "/api/health/%2e%2e" + path.removeprefix("/api"),
    "encoded slashes": lambda path: path.replace("/api/", "/api%2f"),
    "twice encoded": lambda path: path.replace("/api/", "/api/%252e%252e/api/"),
    "a parameter of the path": lambda path: path + ";a=b",
    "behind a public one": lambda path: "/api/health;" + path,
    "capitals": lambda path: path.upper(),
    "NUL": lambda path: path + "%00",
    "a line feed": lambda path: path + "%0a",
    "a suffix": lambda path: path + ".json",
    "a backslash": lambda path: path.replace("/api/", "/api\\"),
    "a query that is a path": lambda path: "/api/health?path=" + path,
    "a fragment": lambda path: path + "%23/api/health",
}


@pytest.fixture
def routes(bench: Any) -> list[Route]:
    """Every route with a permission."""
    return routes_of(make_fastapi(bench.hub))


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Any]:
    """The API of a hub that has a folder for files."""
    with opened(with_everything(bench), database, tmp_path) as made:
        yield made


@pytest.fixture
def client(bench: Any) -> Iterator[Any]:
    """Somebody without any key, who may ask as often as a test likes."""
    api = make_api(with_everything(bench).hub)
    with TestClient(api, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def plain(path: str) -> str:
    """Return a path with something in the place of each parameter."""
    return re.sub(r"{(\w+)(:path)?}", "x", path)


def is_refused(answer: Any) -> bool:
    return answer.status_code in REFUSALS and (
        answer.headers["content-type"] == "application/problem+json" or not answer.content
    )


@pytest.mark.parametrize("trick", TRICKS)
def test_r1_no_spelling_of_a_path_leads_anybody_past_the_door(
    database_file: Any, client: Any, routes: list[Route], trick: str
) -> None:
    for route in routes:
        path = TRICKS[trick](plain(route.path))
        answer = client.request(route.method, path)
        opened = answer.status_code in (200, 422) and path.startswith("/api/health?")
        assert opened or is_refused(answer), (route.method, path, answer.status_code, answer.text)


def test_r1_no_method_and_no_header_leads_anybody_past_the_door(
    database_file: Any, client: Any, routes: list[Route]
) -> None:
    for path in sorted({plain(one.path) for one in routes}):
        for method in METHODS:
            answer = client.request(method, path, headers=OVERRIDES | FORWARDED)
            assert is_refused(answer), (method, path, answer.status_code, answer.text)


def test_r1_nobody_is_who_shows_no_key(database_file: Any, client: Any, routes: list[Route]) -> None:
    for route in routes:
        for given in STRANGERS:
            answer = client.request(route.method, plain(route.path), headers={"authorization": given})
            told = (answer.status_code, answer.json()["code"])
            assert told == (401, "unauthenticated"), (route.name, given)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_r1_a_method_that_is_put_in_a_header_is_not_the_method(bench: Any, owner: Asker) -> None:
    workflow_id = owner.create({"name": "w", "steps": [{"set": {"a": 1}}]})
    owner.ask("GET", f"/api/workflows/{workflow_id}", x_http_method_override="DELETE")
    owner.call("POST", f"/api/workflows/{workflow_id}/dry-run", {}, x_http_method_override="DELETE")
    assert owner.ask("GET", f"/api/workflows/{workflow_id}")["name"] == "w"


def test_r5_a_tenant_is_named_by_the_key_alone(bench: Any, asker_of: Callable[..., Asker]) -> None:
    mine, theirs = asker_of(), asker_of(tenant_id="ten_b")
    theirs.create({"name": "theirs", "steps": [{"set": {"a": 1}}]})
    for header in ("x_tenant_id", "x_tenant", "tenant_id", "x_revolution_tenant"):
        assert mine.ask("GET", "/api/workflows", **{header: "ten_b"})["items"] == []
    assert mine.refused("GET", "/api/workflows?tenant_id=ten_b") == (422, "input_invalid")


@pytest.mark.parametrize("nothing", ["", "*", "ten_a,ten_b", "ten_a'", "ten a", "x" * 41])
def test_r5_nothing_is_done_in_the_name_of_no_tenant(bench: Any, nothing: str) -> None:
    for door in (bench.hub.store.begin, bench.hub.store.read):
        with pytest.raises(ValueError, match="needs a tenant"), door(nothing):
            raise AssertionError("it was opened")


def test_r5_a_principal_without_a_tenant_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="belongs to a tenant"):
        Principal(id="key_1", tenant_id="", role="owner")


COLUMNS = sorted({column.name for table in metadata.tables.values() for column in table.columns})
MEANT = {"is_admin", "sso_required", "owner_id", "encrypted", "__class__", "__proto__", "_sa_instance_state"}


def test_r8_no_body_takes_a_member_it_does_not_declare(
    door: Any, make: Any, database_file: Any, routes: list[Route]
) -> None:
    world = build(door.bench, make, door.client, "ten_c", "aardvark")
    asking = asker(door.bench.hub, door.client, "host", "ten_c")
    with_body = [one for one in routes if one.schema is not None]
    assert len(with_body) > 20
    for route in with_body:
        known = set((route.schema or {}).get("properties", {}))
        planted = dict.fromkeys(sorted({*COLUMNS, *MEANT} - known), "x")
        call = CALLS[route.name]
        body = {**(call.body or {}), **planted}
        answer = send(asking, route.name, Call(at=call.at, body=body, etag=call.etag), world.ids)
        assert answer.status_code == 422, (route.name, answer.status_code, answer.text)
        told = {one["path"] for one in answer.json()["problems"]}
        assert set(planted) <= told, (route.name, set(planted) - told)


def test_r8_every_body_of_the_api_is_closed(routes: list[Route]) -> None:
    def closed(schema: Any) -> bool:
        return schema.get("additionalProperties") is False and all(
            one.get("additionalProperties") is False for one in schema.get("$defs", {}).values()
        )

    assert [one.name for one in routes if one.schema is not None and not closed(one.schema)] == []


def test_r10_answers_reach_whom_they_are_for_however_many_requests_are_given_up(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    """Two tenants ask over the same connections and hang up in the middle; each sees its own word alone."""
    tenants = {"aardvark": owner, "zanzibar": asker_of(tenant_id="ten_b")}
    for word, asking in tenants.items():
        asking.create({"name": word, "steps": [{"set": {"word": word}}]})
    wide = with_everything(bench)
    chance = random.Random(7)

    async def ask(http: httpx2.AsyncClient, word: str) -> str:
        headers = {"authorization": f"Bearer {tenants[word].key}"}
        return (await http.get("/api/workflows", headers=headers)).text

    async def storm() -> tuple[int, int]:
        answered = given_up = 0
        transport = httpx2.ASGITransport(app=make_api(wide.hub))
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as http:
            for _ in range(30):
                words = [chance.choice(sorted(tenants)) for _ in range(20)]
                under_way = [asyncio.create_task(ask(http, word)) for word in words]
                await asyncio.sleep(chance.random() * 0.01)
                for one in under_way:
                    if chance.random() < 0.5:
                        one.cancel()
                for word, text in zip(
                    words, await asyncio.gather(*under_way, return_exceptions=True), strict=True
                ):
                    if isinstance(text, BaseException):
                        given_up += 1
                        continue
                    (other,) = set(tenants) - {word}
                    assert word in text, text
                    assert other not in text, text
                    answered += 1
        return answered, given_up

    answered, given_up = asyncio.run(storm())
    assert answered > 100
    assert given_up > 100


def test_r10_an_etag_of_one_tenant_opens_nothing_of_another(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    theirs = asker_of(tenant_id="ten_b")
    document = {"name": "w", "steps": [{"set": {"a": 1}}]}
    mine_id, their_id = owner.create(document), theirs.create(document)
    etag = theirs.call("GET", f"/api/workflows/{their_id}").headers["etag"]
    refused = owner.refused("PUT", f"/api/workflows/{their_id}", {"document": document}, if_match=etag)
    assert refused == (404, "not_found")
    same = owner.call("GET", f"/api/workflows/{mine_id}", if_none_match=etag)
    assert (same.status_code, same.json()["id"]) == (200, mine_id)


def test_r10_an_idempotency_key_is_a_principals_own(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    document = {"name": "w", "steps": [{"set": {"a": 1}}]}
    made = [
        asking.ask("POST", "/api/workflows", {"document": {**document, "name": name}}, idempotency_key="k")
        for name, asking in (("a", owner), ("b", asker_of()), ("c", asker_of(tenant_id="ten_b")))
    ]
    assert len({one["id"] for one in made}) == 3


def test_the_world_that_is_asked_for_holds_no_empty_tables(door: Any, make: Any, database_file: Any) -> None:
    """Whatever the crawl cannot change because nothing is there, it proves nothing about."""
    build(door.bench, make, door.client, "ten_c", "aardvark")
    with door.bench.hub.store.read_across() as tx:
        empty = {
            table.name
            for table in t.TENANT_TABLES
            if tx.conn.execute(table.select().where(table.c.tenant_id == "ten_c").limit(1)).first() is None
        }
    assert empty <= set(NOT_FILLED), empty - set(NOT_FILLED)


NOT_FILLED = {
    "callbacks": "an answer to a callback is there between two commits",
    "duplicates": "counted when a delivery comes in twice",
    "hook_addresses": "an earlier address, after a rotation",
    "fires": "the clock makes them",
    "pending_authorizations": "somebody is at a provider, and not back yet",
    "idempotency_keys": "no request of it came with one",
}
"""Tables of which a world has no row, each with the reason."""
