"""Lists: `?limit=&cursor=&sort=` in, `{"items": […], "next_cursor": …}` out."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query

from revolution_hub.errors import InputError, Problem
from revolution_hub.store.paging import LARGEST_PAGE, Page
from revolution_sdk.types import JsonObject

_ID = re.compile(r"[a-z]{2,4}_[0-9a-z]{26}\Z")
_NAME = re.compile(r"([a-z]+:)?[a-z0-9_-]{1,40}\Z")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """What part of a list in its own order is wanted. `after` is the last place of the page before."""

    limit: int
    after: int | None


_Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many items at most")]
_Cursor = Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")]
_Sort = Annotated[Literal["-created_at", "created_at"], Query(description="newest or oldest first")]


def page_of(limit: _Limit = 50, cursor: _Cursor = None, sort: _Sort = "-created_at") -> Page:
    """Return which page is asked for; raises InputError for a cursor that is none of ours."""
    return Page(limit=limit, after=_read(cursor, _ID), newest_first=sort.startswith("-"))


def named_page_of(limit: _Limit = 50, cursor: _Cursor = None, sort: _Sort = "-created_at") -> Page:
    """Return which page of a list sorted by names or principals is asked for, like `page_of`."""
    return Page(limit=limit, after=_read(cursor, _NAME), newest_first=sort.startswith("-"))


def numbered_page_of(limit: _Limit = 50, cursor: _Cursor = None, sort: _Sort = "-created_at") -> Page:
    """Return which page of a list of numbered things is asked for, like `page_of`."""
    return Page(limit=limit, after=_read(cursor, _NUMBER), newest_first=sort.startswith("-"))


def item_page_of(limit: _Limit = 50, cursor: _Cursor = None) -> ItemPage:
    """Return which page of a list in its own order is asked for, like `page_of`."""
    after = _read(cursor, _NUMBER)
    return ItemPage(limit=limit, after=None if after is None else int(after))


PageDep = Annotated[Page, Depends(page_of)]
NamedPageDep = Annotated[Page, Depends(named_page_of)]
NumberedPageDep = Annotated[Page, Depends(numbered_page_of)]
ItemPageDep = Annotated[ItemPage, Depends(item_page_of)]


def page_json(items: list[JsonObject], last_id: str | None) -> JsonObject:
    """Return a page as it goes out."""
    cursor = base64.urlsafe_b64encode(last_id.encode()).decode() if last_id else None
    return {"items": items, "next_cursor": cursor}


def _read(cursor: str | None, form: re.Pattern[str]) -> str | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    if not form.match(text):
        raise InputError("the cursor is not valid", [Problem(path="cursor", message="is none of ours")])
    return text
