"""What starts a workflow: the list under `on` becomes triggers."""

from collections.abc import Callable

from revolution_hub.model.parse_schedule import read_schedule
from revolution_hub.model.parse_webhook import read_webhook
from revolution_hub.model.reading import Reader, join
from revolution_hub.model.words import LONGEST_TEXT, MOST_TRIGGERS, TRIGGERS
from revolution_hub.model.workflow import Trigger, TriggerKind
from revolution_sdk.types import Json, JsonObject


def read_triggers(reader: Reader, value: Json) -> tuple[Trigger, ...]:
    """Return the triggers under `on`, each an object or the bare name of its kind."""
    found: list[Trigger] = []
    items = reader.list_(value, "on")
    if len(items) > MOST_TRIGGERS:
        reader.problem("on", f"a workflow has at most {MOST_TRIGGERS} triggers")
        return ()
    for index, item in enumerate(items):
        path = f"on[{index}]"
        entry = {item: {}} if isinstance(item, str) else reader.object(item, path)
        kinds = [kind for kind in TRIGGERS if kind in entry]
        if len(kinds) != 1:
            words = ", ".join(TRIGGERS)
            reader.problem(path, f"name exactly one kind of trigger: {words}", "unknown_word")
            continue
        reader.known_words(entry, TRIGGERS[kinds[0]], path)
        if kinds[0] is TriggerKind.WEBHOOK and any(one.kind is TriggerKind.WEBHOOK for one in found):
            reader.problem(path, "a workflow has at most one webhook trigger")
        found.append(_READ[kinds[0]](reader, entry, path))
    return tuple(found)


def _manual(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    reader.known_words(reader.object(entry["manual"] or {}, path), (), join(path, "manual"))
    return Trigger(kind=TriggerKind.MANUAL, path=path)


def _event(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    connection, where = entry.get("connection"), join(path, "where")
    return Trigger(
        kind=TriggerKind.EVENT,
        path=path,
        event=reader.text(entry["event"], join(path, "event")),
        connection=reader.text(connection, join(path, "connection"), needed=False) or None,
        where=reader.template(entry["where"], where, longest=LONGEST_TEXT) if "where" in entry else None,
    )


def _webhook(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    webhook = read_webhook(reader, entry["webhook"] or {}, join(path, "webhook"))
    return Trigger(kind=TriggerKind.WEBHOOK, path=path, webhook=webhook)


def _schedule(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    schedule = read_schedule(reader, entry["schedule"], join(path, "schedule"))
    return Trigger(kind=TriggerKind.SCHEDULE, path=path, schedule=schedule)


_READ: dict[TriggerKind, Callable[[Reader, JsonObject, str], Trigger]] = {
    TriggerKind.MANUAL: _manual,
    TriggerKind.EVENT: _event,
    TriggerKind.WEBHOOK: _webhook,
    TriggerKind.SCHEDULE: _schedule,
}
