"""Poll: how a connector looks for what nobody reports, or for what a report was lost of.

The hub owns the cursor and keeps what was found apart from what is known: a poll only looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from revolution_sdk.context import ActionContext
from revolution_sdk.types import Json, JsonObject

SHORTEST_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a poll goes on: what it has returned last, None at its first call.

    `overlap` is how far back a poll by time looks again, because providers list late what has happened.
    """

    value: Json = None
    overlap: timedelta = timedelta(0)

    @property
    def first(self) -> bool:
        """Whether there is no cursor yet. Then return the present position, unless the past is wanted."""
        return self.value is None

    def since(self) -> datetime:
        """Return the moment a cursor of the form RFC 3339 names, less the overlap.

        Raises ValueError if it is none.
        """
        moment = datetime.fromisoformat(str(self.value))
        if moment.utcoffset() is None:
            raise ValueError("a moment needs an offset, such as 2026-11-23T09:00:00Z")
        return moment - self.overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one call has found: the events' data, oldest first, and the cursor for the next call.

    With `more` the next call follows at once, because the provider has further pages.
    """

    items: Sequence[JsonObject] = ()
    cursor: Json
    more: bool = False


PollFunction: TypeAlias = Callable[[ActionContext, Cursor], Polled]
IdFunction: TypeAlias = Callable[[JsonObject], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One way to look for events of one type. Still callable, so a test calls it like the function it is.

    `event` is the local name of the event type. `id_of` returns what tells two reports of one happening
    apart from two happenings; where a webhook reports the same event type, it must come to the webhook's own
    `dedup_key`. `cursor` is the JSON Schema of the cursor, `at` the name of the member of the data that says
    when it happened, if there is one.
    """

    name: str
    title: str
    description: str
    event: str
    every: timedelta
    id_of: IdFunction
    cursor: JsonObject
    function: PollFunction
    overlap: timedelta = timedelta(0)
    at: str = ""
    scopes: tuple[str, ...] = ()
    timeout_s: float = 60.0

    def __call__(self, ctx: ActionContext, cursor: Cursor) -> Polled:
        return self.function(ctx, cursor)

    def occurred_at(self, item: JsonObject) -> datetime | None:
        """Return when an item happened, None if it does not say so."""
        text = item.get(self.at) if self.at else None
        if not isinstance(text, str):
            return None
        moment = datetime.fromisoformat(text)
        return moment if moment.utcoffset() is not None else None


def member(name: str) -> IdFunction:
    """Return the function that reads an item's id from the member of this name."""

    def read(item: JsonObject) -> str:
        return str(item[name])

    return read
