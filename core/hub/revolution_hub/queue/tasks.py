"""The broker inside a worker process, and its one actor."""

from collections.abc import Callable

import dramatiq
from dramatiq.brokers.stub import StubBroker

QUEUE = "executions"


def make_broker() -> StubBroker:
    """Return an in-process broker without middleware: no retries, no delays, no time limits of its own."""
    return StubBroker(middleware=[])


def declare_drive_next(broker: StubBroker, drive_next: Callable[[], None]) -> Callable[[], None]:
    """Declare the actor that drives the next claimed execution; returns the function that sends a task."""
    actor = dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name="drive_next")(drive_next)

    def send() -> None:
        actor.send()

    return send
