"""Which executions are wanted, as a query and as part of a body: the same names and values in both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Depends, Query
from pydantic import Field

from revolution_hub.api.doors import Model
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.model.time import parse_moment
from revolution_hub.services.selection import MOST_AT_ONCE, Selection
from revolution_hub.store.listing import Filter

Named = TypeVar("Named", bound=StrEnum)

_STATUS = "only with one of these statuses, separated by commas"
_AFTER = "only made at this moment or later"
_BEFORE = "only made before this moment"


class FilterBody(Model):
    """The filters of the list of executions, by the names and with the values they have there."""

    workflow_id: str | None = Field(default=None, max_length=200, description="only of this workflow")
    status: str | None = Field(default=None, max_length=100, description=_STATUS)
    wait_reason: str | None = Field(default=None, max_length=20, description="only waiting for this reason")
    event_id: str | None = Field(default=None, max_length=40, description="only started by this event")
    started_by: str | None = Field(default=None, max_length=40, description="only started by this principal")
    replay_of: str | None = Field(default=None, max_length=40, description="only repeating this execution")
    error_code: str | None = Field(default=None, max_length=100, description="only failed with this code")
    created_after: str | None = Field(default=None, max_length=64, description=_AFTER)
    created_before: str | None = Field(default=None, max_length=64, description=_BEFORE)


class SelectionBody(Model):
    """Executions by their ids or by a filter, one of both."""

    ids: list[Annotated[str, Field(max_length=40)]] | None = Field(
        default=None, min_length=1, max_length=MOST_AT_ONCE, description="these executions"
    )
    filter: FilterBody | None = Field(default=None, description="those the list would show")


def filter_of(
    workflow_id: Annotated[str | None, Query(max_length=200, description="only of this workflow")] = None,
    status: Annotated[str | None, Query(max_length=100, description=_STATUS)] = None,
    wait_reason: Annotated[str | None, Query(max_length=20, description="only waiting for this")] = None,
    event_id: Annotated[str | None, Query(max_length=40, description="only started by this event")] = None,
    started_by: Annotated[str | None, Query(max_length=40, description="only started by this one")] = None,
    replay_of: Annotated[str | None, Query(max_length=40, description="only repeating this one")] = None,
    parent_id: Annotated[str | None, Query(max_length=40, description="the children of this one")] = None,
    error_code: Annotated[str | None, Query(max_length=100, description="only failed with this")] = None,
    created_after: Annotated[str | None, Query(max_length=64, description=_AFTER)] = None,
    created_before: Annotated[str | None, Query(max_length=64, description=_BEFORE)] = None,
) -> Filter:
    """Return which executions are asked for; raises InputError with everything that is wrong."""
    return _filter(locals(), "")


FilterDep = Annotated[Filter, Depends(filter_of)]


def selection_of(body: SelectionBody) -> Selection:
    """Return what a body selects; raises InputError unless it says so in one way."""
    if (body.ids is None) == (body.filter is None):
        problem = Problem(path="", message="either ids or a filter is needed", code="ids_or_filter")
        raise InputError("the body is not valid", [problem])
    if body.filter is None:
        return Selection(ids=tuple(body.ids or ()))
    return Selection(wanted=_filter(body.filter.model_dump(), "filter."))


def _filter(given: Mapping[str, str | None], at: str) -> Filter:
    problems: list[Problem] = []
    reasons = named_of(WaitReason, given, "wait_reason", at, problems)
    found = Filter(
        workflow_id=given["workflow_id"],
        statuses=named_of(ExecutionStatus, given, "status", at, problems, several=True),
        wait_reason=reasons[0] if reasons else None,
        event_id=given["event_id"],
        started_by=given["started_by"],
        replay_of=given["replay_of"],
        parent_id=given.get("parent_id"),
        error_code=given["error_code"],
        created_after=moment_of(given, "created_after", at, problems),
        created_before=moment_of(given, "created_before", at, problems),
    )
    if problems:
        raise InputError("the request is not valid", problems)
    return found


def named_of(
    kind: type[Named],
    given: Mapping[str, str | None],
    name: str,
    at: str,
    problems: list[Problem],
    *,
    several: bool = False,
    also: Sequence[str] = (),
) -> tuple[Named, ...]:
    """Return the members of an enumeration that are named, or note a problem that says which there are.

    `also` are words that somebody else has read.
    """
    text = given[name]
    known = {str(one): one for one in kind}
    words = [] if text is None else text.split(",") if several else [text]
    if any(word not in known for word in words):
        message = f"is none of {', '.join((*known, *also))}"
        problems.append(Problem(path=f"{at}{name}", message=message, code="enum"))
    return tuple(known[word] for word in dict.fromkeys(words) if word in known)


def moment_of(
    given: Mapping[str, str | None], name: str, at: str, problems: list[Problem]
) -> datetime | None:
    """Return the moment that is given, or note a problem."""
    text = given[name]
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        problems.append(Problem(path=f"{at}{name}", message=str(error), code="bad_moment"))
        return None
