"""Events: the log of what came in, with what each started and why not, and the deliveries behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from revolution_hub.access.rbac import decide, require
from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.event import DeliveryMark, Event
from revolution_hub.model.principal import Principal
from revolution_hub.store import apps, deliveries, events
from revolution_hub.store.deliveries import Delivered
from revolution_hub.store.events import EventFilter, StartedBy
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An event with what it started."""

    event: Event
    started: list[StartedBy]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDelivery:
    """A delivery; one that reported what was known names the events it reported."""

    delivery: Delivered
    duplicate_of: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail:
    """An event with what it started, the delivery it came in, and those that reported it once more.

    There is no `delivery` if none brought it, or if it belongs to somebody else: one to an app of the
    installation may hold what is another tenant's.
    """

    logged: Logged
    delivery: Delivered | None
    duplicates: list[tuple[str, datetime]]


DeadLetter = Logged | LoggedDelivery
"""What somebody should look at: an event of which an execution failed, or an unreadable delivery."""


def list_events(
    hub: Hub, principal: Principal, page: Page, wanted: EventFilter
) -> tuple[list[Logged], str | None]:
    """Return one page of events and the cursor for the next; a page may have fewer than there is room for."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        found, cursor = events.list_page(tx, page, wanted)
        return _logged(tx, found), cursor


def get_event(hub: Hub, principal: Principal, event_id: str) -> EventDetail:
    """Return an event with all that is known of it, or raise NotFoundError."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        event = events.get(tx, event_id, strict=False)
        (logged,) = _logged(tx, [event])
        return EventDetail(
            logged=logged,
            delivery=deliveries.find(tx, event.delivery_id, _apps(tx, principal)),
            duplicates=events.list_duplicates(tx, event_id),
        )


def list_deliveries(
    hub: Hub,
    principal: Principal,
    page: Page,
    *,
    mark: DeliveryMark | None = None,
    app_id: str | None = None,
) -> tuple[list[LoggedDelivery], str | None]:
    """Return one page of deliveries to the tenant's webhooks and its own apps, and the cursor for the next.

    Those to the installation's apps are for whoever may share apps.
    """
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        found, cursor = deliveries.list_page(tx, page, _apps(tx, principal), mark=mark, app_id=app_id)
        return _reported(tx, found), cursor


def get_delivery(hub: Hub, principal: Principal, delivery_id: str) -> LoggedDelivery:
    """Return a delivery without its body, or raise NotFoundError."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        delivery = deliveries.find(tx, delivery_id, _apps(tx, principal))
        if delivery is None:
            raise NotFoundError("there is no such delivery")
        return _reported(tx, [delivery])[0]


def read_body(hub: Hub, principal: Principal, delivery_id: str) -> bytes:
    """Return a delivery's body as it came, or raise NotFoundError."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        body = deliveries.find_body(tx, delivery_id, _apps(tx, principal))
    if body is None:
        raise NotFoundError("there is no such delivery")
    return body


def list_dead_letters(hub: Hub, principal: Principal, page: Page) -> tuple[list[DeadLetter], str | None]:
    """Return one page of what somebody should look at, by the time it came or was started, and the cursor."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        failed, more_failed = events.list_failed(tx, page, EventFilter())
        mine = _apps(tx, principal)
        unread, more_unread = deliveries.list_page(tx, page, mine, mark=DeliveryMark.UNPARSEABLE)
        ids = [event_id for _, event_id in failed]
        logged = {one.event.id: one for one in _logged(tx, list(events.list_by_ids(tx, ids).values()))}
        letters: list[tuple[str, DeadLetter]] = [(key, logged[one]) for key, one in failed if one in logged]
        letters += [(one.delivery.id, one) for one in _reported(tx, unread)]
    return _merged(page, letters, more_failed, more_unread)


def _merged(
    page: Page, letters: Sequence[tuple[str, DeadLetter]], *ends: str | None
) -> tuple[list[DeadLetter], str | None]:
    """Return a page of what two lists hold, each of which was looked through as far as its end, None: whole.

    Ids of different kinds sort by the moment behind their prefix.
    """
    nearest = max if page.newest_first else min
    reached = nearest((one.partition("_")[2] for one in ends if one is not None), default=None)
    known = []
    for key, letter in letters:
        behind = key.partition("_")[2]
        if reached is None or nearest(behind, reached) == behind:
            known.append((behind, letter))
    known.sort(key=lambda one: one[0], reverse=page.newest_first)
    last = known[page.limit - 1][0] if len(known) > page.limit else reached
    return [one for _, one in known[: page.limit]], f"evt_{last}" if last else None


def _logged(tx: Tx, found: Sequence[Event]) -> list[Logged]:
    started: dict[str, list[StartedBy]] = {}
    for one in events.list_started(tx, [event.id for event in found]):
        started.setdefault(one.event_id, []).append(one)
    return [Logged(event=one, started=started.get(one.id, [])) for one in found]


def _reported(tx: Tx, found: Sequence[Delivered]) -> list[LoggedDelivery]:
    known = events.first_of_delivery(tx, [one.id for one in found])
    return [LoggedDelivery(delivery=one, duplicate_of=known.get(one.id, [])) for one in found]


def _apps(tx: Tx, principal: Principal) -> list[str]:
    return apps.list_owned(tx, shared=decide(principal, "app:share").allowed)
