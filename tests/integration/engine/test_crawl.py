"""Every id of one tenant tried by another at every route, in path, query, body and cursor: rows R3 and R4.

What comes back must be what comes back for an id that nobody has, nothing of the other tenant may be in it,
and no row of it may have changed.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.calls import CALLS, MORE, Call, Route, refs_of, routes_of, send
from rig.door import opened
from rig.world import World, build, rows_of, with_everything

from revolution_hub.api.app import make_fastapi
from revolution_hub.bus.replay import advance_replays

WORD = "zanzibar"
LATER = {"POST /api/events/replay"}
"""What takes ids and looks each of them up only when it is carried out."""
IDS = re.compile(r"(_id|_ids|\Aids|_of|_by|_from|\Afrom_execution|\Apins_from|\Aapp|\Aconnection|\Arole)\Z")
"""Names of parameters and members that hold an id, or the name, of something of the tenant's."""
TOLD = (200, 404, 422)
REFUSED = (403,)
PLAIN = {
    "step_id": "a step within an execution",
    "client_id": "the provider's id of an app",
    "idempotency_key": "the caller's own",
}
"""Names that look so and hold no id of the hub's."""


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Any]:
    """The API of a hub that has a folder for files."""
    with opened(with_everything(bench), database, tmp_path) as made:
        yield made


@pytest.fixture
def worlds(door: Any, make: Any) -> tuple[World, World]:
    """Two tenants with one of everything."""
    return (
        build(door.bench, make, door.client, "ten_a", "aardvark"),
        build(door.bench, make, door.client, "ten_b", WORD),
    )


def calls() -> list[tuple[str, Call]]:
    return [*CALLS.items(), *MORE]


def nobody(known: str) -> str:
    """Return something of the same form that nobody has."""
    if known.startswith("evt_") and "." in known:
        return f"{nobody(known.partition('.')[0])}.{'0' * 64}"
    if WORD in known:
        return known.replace(WORD, "nowhere0")
    swapped = known[:-8] + known[-8:].translate(str.maketrans("abcdefghjkmnpqrstvwxyz0123456789", "1" * 32))
    return swapped if swapped != known else known[:-8] + "22222222"


def told(answer: Any, *ids: str) -> tuple[int, str]:
    """Return status and text of an answer without what differs from request to request."""
    text = re.sub(r'"request_id": ?"[^"]*"|rpl_[0-9a-z]+', "", answer.text)
    for one in ids:
        text = text.replace(one, "<id>")
    return answer.status_code, text


def leaks(answer: Any, world: World, *sent: str) -> list[str]:
    """Return what of a tenant is in an answer, but for what was sent."""
    text = f"{answer.headers}{answer.text}"
    for one in sent:
        text = text.replace(one, "")
    return [one for one in world.strings if one in text]


def test_a_foreign_id_is_an_id_that_nobody_has(door: Any, worlds: tuple[World, World]) -> None:
    mine, theirs = worlds
    before = rows_of(door.bench, "ten_b")
    tried = 0
    for name, call in calls():
        for ref in refs_of(call):
            foreign, gone = theirs.ids[ref], nobody(theirs.ids[ref])
            answer = send(mine.owner, name, call, mine.ids | {ref: foreign})
            place = (name, ref, answer.status_code, answer.text)
            assert leaks(answer, theirs, foreign) == [], place
            if ref.endswith("_cursor"):
                assert answer.status_code in (200, 422), place
                continue
            expected = REFUSED if call.host else (*TOLD, *REFUSED) if call.person else TOLD
            assert answer.status_code in expected or name in LATER, place
            if answer.status_code == 200:
                assert_empty(answer.json() if answer.content else [], place)
            other = send(mine.owner, name, call, mine.ids | {ref: gone})
            assert told(answer, foreign) == told(other, gone), place
            tried += 1
    assert tried > 80
    assert rows_of(door.bench, "ten_b") == before
    # What is looked up later finds nothing either; the other tenant's own replay goes on as well.
    advance_replays(door.bench.hub)
    started = rows_of(door.bench, "ten_a")["executions"]
    assert [one for one in started if any(word in one for word in theirs.strings)] == []


def assert_empty(found: Any, place: Any) -> None:
    """A list with a filter nothing falls under is empty; where each is told of, each is not found."""
    items = found["items"] if isinstance(found, dict) else found
    assert all(one.get("error", {}).get("code") == "not_found" for one in items), place


def test_every_text_of_every_body_is_tried_with_every_foreign_id(
    door: Any, database_file: Path, worlds: tuple[World, World]
) -> None:
    mine, theirs = worlds
    before = rows_of(door.bench, "ten_b")
    for route in routes_of(make_fastapi(door.bench.hub)):
        call = CALLS[route.name]
        for member in texts_of(route.schema or {}):
            for foreign in theirs.ids.values():
                body = {**(call.body or {}), member: foreign}
                asked = Call(at=call.at, query=call.query, body=body, etag=call.etag)
                answer = send(mine.owner, route.name, asked, mine.ids)
                place = (route.name, member, foreign, answer.status_code, answer.text)
                assert answer.status_code < 500, place
                assert leaks(answer, theirs, foreign) == [], place
            # So that what was sent is not seen again where another route shows the same thing.
            send(mine.owner, route.name, call, mine.ids)
    assert rows_of(door.bench, "ten_b") == before


def texts_of(schema: Any) -> Iterator[str]:
    """Yield the members of a body that may be a text."""
    for name, one in schema.get("properties", {}).items():
        kinds = [one, *one.get("anyOf", [])]
        if any(kind.get("type") == "string" for kind in kinds):
            yield name


def test_lists_and_headers_tell_nothing_of_another_tenant(door: Any, worlds: tuple[World, World]) -> None:
    mine, theirs = worlds
    names = ("X-Tenant-Id", "X-Tenant", "Tenant", "X-Forwarded-User", "X-Original-URL", "X-Rewrite-URL")
    headers = dict.fromkeys(names, "ten_b")
    for name, call in calls():
        if name.startswith("GET "):
            plain = send(mine.owner, name, call, mine.ids)
            answer = send(mine.owner, name, call, mine.ids, **headers)
            assert told(answer) == told(plain), name
            assert leaks(answer, theirs) == [], name


def test_of_every_id_that_can_be_handed_in_a_foreign_one_is_tried(door: Any) -> None:
    assert list(untried(routes_of(make_fastapi(door.bench.hub)), calls())) == []


def test_an_id_that_nobody_tries_is_found() -> None:
    schema = {"properties": {"app_id": {"type": "string"}, "title": {"type": "string"}}}
    planted = Route(
        method="POST",
        path="/api/x/{thing_id}",
        permission="workflow:read",
        shared=False,
        schema=schema,
        queries=frozenset({"workflow_id"}),
    )
    assert list(untried([planted], [(planted.name, Call())])) == [
        "POST /api/x/{thing_id} path thing_id",
        "POST /api/x/{thing_id} query workflow_id",
        "POST /api/x/{thing_id} body app_id",
    ]


def untried(routes: list[Route], known: list[tuple[str, Call]]) -> Iterator[str]:
    """Yield the parameters and members that look like an id and are never handed a foreign one."""
    for route in routes:
        mine = [call for name, call in known if name == route.name]
        places = {
            "path": (re.findall(r"{(\w+)", route.path), [call.at for call in mine]),
            "query": (sorted(route.queries), [call.query for call in mine]),
            "body": (list((route.schema or {}).get("properties", {})), [call.body or {} for call in mine]),
        }
        for place, (names, given) in places.items():
            for one in names:
                looks = IDS.search(one) and one not in PLAIN
                if looks and not any(refs_of(Call(body=each.get(one))) for each in given):
                    yield f"{route.name} {place} {one}"
