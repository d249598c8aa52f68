"""A connector with an action of every effect, one made of sub-steps, and one that takes its process down."""

import ctypes
import os
import resource
import signal
import time
from datetime import timedelta

from revolution_sdk import (
    ActionContext,
    ApiKey,
    Connector,
    Cursor,
    JsonObject,
    Polled,
    RejectedError,
    hookimpl,
)
from revolution_sdk.http import raise_for_status
from revolution_sdk.schema import array, integer, number, object_, string

ledger = Connector(
    "ledger",
    title="Ledger",
    description="Keeps entries, and counts how often it was asked to.",
    auth=ApiKey(),
    base_url="https://api.ledger.example",
)
_NOTE = object_(note=string())
_ENTRY = object_(note=string(), entry=integer())
TIMEOUT_S = 20
BLOCK = 64 * 1024 * 1024


def _headers(ctx: ActionContext) -> dict[str, str]:
    return {"x-key": ctx.idempotency_key}


@ledger.action(input=_NOTE, output=object_(note=string(), length=integer()), effect="pure")
def measure_note(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Count the characters of a note."""
    return {"note": value["note"], "length": len(value["note"])}


@ledger.action(input=_NOTE, output=_ENTRY, effect="read", timeout_s=TIMEOUT_S)
def get_entry(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Look at the ledger."""
    answer = ctx.http.get("/read", params=value, headers=_headers(ctx))
    return dict(raise_for_status(answer).json())


@ledger.action(input=_NOTE, output=_ENTRY, effect="repeatable", timeout_s=TIMEOUT_S)
def put_entry(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Enter a note under the step's own key; the ledger keeps one entry for each key."""
    answer = ctx.http.put("/repeatable", json=value, headers=_headers(ctx))
    return dict(raise_for_status(answer).json())


@ledger.action(input=_NOTE, output=_ENTRY, effect="once", timeout_s=TIMEOUT_S)
def add_entry(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Add a note; each call adds one, and none can be found again."""
    answer = ctx.http.post("/once", json=value, headers=_headers(ctx))
    return dict(raise_for_status(answer).json())


@ledger.action(input=_NOTE, output=_ENTRY, effect="pure")
def refuse_entry(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Refuse the note."""
    raise RejectedError("the ledger takes no such note", code="refused")


@ledger.action(input=object_(seconds=number()), output=object_(seconds=number()), effect="read")
def sit_still(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Take so many seconds, as a provider would, without one."""
    time.sleep(value["seconds"])
    return {"seconds": value["seconds"]}


@ledger.action(
    input=_NOTE, output=object_(entries=array(integer())), effect="repeatable", timeout_s=TIMEOUT_S
)
def add_entries(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Add a note three times, each as a sub-step of its own."""
    made = [ctx.call("ledger.add_entry", value, name=f"entry-{number}") for number in (1, 2, 3)]
    return {"entries": ctx.record("entries", lambda: [one["entry"] for one in made])}


entry_made = ledger.event("entry.made", title="Entry made", data=object_(number=integer()))


@ledger.poll(entry_made, every=timedelta(minutes=5), id="number", cursor=integer(), timeout_s=TIMEOUT_S)
def poll_entries(ctx: ActionContext, cursor: Cursor) -> Polled:
    """Look how many entries the ledger has."""
    answer = raise_for_status(ctx.http.get("/read", params={"note": "poll"}, headers=_headers(ctx)))
    count = int(answer.json()["entry"])
    items = [] if cursor.first else [{"number": number} for number in range(int(cursor.value), count)]
    return Polled(items=items, cursor=count)


@ledger.action(input=object_(note=string(), how=string()), output=_ENTRY, effect="read")
def end_process(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Take the whole process down: `kill`, `segfault`, or ask for more `memory` than there is."""
    match value["how"]:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            ctypes.string_at(0)
        case "memory":
            _use_up_memory()
    raise RejectedError("the process is still alive")


def _use_up_memory() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * BLOCK, before[1]))
    blocks = []
    try:
        while True:
            blocks.append(bytearray(BLOCK))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@hookimpl
def revolution_plugins() -> list[Connector]:
    return [ledger]
