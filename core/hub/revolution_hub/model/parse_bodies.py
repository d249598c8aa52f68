"""What stands under the word of a step's work, as the engine is given it in `Step.body`."""

from collections.abc import Callable

from revolution_hub.model.answer import HEADERS, header_named, location_problem
from revolution_hub.model.durations import duration_s
from revolution_hub.model.reading import Reader, is_name, join
from revolution_hub.model.time import parse_moment
from revolution_hub.model.words import EMIT, FINISH, LONGEST_TEXT, RESPOND, STATUSES, WAITS
from revolution_hub.model.workflow import StepKind
from revolution_sdk.types import Json, JsonObject


def read_body(reader: Reader, kind: StepKind, entry: JsonObject, path: str) -> JsonObject:
    """Return what a step of this kind needs, as written; a literal duration is a number of seconds."""
    return _READ[kind](reader, entry, path)


def _inputs(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    return _object(reader, entry.get("with"), join(path, "with"))


def _nothing(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    return {}


def _switch(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    return {"value": reader.template(entry["switch"], join(path, "switch"), longest=LONGEST_TEXT)}


def _for_each(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    items, place = entry["for_each"], join(path, "for_each")
    if isinstance(items, str):
        reader.template(items, place, longest=LONGEST_TEXT)
    elif not isinstance(items, list):
        reader.problem(place, "a list, or one {{ expression }} that gives a list, is needed here")
    return {"items": items} | ({"result": entry["result"]} if "result" in entry else {})


def _wait(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    place = join(path, "wait")
    word, body = reader.choice(entry["wait"], WAITS, place)
    if word is None:
        return {}
    if word != "callback" and "timeout" in entry:
        reader.problem(join(path, "timeout"), "'timeout' belongs to a wait for a callback")
    return {word: _WAITS[word](reader, body[word], join(place, word))}


def _wait_for(reader: Reader, value: Json, path: str) -> Json:
    if isinstance(value, str) and "{{" in value:
        return reader.template(value, path, longest=LONGEST_TEXT)
    try:
        return duration_s(value)
    except ValueError as error:
        reader.problem(path, str(error))
        return value


def _wait_until(reader: Reader, value: Json, path: str) -> Json:
    text = reader.text(value, path, longest=LONGEST_TEXT)
    if text and "{{" not in text and not _is_moment(text):
        reader.problem(path, "write a moment with its zone, such as 2027-01-31T08:00:00Z, or a template")
    return text


def _is_moment(text: str) -> bool:
    try:
        parse_moment(text)
    except ValueError:
        return False
    return True


def _wait_callback(reader: Reader, value: Json, path: str) -> Json:
    reader.known_words(_object(reader, value, path), (), path)
    return {}


def _set(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    body = _object(reader, entry["set"], join(path, "set"))
    for name in body:
        if not is_name(name):
            reader.problem(join(path, f"set.{name[:80]}"), "a name is lower case, digits, underscores")
    return body


def _emit(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    place = join(path, "emit")
    body = _object(reader, entry["emit"], place)
    reader.known_words(body, EMIT, place)
    data = body.get("data", {})
    if isinstance(data, str):
        reader.template(data, join(place, "data"), longest=LONGEST_TEXT)
    else:
        reader.object(data, join(place, "data"))
    if "key" in body:
        reader.text(body["key"], join(place, "key"), longest=LONGEST_TEXT)
    return {name: body[name] for name in ("data", "key") if name in body}


def _respond(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    body = _object(reader, entry["respond"], join(path, "respond"))
    reader.known_words(body, RESPOND, join(path, "respond"))
    reader.whole(body.get("status"), join(path, "respond.status"), 200, 599, 200)
    if body.get("headers") is not None:
        _answer_headers(reader, body["headers"], join(path, "respond.headers"))
    return body


def _answer_headers(reader: Reader, value: Json, path: str) -> None:
    for name, text in reader.object(value, path).items():
        place, written = join(path, name), header_named(name)
        if written is None:
            reader.problem(place, f"an answer may have these headers: {', '.join(HEADERS)}", "unknown_word")
        elif isinstance(text, bool) or not isinstance(text, str | int | float | None):
            reader.problem(place, "a text is needed here")
        elif written == "Location":
            wrong = location_problem(reader.text(text, place, longest=LONGEST_TEXT))
            if wrong is not None and text:
                reader.problem(place, wrong)
        elif isinstance(text, str):
            reader.text(text, place, longest=LONGEST_TEXT)


def _finish(reader: Reader, entry: JsonObject, path: str) -> JsonObject:
    body = _object(reader, entry["finish"], join(path, "finish"))
    reader.known_words(body, FINISH, join(path, "finish"))
    reader.one_of(body.get("status", STATUSES[0]), join(path, "finish.status"), STATUSES)
    return body


def _object(reader: Reader, value: Json, path: str) -> JsonObject:
    return {} if value is None else reader.object(value, path)


_WAITS: dict[str, Callable[[Reader, Json, str], Json]] = {
    "for": _wait_for,
    "until": _wait_until,
    "callback": _wait_callback,
}

_READ: dict[StepKind, Callable[[Reader, JsonObject, str], JsonObject]] = {
    StepKind.ACTION: _inputs,
    StepKind.CALL: _inputs,
    StepKind.BRANCH: _nothing,
    StepKind.PARALLEL: _nothing,
    StepKind.SWITCH: _switch,
    StepKind.FOR_EACH: _for_each,
    StepKind.WAIT: _wait,
    StepKind.EMIT: _emit,
    StepKind.SET: _set,
    StepKind.RESPOND: _respond,
    StepKind.FINISH: _finish,
}
