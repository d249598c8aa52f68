"""The rules every poll is held to, tried out against a sandbox.

def test_the_poll_keeps_its_word(context, sandbox):
    check_poll(acme, poll_contacts, context, lambda: sandbox.create_contact())
"""

import json
from collections.abc import Callable

from jsonschema import Draft202012Validator

from revolution_sdk.connector import Connector
from revolution_sdk.context import ActionContext
from revolution_sdk.polls import Cursor, Poll, Polled
from revolution_sdk.types import Json, JsonObject

MOST_PAGES = 100


def check_poll(
    connector: Connector, poll: Poll, ctx: ActionContext, happen: Callable[[], object], *, rounds: int = 3
) -> list[JsonObject]:
    """Let something `happen` at the provider, look for it, and fail if the poll breaks a rule.

    The rules: there is a cursor from the first call on, and it follows its schema. It moves on when something
    has happened. Every id is a text of its own. The same cursor finds the same again. What was found is not
    found from the next cursor on, unless it overlaps. The pages come to an end. Returns what was found.
    """
    place, seen = f"{connector.name}.{poll.name}", dict[str, JsonObject]()
    cursor = _look(connector, poll, ctx, None)[1]
    for _ in range(rounds):
        happen()
        found, following = _look(connector, poll, ctx, cursor)
        again, _ = _look(connector, poll, ctx, cursor)
        assert list(again) == list(found), f"{place}: the same cursor finds something else"
        new = {key: item for key, item in found.items() if key not in seen}
        assert new, f"{place}: what has happened is not found"
        assert poll.overlap or len(new) == len(found), f"{place}: what was found is found again"
        assert following != cursor, f"{place}: the cursor does not move on"
        seen |= new
        cursor = following
    assert not set(_look(connector, poll, ctx, cursor)[0]) - set(seen), f"{place}: something is found late"
    return list(seen.values())


def _look(
    connector: Connector, poll: Poll, ctx: ActionContext, cursor: Json
) -> tuple[dict[str, JsonObject], Json]:
    """Return what is found by id, all pages of it, and the last cursor."""
    place, found = f"{connector.name}.{poll.name}", dict[str, JsonObject]()
    for _ in range(MOST_PAGES):
        polled = poll(ctx, Cursor(value=cursor, overlap=poll.overlap))
        assert isinstance(polled, Polled), f"{place}: return a Polled"
        cursor = json.loads(json.dumps(polled.cursor, allow_nan=False))
        assert cursor is not None, f"{place}: return a cursor, at the first call as well"
        Draft202012Validator(poll.cursor).validate(cursor)
        for item in polled.items:
            Draft202012Validator(connector.events[poll.event].data).validate(item)
            poll.occurred_at(item)
            key = poll.id_of(item)
            assert isinstance(key, str), f"{place}: an id is a text"
            assert key, f"{place}: an id is empty"
            assert key not in found, f"{place}: two items have the id {key!r}"
            found[key] = item
        if not polled.more:
            return found, cursor
    raise AssertionError(f"{place}: after {MOST_PAGES} pages there are still more")
