"""Looking for events. `SystemModstamp` is the truth: it moves with every change, automatic ones included.

A cursor holds `from`, when looking began, by Salesforce's own clock; `seen`, up to where everything was read,
from which the next look goes back by the overlap, since what is saved is listed late; and `page`, the row a
look that had more than one page goes on behind.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from revolution_salesforce import client
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.events import WATCHED, Watched, written
from revolution_salesforce.fields import closed
from revolution_salesforce.soql import instant
from revolution_sdk import ActionContext, Cursor, Json, JsonObject, Polled
from revolution_sdk.schema import nullable, object_, string

EVERY = timedelta(minutes=5)
OVERLAP = timedelta(minutes=5)
ROWS = 200
_OLDEST: Final = timedelta(days=29, hours=23)
"""Deletions are known for 30 days. Source: REST API guide resources-getdeleted, by FACTS of 2026-11-22."""

_MOMENT = string(format="date-time")
CURSOR = closed(
    {
        "from": _MOMENT,
        "seen": _MOMENT,
        "page": nullable(object_(at=_MOMENT, id=string(pattern="^[A-Za-z0-9]{15,18}$"))),
    }
)


def look_for_rows(
    ctx: ActionContext, watched: Watched, column: str, cursor: Cursor
) -> tuple[list[JsonObject], Polled]:
    """Return the rows in which `column` has moved on, and the rest of a Polled without items."""
    if cursor.first:
        return [], Polled(cursor=_beginning(ctx, watched))
    place = dict(cursor.value)
    start, page = moment_of(place["from"]), place["page"]
    since = max(start, moment_of(place["seen"]) - cursor.overlap)
    answer = client.query(ctx, _soql(watched, column, since, page))
    rows = answer.records
    if not rows:
        return [], Polled(cursor={**place, "page": None})
    last = {"at": written(rows[-1][column]), "id": str(rows[-1]["Id"])}
    more = len(rows) == ROWS or answer.cursor is not None
    seen = place["seen"] if more else max(place["seen"], last["at"], key=moment_of)
    return rows, Polled(cursor={**place, "seen": seen, "page": last if more else None}, more=more)


def look_for_created(ctx: ActionContext, watched: Watched, cursor: Cursor) -> Polled:
    """Return the records that were created."""
    rows, rest = look_for_rows(ctx, watched, "CreatedDate", cursor)
    return Polled(items=[watched.data(one) for one in rows], cursor=rest.cursor, more=rest.more)


def look_for_updated(ctx: ActionContext, watched: Watched, cursor: Cursor) -> Polled:
    """Return the records that were changed after they were created."""
    rows, rest = look_for_rows(ctx, watched, "SystemModstamp", cursor)
    items = [watched.data(one) for one in rows]
    changed = [one for one in items if one["modified_at"] != one["created_at"]]
    return Polled(items=changed, cursor=rest.cursor, more=rest.more)


def look_for_deleted(ctx: ActionContext, watched: Watched, cursor: Cursor) -> Polled:
    """Return the records that were deleted."""
    if cursor.first:
        return Polled(cursor=_beginning(ctx, watched))
    place, now = dict(cursor.value), ctx.now()
    # Behind the overlap, which is longer than the minute Salesforce wants between start and end.
    since = max(moment_of(place["seen"]) - cursor.overlap, now - _OLDEST)
    found = client.deleted(ctx, watched.sobject, since, max(now, since + timedelta(minutes=2)))
    items = [
        {"id": str(one.get("id")), "deleted_at": written(one.get("deletedDate"))} for one in found.records
    ]
    begun = moment_of(place["from"])
    new = [one for one in items if moment_of(one["deleted_at"]) >= begun]
    new.sort(key=lambda one: (one["deleted_at"], one["id"]))
    return Polled(items=new, cursor={**place, "seen": written(found.covered_until)})


def moment_of(text: Json) -> datetime:
    """Read a moment of a cursor."""
    return datetime.fromisoformat(str(text))


def _beginning(ctx: ActionContext, watched: Watched) -> JsonObject:
    """Return the cursor for now, by Salesforce's clock as its answers tell it, which is whole seconds."""
    answer = client.query(ctx, f"SELECT Id FROM {watched.sobject} LIMIT 1")  # noqa: S608 — one of four names
    now = answer.server_time or ctx.now().astimezone(UTC)
    text = instant(now.replace(microsecond=0))
    return {"from": text, "seen": text, "page": None}


def _soql(watched: Watched, column: str, since: datetime, page: Json) -> str:
    """Return the query for a page: names of our own and moments, nothing anybody else has written."""
    names = ", ".join(["Id", "CreatedDate", "SystemModstamp", *watched.columns.values()])
    if page is None:
        where = f"{column} >= {instant(since)}"
    else:
        at = instant(moment_of(page["at"]))
        where = f"({column} > {at} OR ({column} = {at} AND Id > '{page['id']}'))"
    return f"SELECT {names} FROM {watched.sobject} WHERE {where} ORDER BY {column}, Id LIMIT {ROWS}"  # noqa: S608


def _created_id(item: JsonObject) -> str:
    return str(item["id"])


def _updated_id(item: JsonObject) -> str:
    return f"{item['id']}:{item['modified_at']}"


def _deleted_id(item: JsonObject) -> str:
    return f"{item['id']}:{item['deleted_at']}"


def _declare(watched: Watched) -> None:
    def created(ctx: ActionContext, cursor: Cursor) -> Polled:
        return look_for_created(ctx, watched, cursor)

    def updated(ctx: ActionContext, cursor: Cursor) -> Polled:
        return look_for_updated(ctx, watched, cursor)

    def deleted(ctx: ActionContext, cursor: Cursor) -> Polled:
        return look_for_deleted(ctx, watched, cursor)

    rows = (
        (created, watched.created, _created_id, "created_at"),
        (updated, watched.updated, _updated_id, "modified_at"),
        (deleted, watched.deleted, _deleted_id, "deleted_at"),
    )
    for look, event, id_of, at in rows:
        look.__name__ = f"poll_{watched.word}_{look.__name__}"
        look.__doc__ = f"Look for {event.title[0].lower()}{event.title[1:]}."
        salesforce.poll(event, every=EVERY, id=id_of, cursor=CURSOR, overlap=OVERLAP, at=at, scopes=(API,))(
            look
        )


for _one in WATCHED:
    _declare(_one)
