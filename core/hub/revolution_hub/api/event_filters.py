"""Which events are wanted, as a query and as part of a body: the same names and values in both."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import Field

from revolution_hub.api.doors import Model
from revolution_hub.api.filters import moment_of, named_of
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.event import EventOutcome, EventSource
from revolution_hub.model.json_path import LONGEST, parse_path
from revolution_hub.services.event_replays import MOST_IDS, Chosen
from revolution_hub.store.events import EventFilter

_TYPE = "only of this type, or of a group such as crm.contact.*"
_CANONICAL = "only with this canonical name"
_SOURCE = "only come in this way: webhook, app, api, step or poll"
_SOURCE_ID = "only come by this hook or provider app"
_STATUS = "only with this outcome, or failed: those of which an execution has failed"
_AFTER = "only received at this moment or later"
_BEFORE = "only received before this moment"
_PATH = "a member of the data, such as $.contact.email; with value"
_VALUE = "what the member at path reads like"
_FAILED = "failed"


class EventFilterBody(Model):
    """The filters of the list of events, by the names and with the values they have there."""

    type: str | None = Field(default=None, max_length=200, description=_TYPE)
    canonical: str | None = Field(default=None, max_length=200, description=_CANONICAL)
    connector: str | None = Field(default=None, max_length=100, description="only of this connector")
    connection_id: str | None = Field(default=None, max_length=40, description="only through this connection")
    source: str | None = Field(default=None, max_length=20, description=_SOURCE)
    source_id: str | None = Field(default=None, max_length=40, description=_SOURCE_ID)
    status: str | None = Field(default=None, max_length=20, description=_STATUS)
    received_after: str | None = Field(default=None, max_length=64, description=_AFTER)
    received_before: str | None = Field(default=None, max_length=64, description=_BEFORE)
    path: str | None = Field(default=None, max_length=LONGEST, description=_PATH)
    value: str | None = Field(default=None, max_length=1000, description=_VALUE)


class ChosenBody(Model):
    """Events by their ids or by a filter, one of both."""

    ids: list[Annotated[str, Field(max_length=40)]] | None = Field(
        default=None, min_length=1, max_length=MOST_IDS, description="these events"
    )
    filter: EventFilterBody | None = Field(default=None, description="those the list would show")


def event_filter_of(
    type: Annotated[str | None, Query(max_length=200, description=_TYPE)] = None,
    canonical: Annotated[str | None, Query(max_length=200, description=_CANONICAL)] = None,
    connector: Annotated[str | None, Query(max_length=100, description="only of this one")] = None,
    connection_id: Annotated[str | None, Query(max_length=40, description="only through this one")] = None,
    source: Annotated[str | None, Query(max_length=20, description=_SOURCE)] = None,
    source_id: Annotated[str | None, Query(max_length=40, description=_SOURCE_ID)] = None,
    status: Annotated[str | None, Query(max_length=20, description=_STATUS)] = None,
    received_after: Annotated[str | None, Query(max_length=64, description=_AFTER)] = None,
    received_before: Annotated[str | None, Query(max_length=64, description=_BEFORE)] = None,
    path: Annotated[str | None, Query(max_length=LONGEST, description=_PATH)] = None,
    value: Annotated[str | None, Query(max_length=1000, description=_VALUE)] = None,
) -> EventFilter:
    """Return which events are asked for; raises InputError with everything that is wrong."""
    return _filter(locals(), "")


EventFilterDep = Annotated[EventFilter, Depends(event_filter_of)]


def chosen_of(body: ChosenBody) -> Chosen:
    """Return which events a body names; raises InputError unless it says so in one way."""
    if (body.ids is None) == (body.filter is None):
        problem = Problem(path="", message="either ids or a filter is needed", code="ids_or_filter")
        raise InputError("the body is not valid", [problem])
    if body.filter is None:
        return Chosen(ids=tuple(body.ids or ()))
    return Chosen(wanted=_filter(body.filter.model_dump(), "filter."))


def _filter(given: Mapping[str, str | None], at: str) -> EventFilter:
    problems: list[Problem] = []
    failed = given["status"] == _FAILED
    outcomes = () if failed else named_of(EventOutcome, given, "status", at, problems, also=(_FAILED,))
    sources = named_of(EventSource, given, "source", at, problems)
    found = EventFilter(
        type=given["type"],
        canonical=given["canonical"],
        connector=given["connector"],
        connection_id=given["connection_id"],
        source=sources[0] if sources else None,
        source_id=given["source_id"],
        outcome=outcomes[0] if outcomes else None,
        after=moment_of(given, "received_after", at, problems),
        before=moment_of(given, "received_before", at, problems),
        failed=failed,
        **_path_of(given, at, problems),
    )
    if problems:
        raise InputError("the request is not valid", problems)
    return found


def _path_of(given: Mapping[str, str | None], at: str, problems: list[Problem]) -> dict[str, Any]:
    path, value = given["path"], given["value"]
    if path is None and value is None:
        return {}
    if path is None or value is None:
        missing = "path" if path is None else "value"
        problems.append(Problem(path=f"{at}{missing}", message="path and value go together", code="required"))
        return {}
    try:
        return {"path": parse_path(path), "value": value}
    except ValueError as error:
        problems.append(Problem(path=f"{at}path", message=str(error), code="bad_path"))
        return {}
