"""limits: how much of anything one execution may hold. Each refusal names the limit and its setting."""

from revolution_hub.errors import LimitError
from revolution_hub.settings import PREFIX, Settings


def require_payload(settings: Settings, size: int, what: str = "the payload") -> None:
    """Raise LimitError if `what`, which takes `size` bytes as JSON, is more than may be recorded."""
    most = settings.payload_bytes
    _require(
        "payload_bytes",
        size,
        most,
        f"{what} has {size:,} bytes as JSON; a trigger, input, output or answer has at most {most:,}",
    )


def require_steps(settings: Settings, count: int) -> None:
    """Raise LimitError if an execution would hold more step executions than it may."""
    most = settings.execution_steps
    _require(
        "execution_steps",
        count,
        most,
        f"the execution comes to {count:,} step executions; one execution has at most {most:,}",
    )


def require_items(settings: Settings, count: int) -> None:
    """Raise LimitError if a list has more items than a `for_each` takes."""
    most = settings.loop_items
    _require("loop_items", count, most, f"the list has {count:,} items; a for_each takes at most {most:,}")


def require_depth(settings: Settings, depth: int) -> None:
    """Raise LimitError if an execution with `depth` ancestors is nested too deep."""
    most = settings.call_depth
    _require(
        "call_depth",
        depth,
        most,
        f"the execution would be nested {depth:,} deep; executions are nested at most {most:,} deep",
    )


def require_emits(settings: Settings, depth: int) -> None:
    """Raise LimitError if `depth` events would have led to one another, each emitted because of the last."""
    most = settings.emit_depth
    _require(
        "emit_depth",
        depth,
        most,
        f"the event would be number {depth:,} in a chain of events that start what emits the next one; "
        f"at most {most:,} follow from one another",
    )


def _require(limit: str, value: int, most: int, message: str) -> None:
    if value > most:
        raise LimitError.of_setting(PREFIX + limit.upper(), value, most, message)
