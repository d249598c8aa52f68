"""Taps: what comes in is shown while it comes, for testing. Nothing that is started depends on it.

A look names where the one before it stopped, and what was seen just before that place: rows are committed
in another order than their ids were made in. So nothing is left out and nothing comes twice, however often
a look is repeated.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.access.rbac import require
from revolution_hub.engine.match import match
from revolution_hub.errors import DefinitionError, InputError, LimitError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.event import Event, Listener
from revolution_hub.model.event_names import is_asked_for
from revolution_hub.model.ids import first_id, new_id
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.services.triggers import listeners_for
from revolution_hub.store import audit, connections, hooks, taps, workflows
from revolution_hub.store.deliveries import Delivered
from revolution_hub.store.taps import SETTLED_S, Tap, Wanted
from revolution_hub.store.tx import Tx
from revolution_hub.template.near import did_you_mean

MOST_LIVE = 20
MOST_SEEN = 100
MOST_AT_ONCE = 50

_PLACE = re.compile(r"[0-9a-z]{26}(?:\.[0-9a-z]{26})*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTap:
    """What to look at: what a workflow would start on, its draft included, or an event type."""

    workflow_id: str | None = None
    event: str | None = None
    connection_id: str | None = None
    ttl_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came since the look before, in its order, and the cursor for the next look."""

    came: list[Event | Delivered]
    cursor: str


def create_tap(hub: Hub, principal: Principal, wanted: NewTap) -> Tap:
    """Begin to look. Raises LimitError `too_many_taps` if the tenant has as many as it may."""
    require(principal, "event:read")
    now = hub.now()
    _require_known(hub, wanted)
    tap = Tap(
        id=new_id("tap"),
        tenant_id=principal.tenant_id,
        workflow_id=wanted.workflow_id,
        event_type=wanted.event,
        connection_id=wanted.connection_id,
        made_by=principal.id,
        created_at=now,
        expires_at=now + timedelta(seconds=wanted.ttl_s),
    )
    with hub.store.begin(principal.tenant_id) as tx:
        if wanted.workflow_id is not None:
            workflows.get(tx, wanted.workflow_id)
        if wanted.connection_id is not None:
            connections.get(tx, wanted.connection_id)
        if taps.count_live(tx, now) >= MOST_LIVE:
            raise LimitError("remove a tap first, or let one expire", code="too_many_taps")
        taps.add(tx, tap)
        given = {"connection": wanted.connection_id, "event": wanted.event, "workflow": wanted.workflow_id}
        after = {name: value for name, value in given.items() if value is not None}
        audit.append(tx, entry_of(principal, "tap.create", tap.id, now, after=after))
    return tap


def look(hub: Hub, principal: Principal, tap_id: str, cursor: str | None) -> Look:
    """Return what came since a look, without one since the tap was made; NotFoundError if it is over."""
    require(principal, "event:read")
    now = hub.now()
    with hub.store.read(principal.tenant_id) as tx:
        tap = taps.get(tx, tap_id, now)
        place, *before = _read(cursor) if cursor is not None else [_behind(first_id("evt", tap.created_at))]
        seen = set(before)
        listeners = _listeners(hub, tx, tap)
        wanted = Wanted(names={str(one.event_type) for one in listeners}, hook_id=_hook_id(tx, tap))
        came, reached = taps.list_came(tx, wanted, place, MOST_SEEN + MOST_AT_ONCE)
    unseen = [(at, one) for at, one in came if at not in seen]
    # Everything before this has been committed, so that nothing can turn up there any more.
    settled = _behind(first_id("evt", now - timedelta(seconds=SETTLED_S)))
    room = room_for([at for at, _ in unseen], len(seen), settled)
    new, later = unseen[:room], unseen[room:]
    told = seen.union(at for at, _ in new)
    place, left = moved(place, told, [at for at, _ in later], min(settled, reached or settled))
    shown = [one for _, one in new if not isinstance(one, Event) or _is_meant(one, wanted, listeners)]
    return Look(came=shown, cursor=_written([place, *sorted(left)]))


def room_for(
    unseen: Sequence[str], seen: int, settled: str, *, at_once: int = MOST_AT_ONCE, most: int = MOST_SEEN
) -> int:
    """Return how many of what was not seen yet are told of now, so that no cursor grows beyond bounds.

    What is settled need not be remembered, so there is always room for it.
    """
    return min(at_once, max(most - seen, sum(at <= settled for at in unseen)))


def moved(place: str, told: set[str], later: Sequence[str], settled: str) -> tuple[str, set[str]]:
    """Return up to where a look need not go back any more, and what was told of behind that.

    Whatever is not told of yet stays behind the place, and so does all that is not `settled`: there others
    may still turn up.
    """
    end = settled
    if later:
        end = min(end, max((at for at in told if at < later[0]), default=place))
    place = max(place, end)
    return place, {at for at in told if at > place}


def remove_tap(hub: Hub, principal: Principal, tap_id: str) -> None:
    """Stop looking; raises NotFoundError if the tap is over."""
    require(principal, "event:read")
    with hub.store.begin(principal.tenant_id) as tx:
        taps.get(tx, tap_id, hub.now())
        taps.remove(tx, tap_id)
        audit.append(tx, entry_of(principal, "tap.remove", tap_id, hub.now()))


def _require_known(hub: Hub, wanted: NewTap) -> None:
    if (wanted.workflow_id is None) == (wanted.event is None):
        problem = Problem(path="", message="either workflow_id or event is needed", code="workflow_or_event")
        raise InputError("the body is not valid", [problem])
    names = hub.catalog.event_names()
    if wanted.event is not None and not is_asked_for(wanted.event, names):
        message = f"no installed plugin reports {wanted.event}{did_you_mean(wanted.event, names)}"
        raise InputError(
            "the body is not valid", [Problem(path="event", message=message, code="unknown_event")]
        )


def _listeners(hub: Hub, tx: Tx, tap: Tap) -> list[Listener]:
    """Return what would listen: for a workflow the triggers of its draft and of its published version."""
    if tap.workflow_id is None:
        return [
            Listener(
                tenant_id=tx.tenant_id,
                workflow_id="",
                version=0,
                kind="event",
                event_type=tap.event_type,
                connection_id=tap.connection_id,
            )
        ]
    found = workflows.listeners_of(tx, tap.workflow_id)
    try:
        draft = parse(workflows.get(tx, tap.workflow_id).document)
    except DefinitionError:
        # Somebody is in the middle of writing it.
        return [one for one in found if one.event_type is not None]
    found += listeners_for(hub, tx, draft, tap.workflow_id, 0)
    return [one for one in found if one.event_type is not None]


def _hook_id(tx: Tx, tap: Tap) -> str | None:
    hook = hooks.find(tx, tap.workflow_id) if tap.workflow_id is not None else None
    return hook.id if hook is not None else None


def _is_meant(event: Event, wanted: Wanted, listeners: list[Listener]) -> bool:
    return event.source_id == wanted.hook_id or bool(match(event, listeners))


def _behind(text: str) -> str:
    return text.partition("_")[2]


def _read(cursor: str) -> list[str]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    if not _PLACE.match(text):
        raise InputError("the cursor is not valid", [Problem(path="cursor", message="is none of ours")])
    return text.split(".")


def _written(places: list[str]) -> str:
    return base64.urlsafe_b64encode(".".join(places).encode()).decode()
