"""Polls: declared completely, and held to their word."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from revolution_sdk import ActionContext, Connector, Cursor, Polled
from revolution_sdk.schema import integer, object_, string
from revolution_sdk.testing import check_poll, make_context

DATA = object_(open_=True, id=string())
MINUTE = timedelta(minutes=1)


def declare(look: Callable[[Cursor], Polled], **options: Any) -> tuple[Connector, Any]:
    acme = Connector("acme", title="Acme")
    event = acme.event("thing.said", title="Said", data=DATA)

    def poll_things(ctx: ActionContext, cursor: Cursor) -> Polled:
        """Look for things."""
        return look(cursor)

    given = {"every": MINUTE, "id": "id", "cursor": integer(), **options}
    return acme, acme.poll(event, **given)(poll_things)


def nothing(cursor: Cursor) -> Polled:
    return Polled(cursor=0)


def test_a_poll_says_what_it_looks_for_and_how_often() -> None:
    acme, poll = declare(nothing, overlap=timedelta(seconds=5), at="at")
    assert acme.polls == {"poll_things": poll}
    assert (poll.title, poll.description, poll.event) == ("Poll things", "Look for things.", "thing.said")
    assert (poll.every, poll.overlap, poll.timeout_s) == (MINUTE, timedelta(seconds=5), 60.0)
    assert poll.id_of({"id": 7}) == "7"
    assert poll.occurred_at({"at": "2026-11-22T08:00:00Z"}) == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert poll.occurred_at({}) is None
    assert poll(None, Cursor()) == Polled(cursor=0)


@pytest.mark.parametrize(
    "wrong", [{"every": timedelta(seconds=9)}, {"overlap": timedelta(seconds=-1)}, {"timeout_s": 0}]
)
def test_a_poll_that_cannot_be_is_refused_where_it_is_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"poll acme\.poll_things: "):
        declare(nothing, **wrong)


def test_an_event_type_has_one_poll_and_is_declared_first() -> None:
    acme, poll = declare(nothing)
    event = acme.events["thing.said"]
    with pytest.raises(ValueError, match="declared twice"):
        acme.poll(event, every=MINUTE, id="id", cursor=integer())(poll.function)

    def poll_others(ctx: ActionContext, cursor: Cursor) -> Polled:
        """Look for others."""
        return nothing(cursor)

    with pytest.raises(ValueError, match="has a poll already"):
        acme.poll(event, every=MINUTE, id="id", cursor=integer())(poll_others)
    with pytest.raises(ValueError, match="on this connector first"):
        Connector("other", title="O").poll(event, every=MINUTE, id="id", cursor=integer())(poll_others)


def test_a_cursor_by_time_looks_back_as_far_as_it_overlaps() -> None:
    cursor = Cursor(value="2026-11-22T08:00:00+01:00", overlap=timedelta(minutes=5))
    assert cursor.since() == datetime(2026, 11, 22, 6, 55, tzinfo=UTC)
    assert Cursor().first
    assert not cursor.first
    for value in (None, "x", "2026-11-22T08:00:00"):
        with pytest.raises(ValueError):
            Cursor(value=value).since()


class Things:
    """What there is at a provider; `answer` is how a poll of it may go wrong."""

    def __init__(self) -> None:
        self.count = 0

    def happen(self) -> None:
        self.count += 3

    def look(self, cursor: Cursor) -> Polled:
        if cursor.first:
            return Polled(cursor=self.count)
        upto = min(self.count, cursor.value + 2)
        items = [{"id": str(one)} for one in range(cursor.value, upto)]
        return Polled(items=items, cursor=upto, more=upto < self.count)


def checked(look: Callable[[Things, Cursor], Polled], **options: Any) -> list[Any]:
    things = Things()
    acme, poll = declare(lambda cursor: look(things, cursor), **options)
    with make_context(acme).http:
        return check_poll(acme, poll, make_context(acme), things.happen)


def test_a_good_poll_keeps_every_rule() -> None:
    assert [one["id"] for one in checked(Things.look)] == [str(one) for one in range(9)]


def changed(**more: Any) -> Callable[[Things, Cursor], Polled]:
    def look(things: Things, cursor: Cursor) -> Polled:
        polled = things.look(cursor)
        given = {"items": polled.items, "cursor": polled.cursor, "more": polled.more}
        return Polled(**{**given, **{name: make(polled) for name, make in more.items()}})

    return look


def forgetful(things: Things, cursor: Cursor) -> Polled:
    things.count += 1
    return things.look(cursor)


def stuck(things: Things, cursor: Cursor) -> Polled:
    return Polled(items=[{"id": str(one)} for one in range(things.count)], cursor=0)


PLANTED = {
    "no cursor": changed(cursor=lambda polled: None),
    "a cursor of another form": changed(cursor=lambda polled: "x"),
    "an empty id": changed(items=lambda polled: [{"id": ""} for _ in polled.items]),
    "an id twice": changed(items=lambda polled: [*polled.items, *polled.items]),
    "data of another form": changed(items=lambda polled: [{"id": 7} for _ in polled.items]),
    "nothing found": changed(items=lambda polled: []),
    "pages without end": changed(more=lambda polled: True),
    "something else each time": forgetful,
    "a cursor that stays": stuck,
}


@pytest.mark.parametrize("name", PLANTED)
def test_each_rule_catches_its_planted_fault(name: str) -> None:
    with pytest.raises(Exception, match=r"acme\.poll_things|is not of type"):
        checked(PLANTED[name])


def test_a_poll_that_overlaps_may_find_the_same_again() -> None:
    def look(things: Things, cursor: Cursor) -> Polled:
        if cursor.first:
            return Polled(cursor=things.count)
        items = [{"id": str(one)} for one in range(max(0, cursor.value - 1), things.count)]
        return Polled(items=items, cursor=things.count)

    assert len(checked(look, overlap=MINUTE)) == 9
    with pytest.raises(AssertionError, match="found again"):
        checked(look)
