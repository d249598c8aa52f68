"""A plugin with every bad manner: it hangs, spins, kills its process, and raises what it likes."""

import os
import signal
import subprocess
import time

from revolution_sdk import ActionContext, Connector, JsonObject, hookimpl
from revolution_sdk.schema import number, object_, string

hostile = Connector(
    "hostile", title="Hostile", description="Misbehaves on demand.", hosts=("hostile.example",)
)
_NOTHING = object_()
_DONE = object_(done=string())


@hostile.action(input=_NOTHING, output=_DONE, effect="read", timeout_s=2)
def hang_forever(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Sleep far beyond the deadline."""
    time.sleep(3600)
    return {"done": "late"}


@hostile.action(input=_NOTHING, output=_DONE, effect="read", timeout_s=2)
def spin_forever(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Use a whole core far beyond the deadline."""
    while True:
        pass


@hostile.action(input=_NOTHING, output=_DONE, effect="read", timeout_s=5)
def kill_process(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """End the worker without a word."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {"done": "never"}


@hostile.action(input=_NOTHING, output=_DONE, effect="once", timeout_s=5)
def kill_once(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """End the worker in the middle of something that must not happen twice."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {"done": "never"}


@hostile.action(input=object_(seconds=number(describe="how long")), output=_DONE, effect="read", timeout_s=60)
def take_time(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Sleep for some seconds and return."""
    time.sleep(value["seconds"])
    return {"done": "in time"}


@hostile.action(input=_NOTHING, output=_DONE, effect="read")
def raise_exit(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Try to end the interpreter the polite way."""
    raise SystemExit("secret-in-the-message")


@hostile.action(input=_NOTHING, output=_DONE, effect="read")
def show_environment(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Say what a process that is started from here would be handed."""
    names = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {"done": " ".join(one.partition("=")[0] for one in names)}


@hookimpl
def revolution_plugins() -> list[Connector]:
    return [hostile]
