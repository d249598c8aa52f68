"""Call and Answer: what a sandbox operation is given and gives back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to an operation. Header names are lower case."""

    operation: str
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """Read the body as JSON; None when it is not JSON at all."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def form(self) -> dict[str, str]:
        """Read the body as a URL-encoded form; the last of equal names counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def bearer(self) -> str:
        """Return the bearer token of the request, empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the sandbox sends back: `body` as JSON, bytes as they are, or `text`; without any, nothing.

    What is bytes is whatever its `content-type` says.
    """

    status: int = 200
    body: Json | bytes = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the bytes on the wire, text as UTF-8."""
        if self.text is not None:
            return self.text.encode()
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """What the sandbox remembers of a call. `status` is what was really sent; the token is left out."""

    operation: str
    method: str
    path: str
    query: JsonObject
    body: Json
    status: int

    def as_json(self) -> JsonObject:
        """Return the record as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}
