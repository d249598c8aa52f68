"""polled: what a poll has returned becomes items with keys, or an error that says what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

from jsonschema import Draft202012Validator

from revolution_hub.engine.call import guarded, storable
from revolution_hub.engine.emitted import LONGEST_KEY
from revolution_hub.errors import PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.strict_json import dump_json
from revolution_sdk import Connector, Poll, Polled
from revolution_sdk.types import Json, JsonObject

MOST_ITEMS = 1_000
"""So many items one look may return; a provider with more has further pages, which `more` says."""
LARGEST_CURSOR = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One happening that was found. Two with the same key are one."""

    key: str
    data: JsonObject
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one look has found, and where the next one goes on."""

    items: tuple[Item, ...]
    cursor: Json
    more: bool


def read_polled(hub: Hub, connector: Connector, poll: Poll, answer: object) -> Found:
    """Return a copy of what a poll has returned; raise PluginError `output_invalid` if it breaks its word."""
    name = f"{connector.name}.{poll.name}"
    if not isinstance(answer, Polled):
        raise _invalid(f"{name} returned no Polled")
    if len(answer.items) > MOST_ITEMS:
        raise _invalid(f"{name} returned more than {MOST_ITEMS:,} items at once; return pages, with `more`")
    cursor = storable(hub, answer.cursor, f"the cursor of {name}", "output_invalid")
    if cursor is None or not Draft202012Validator(poll.cursor).is_valid(cursor):
        raise _invalid(f"{name} returned a cursor its own schema refuses")
    if len(dump_json(cursor)) > LARGEST_CURSOR:
        raise _invalid(f"{name} returned a cursor of more than {LARGEST_CURSOR:,} bytes")
    items: dict[str, Item] = {}
    for one in answer.items:
        item = _item(hub, name, poll, one)
        items.setdefault(item.key, item)
    return Found(items=tuple(items.values()), cursor=cursor, more=bool(answer.more))


def _item(hub: Hub, name: str, poll: Poll, value: object) -> Item:
    data = storable(hub, value, f"an item of {name}", "output_invalid")
    if not isinstance(data, dict):
        raise _invalid(f"{name} returned an item that is no object")
    key = guarded(lambda: poll.id_of(data))
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        raise _invalid(f"{name} returned an item whose id is not a text of 1 to {LONGEST_KEY} characters")
    storable(hub, key, f"the id of an item of {name}", "output_invalid")
    return Item(key=key, data=data, occurred_at=guarded(lambda: poll.occurred_at(data)))


def _invalid(message: str) -> PluginError:
    return PluginError(message, code="output_invalid")
