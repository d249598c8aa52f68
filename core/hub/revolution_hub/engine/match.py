"""match: which listeners ask for an event, by its names and its connection, and whether their filter lets
it pass. Pure.

Listeners are found under the name they ask for, wildcards included: an event is looked up under each of its
names and under every wildcard above them, so that nobody goes through all that listen.
"""

from collections.abc import Iterable
from datetime import datetime

from revolution_hub.errors import TemplateError
from revolution_hub.model.event import Event, Listener, PassedOver
from revolution_hub.model.event_names import names_above
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_condition, evaluate_condition
from revolution_sdk.types import JsonObject

FILTER_LIMITS = Limits(output_chars=200_000, steps=5_000, seconds=0.25)
"""What one filter may cost: it is looked at while somebody waits for the event to be taken in."""


def names_of(event: Event) -> list[str]:
    """Return every name under which somebody may listen to this event."""
    names = [*names_above(event.type), *(names_above(event.canonical) if event.canonical else ())]
    return list(dict.fromkeys(names))


def match(event: Event, listeners: Iterable[Listener]) -> list[Listener]:
    """Return the listeners of the event's tenant that ask for one of its names.

    A listener may ask for one connection. A workflow may be there more than once.
    """
    names = set(names_of(event))
    return [
        one
        for one in listeners
        if one.tenant_id == event.tenant_id
        and one.event_type in names
        and (one.connection_id is None or one.connection_id == event.connection_id)
    ]


def listening_to(listeners: Iterable[Listener], connection_id: str) -> list[Listener]:
    """Return the listeners that want what comes through this connection."""
    return [one for one in listeners if one.connection_id in (None, connection_id)]


def passed_over(where: str, trigger: JsonObject, now: datetime) -> JsonObject | None:
    """Return why a filter keeps an event from a workflow, None if it lets it pass.

    A filter that cannot be evaluated lets nothing pass, and says what is wrong.
    """
    try:
        holds = evaluate_condition(compile_condition(where), {"trigger": trigger}, FILTER_LIMITS, now)
    except TemplateError as error:
        return {"reason": str(PassedOver.FILTER_FAILED), "message": error.pointed()}
    return None if holds else {"reason": str(PassedOver.FILTERED)}
