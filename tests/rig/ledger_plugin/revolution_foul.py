"""A connector with bad manners: it raises anything, hangs in every way, and returns far too much."""

import ctypes
import re
import time
from contextlib import suppress

from revolution_sdk import ActionContext, Connector, JsonObject, RejectedError, hookimpl
from revolution_sdk.schema import array, integer, object_, string

foul = Connector("foul", title="Foul", description="Misbehaves on demand.", hosts=("foul.example",))
_DONE = object_(done=string())
LONG_S = 600
TEN_MB = 10_000_000


class Own(BaseException):
    """No Exception at all."""


class Unsayable(Exception):
    """Its text raises."""

    def __str__(self) -> str:
        raise RuntimeError("there is no text")


@foul.action(input=object_(note=string(), what=string()), output=_DONE, effect="read")
def raise_it(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Raise `what`, with the note in its message where it has one."""
    note = value["note"]
    raise {
        "base_exception": Own(note),
        "system_exit": SystemExit(note),
        "keyboard_interrupt": KeyboardInterrupt(note),
        "unsayable": Unsayable(note),
        "long_message": RuntimeError(note * (TEN_MB // len(note))),
        "long_refusal": RejectedError("no " * (TEN_MB // 3), details={"more": "x" * TEN_MB}),
    }[value["what"]]


def _hang(how: str) -> None:
    match how:
        case "sleep":
            time.sleep(LONG_S)
        case "spin":
            while True:
                pass
        case "swallow":
            while True:
                with suppress(BaseException):
                    time.sleep(0.1)
        case "pattern":
            # Keeps the interpreter's lock all the while.
            re.match(r"(a+)+$", "a" * 40 + "b")
        case "foreign":
            ctypes.PyDLL(None).sleep(LONG_S)


@foul.action(input=object_(note=string(), how=string()), output=_DONE, effect="read", timeout_s=60)
def hang_forever(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Hang far beyond every deadline, in the way asked for."""
    _hang(value["how"])
    return {"done": "late"}


@foul.action(input=object_(note=string(), how=string()), output=_DONE, effect="once", timeout_s=60)
def hang_once(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Hang in something that must not be repeated."""
    _hang(value["how"])
    return {"done": "late"}


@foul.action(input=object_(count=integer()), output=object_(items=array(integer())), effect="pure")
def list_many(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Return a list of so many numbers."""
    return {"items": list(range(value["count"]))}


@foul.action(input=object_(bytes=integer()), output=object_(text=string()), effect="pure")
def write_much(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Return a text of so many bytes."""
    return {"text": "x" * value["bytes"]}


@hookimpl
def revolution_plugins() -> list[Connector]:
    return [foul]
