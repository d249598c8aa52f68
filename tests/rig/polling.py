"""A provider to be polled, two connectors that look at it, and what a worker does with their polls."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from revolution_hub.bus import poll as polling
from revolution_hub.services import polls
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_sdk import ActionContext, ApiKey, AppWebhook, Connector, Cursor, Delivery, Emitted, Polled
from revolution_sdk.schema import integer, object_

SEE = {"id": "see", "set": {"n": "{{ trigger.data.n }}"}}
EVERY_S = 60.0


@dataclass(slots=True)
class Provider:
    """What a provider would list, how it answers next, and the cursors it was asked with."""

    items: list[int] = field(default_factory=list)
    page: int = 100
    plays: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def look(self, ctx: ActionContext, cursor: Cursor) -> Any:
        self.asked.append(cursor.value)
        play = self.plays.pop(0) if self.plays else None
        if isinstance(play, BaseException):
            raise play
        if callable(play):
            return play(ctx, cursor)
        return play or self.answer(cursor)

    def answer(self, cursor: Cursor) -> Polled:
        if cursor.first:
            return Polled(cursor=max(self.items, default=0))
        newer = [one for one in sorted(self.items) if one > int(cursor.value)]
        some = newer[: self.page]
        return Polled(
            items=[{"n": one, "at": f"2026-11-22T00:00:{one % 60:02}Z"} for one in some],
            cursor=max(some, default=cursor.value),
            more=len(newer) > len(some),
        )


def provider_of(bench: Any) -> Provider:
    """Make a provider that two connectors look at: `feed`, and `shop`, which has a webhook as well."""
    made = Provider()

    def read(delivery: Delivery) -> list[Emitted]:
        return [
            Emitted(type="order.paid", account="acc_1", dedup_key=str(n), data={"n": n})
            for n in delivery.body
        ]

    feed = Connector("feed", title="Feed", base_url="https://api.feed.test", auth=ApiKey())
    hook = AppWebhook(verify=lambda delivery, secret: None, parse=read)
    shop = Connector("shop", title="Shop", base_url="https://api.shop.test", auth=ApiKey(), webhook=hook)
    for connector in (feed, shop):
        event = connector.event(
            "order.paid", title="Paid", data=object_(open_=True), canonical="crm.deal.updated"
        )

        @connector.poll(
            event, every=timedelta(seconds=EVERY_S), id=lambda item: str(item["n"]), cursor=integer(), at="at"
        )
        def poll_orders(ctx: ActionContext, cursor: Cursor) -> Polled:
            """Look for orders."""
            return made.look(ctx, cursor)  # type: ignore[no-any-return]

        bench.hub.catalog.add(connector)
    return made


def listen(bench: Any, event: str = "feed.order.paid", **more: Any) -> str:
    """Publish a workflow that listens; returns its id."""
    return str(bench.publish(SEE, on=[{"event": event, **more}]).workflow.id)


def look(bench: Any, *, most: int = 20) -> int:
    """Look for everything that is due, as a worker does; returns how many looks were kept."""
    kept = 0
    for _ in range(most):
        claimed = polling.claim(bench.hub, 10)
        if not claimed:
            bench.work()
            return kept
        kept += sum(polling.look(bench.hub, one) for one in claimed)
    raise AssertionError("there is always another poll due")


def later(bench: Any, seconds: float = EVERY_S) -> int:
    """Let time pass, and look."""
    bench.clock.advance(seconds)
    return look(bench)


def only(bench: Any) -> Any:
    """Return the only poll as a person sees it."""
    ((listed,), _) = polls.list_polls(bench.hub, bench.principal, Page())
    return listed


def seen(bench: Any) -> list[int]:
    """Return what executions were started with, in their order."""
    with bench.hub.store.read_across() as tx:
        triggers = tx.conn.execute(sa.select(t.executions.c.trigger).order_by(t.executions.c.id)).scalars()
        return [one["data"]["n"] for one in triggers]
