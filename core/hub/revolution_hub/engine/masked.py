"""masked: what a call leaves behind, with the secrets taken out that were opened for it.

Results, errors, sub-steps, reported events and lines of the log all pass through one masker per call. It
hears of a secret when the vault opens or seals it, whichever thread of the connector's asks for it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from revolution_hub.egress.transport import Authorize
from revolution_hub.errors import HubError
from revolution_hub.model.masking import Masker, listening, masker_of, number_of
from revolution_sdk import Secret
from revolution_sdk.errors import ConnectorError
from revolution_sdk.types import Json, JsonObject


class Heard:
    """Authentication whose secrets a masker hears of, in whatever thread a request is made."""

    def __init__(self, inner: Authorize, masker: Masker) -> None:
        self._inner = inner
        # The connector is handed this, and a masker is made of secrets.
        self._number = number_of(masker)

    def headers(self) -> Mapping[str, str]:
        """Return the headers to send now; what stands in them is a secret, too."""
        masker = masker_of(self._number)
        with listening(masker):
            found = self._inner.headers()
        for value in found.values():
            masker.note(value.rpartition(" ")[2])
        return found

    def refresh(self) -> bool:
        """Get a new token, if there is one to be had."""
        with listening(masker_of(self._number)):
            return self._inner.refresh()


def hearing(masker: Masker, give: Callable[[str], Secret]) -> Callable[[str], Secret]:
    """Return the function, of whose secrets a masker hears, in whatever thread it is called."""

    number = number_of(masker)

    def heard(field: str) -> Secret:
        with listening(masker_of(number)):
            return give(field)

    return heard


class Capabilities(Protocol):
    """What stands behind `ctx.call`, `ctx.record` and `ctx.emit`."""

    def call(self, action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
        """Run another action once."""

    def record(self, name: str, make: Callable[[], Json]) -> Json:
        """Run a function once."""

    def emit(self, type: str, data: JsonObject, *, key: str = "") -> None:
        """Report an event."""


class Masked:
    """Capabilities that keep nothing with a secret in it."""

    def __init__(self, inner: Capabilities, masker: Masker) -> None:
        self._inner = inner
        # The connector is handed this, and a masker is made of secrets.
        self._number = number_of(masker)

    def call(self, action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
        """Run another action once, its input masked."""
        return self._inner.call(
            action, masker_of(self._number).members(value), name=name, connection=connection
        )

    def record(self, name: str, make: Callable[[], Json]) -> Json:
        """Run a function once; what it returns is recorded masked."""
        return self._inner.record(name, lambda: masker_of(self._number).json(make()))

    def emit(self, type: str, data: JsonObject, *, key: str = "") -> None:
        """Report an event, its data masked."""
        masker = masker_of(self._number)
        self._inner.emit(type, masker.members(data), key=masker.text(key))


@contextmanager
def masking() -> Iterator[Masker]:
    """Have a masker for one call; an error that leaves the block has no secret of the call in it."""
    masker = Masker()
    try:
        with listening(masker):
            yield masker
    except Exception as error:
        mask_error(masker, error)
        raise


def mask_error(masker: Masker, error: BaseException) -> None:
    """Take secrets out of an error and of what caused it, in place."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        one.args = tuple(masker.text(part) if isinstance(part, str) else part for part in one.args)
        if isinstance(one, ConnectorError | HubError):
            _mask_told(masker, one)
        # A connector's own mistake travels wrapped.
        waiting += [one.__cause__, one.__context__, getattr(one, "error", None)]


def _mask_told(masker: Masker, error: ConnectorError | HubError) -> None:
    # An error class of a connector's own may hold anything there.
    message, details = getattr(error, "message", None), getattr(error, "details", None)
    if isinstance(message, str):
        error.message = masker.text(message)
    if isinstance(details, dict):
        try:
            error.details = masker.details(details)
        except RecursionError:
            # Nothing that has no end can be kept, so nothing is lost that could be told.
            error.details = {}
