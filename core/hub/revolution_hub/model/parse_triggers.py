"""What starts a workflow: the list under `on` becomes triggers."""

from collections.abc import Callable

from revolution_hub.model import cron
from revolution_hub.model.reading import Reader, join
from revolution_hub.model.words import ANSWERS, AUTHS, MOST_TRIGGERS, SHORTEST_EVERY_S, TRIGGERS
from revolution_hub.model.workflow import Schedule, Trigger, TriggerKind
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
    connection = entry.get("connection")
    return Trigger(
        kind=TriggerKind.EVENT,
        path=path,
        event=reader.text(entry["event"], join(path, "event")),
        connection=reader.text(connection, join(path, "connection"), needed=False) or None,
    )


def _webhook(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    place = join(path, "webhook")
    settings = reader.object(entry["webhook"] or {}, place)
    reader.known_words(settings, ("auth", "answer"), place)
    return Trigger(
        kind=TriggerKind.WEBHOOK,
        path=path,
        auth=reader.one_of(settings.get("auth", AUTHS[0]), join(place, "auth"), AUTHS),
        answer=reader.one_of(settings.get("answer", ANSWERS[0]), join(place, "answer"), ANSWERS),
    )


def _schedule(reader: Reader, entry: JsonObject, path: str) -> Trigger:
    place = join(path, "schedule")
    which, settings = reader.choice(entry["schedule"], ("cron", "every"), place, beside=("timezone",))
    schedule = None
    if which == "every":
        if "timezone" in settings:
            reader.problem(join(place, "timezone"), "'timezone' belongs to a schedule with 'cron'")
        # A null is no duration here, as it would be where a default stands in.
        every = "" if settings["every"] is None else settings["every"]
        every_s = reader.duration(every, join(place, "every"), SHORTEST_EVERY_S, low=SHORTEST_EVERY_S)
        schedule = Schedule(every_s=every_s)
    elif which == "cron":
        timezone = reader.text(settings.get("timezone", "UTC"), join(place, "timezone"))
        schedule = Schedule(cron=_cron(reader, settings["cron"], join(place, "cron")), timezone=timezone)
    return Trigger(kind=TriggerKind.SCHEDULE, path=path, schedule=schedule)


def _cron(reader: Reader, value: Json, path: str) -> str:
    text = reader.text(value, path, longest=cron.LONGEST)
    wrong = cron.cron_problem(text) if text and len(text) <= cron.LONGEST else None
    if wrong is not None:
        reader.problem(path, wrong)
    return text


_READ: dict[TriggerKind, Callable[[Reader, JsonObject, str], Trigger]] = {
    TriggerKind.MANUAL: _manual,
    TriggerKind.EVENT: _event,
    TriggerKind.WEBHOOK: _webhook,
    TriggerKind.SCHEDULE: _schedule,
}
