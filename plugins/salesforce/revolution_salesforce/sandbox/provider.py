"""Everything one sandbox remembers."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from revolution_salesforce.sandbox.grants import Grants
from revolution_salesforce.sandbox.records import Records
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import JsonObject

MOST_REQUESTS = 5000
PAGE_ROWS = 2000
FEWEST_PAGE_ROWS = 200


@dataclass(slots=True, kw_only=True)
class Refusal:
    """What the next writes are refused with."""

    status: int
    code: str
    message: str
    times: int


@dataclass(slots=True, kw_only=True)
class Provider:
    """The state behind the operations and the controls. Safe to use from several threads.

    `instance_url` is where tokens say the API is, the sandbox itself if empty; `page_rows` how many rows a
    page of a query has, whatever is asked for; `apex` whether the class that converts leads is installed.
    """

    grants: Grants = field(default_factory=Grants)
    records: Records = field(default_factory=Records)
    instance_url: str = ""
    most_requests: int = MOST_REQUESTS
    used_requests: int = 0
    page_rows: int | None = None
    apex: bool = True
    refusals: list[Refusal] = field(default_factory=list)
    _rest: dict[str, tuple[int, list[JsonObject]]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count_request(self) -> str:
        """Count one request and return what the header says; raises RefusedError if it is one too many."""
        with self._lock:
            if self.used_requests >= self.most_requests:
                raise RefusedError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.used_requests += 1
            return self.usage()

    def usage(self) -> str:
        """Return `api-usage=18/5000`."""
        return f"api-usage={self.used_requests}/{self.most_requests}"

    def require_writable(self) -> None:
        """Raise the refusal that is armed for writes, if there is one, and use up one of its times."""
        with self._lock:
            if not self.refusals:
                return
            first = self.refusals[0]
            first.times -= 1
            if first.times <= 0:
                self.refusals.pop(0)
        raise RefusedError(first.status, first.code, first.message, [])

    def keep_rest(self, total: int, rows: list[JsonObject]) -> str:
        """Keep the rows that do not fit on a page and return where they are found."""
        with self._lock:
            locator = f"0r8SB{next(self._numbers):010d}-{total - len(rows)}"
            self._rest[locator] = (total, rows)
            return locator

    def take_rest(self, locator: str) -> tuple[int, list[JsonObject]]:
        """Return the rows kept there; raises RefusedError if there are none."""
        with self._lock:
            found = self._rest.get(locator)
        if found is None:
            raise RefusedError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return found
