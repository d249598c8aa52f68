"""Lists: `?limit=&cursor=&sort=` in, `{"items": […], "next_cursor": …}` out."""

import base64
import binascii
import re
from typing import Annotated, Literal

from fastapi import Depends, Query

from revolution_hub.errors import InputError, Problem
from revolution_hub.store.paging import LARGEST_PAGE, Page
from revolution_sdk.types import JsonObject

_ID = re.compile(r"[a-z]{2,4}_[0-9a-z]{26}\Z")


def page_of(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many items at most")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")] = None,
    sort: Annotated[
        Literal["-created_at", "created_at"], Query(description="newest or oldest first")
    ] = "-created_at",
) -> Page:
    """Return which page is asked for; raises InputError for a cursor that is none of ours."""
    return Page(limit=limit, after=_read(cursor), newest_first=sort.startswith("-"))


PageDep = Annotated[Page, Depends(page_of)]


def page_json(items: list[JsonObject], last_id: str | None) -> JsonObject:
    """Return a page as it goes out."""
    cursor = base64.urlsafe_b64encode(last_id.encode()).decode() if last_id else None
    return {"items": items, "next_cursor": cursor}


def _read(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    if not _ID.match(text):
        raise InputError("the cursor is not valid", [Problem(path="cursor", message="is none of ours")])
    return text
