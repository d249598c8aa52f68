"""Everything one sandbox remembers: numbers, templates, files, messages, and who wrote when."""

import base64
import itertools
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from revolution_sdk import JsonObject

TOKEN = "sandbox-token"  # noqa: S105 — the sandbox's own, known to everybody
APP_ID = "sandbox-client"
APP_SECRET = "sandbox-client-secret"  # noqa: S105 — likewise
BUSINESS_ID = "102290129340398"
NUMBER_ID = "106540352242922"
SECOND_NUMBER_ID = "106540352242923"
WINDOW_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One of the business's numbers."""

    id: str
    display: str
    name: str
    business_id: str = BUSINESS_ID


@dataclass(slots=True, kw_only=True)
class File:
    """A file somebody has put at the sandbox. `claims` stands in for its true digest, if a test says so."""

    id: str
    number_id: str
    mime_type: str
    content: bytes
    claims: str = ""
    size: int | None = None


@dataclass(slots=True, kw_only=True)
class Sent:
    """A message that was accepted."""

    id: str
    number_id: str
    to: str
    body: JsonObject
    status: str = "accepted"
    error: int | None = None

    def shown(self) -> JsonObject:
        """Return the message as the controls show it."""
        return {
            "id": self.id,
            "phone_number_id": self.number_id,
            "to": self.to,
            "status": self.status,
            "error": self.error,
            "body": self.body,
        }


@dataclass(slots=True, kw_only=True)
class World:
    """The state behind operations and controls; hold `lock` while using it.

    `late` lets a message outside the window be accepted and fail afterwards, as WhatsApp mostly does; else it
    is refused at once. `refusals` are codes the next calls are refused with. `missing` are permissions the
    token lacks.
    """

    numbers: dict[str, Number] = field(default_factory=dict)
    templates: list[JsonObject] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    subscribed: set[str] = field(default_factory=set)
    wrote_s: dict[tuple[str, str], float] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    refusals: list[tuple[int, int]] = field(default_factory=list)
    late: bool = False
    shift_s: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1003383421387256))

    def __post_init__(self) -> None:
        for number in (
            Number(id=NUMBER_ID, display="15550783881", name="Jaspers Market"),
            Number(id=SECOND_NUMBER_ID, display="15550783882", name="Jaspers Ice Cream"),
        ):
            self.numbers[number.id] = number
        self.templates += _first_templates()

    def next_id(self) -> str:
        """Return an id that was never given before."""
        return str(next(self._ids))

    def now_s(self) -> float:
        """Return the sandbox's time, which a test may move on."""
        return time.time() + self.shift_s

    def is_open(self, number_id: str, person: str) -> bool:
        """Tell whether the person has written to the number within the last 24 hours."""
        last_s = self.wrote_s.get((number_id, person))
        return last_s is not None and self.now_s() - last_s < WINDOW_S


def message_id() -> str:
    """Return a new id of a message."""
    return f"wamid.{base64.b64encode(secrets.token_bytes(30)).decode()}"


def _first_templates() -> list[JsonObject]:
    hello = [
        {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
        {"type": "BODY", "text": "Welcome!"},
    ]
    order: list[JsonObject] = [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
        {"type": "BODY", "text": "Hi {{1}}, your order {{2}} is on its way."},
        {"type": "FOOTER", "text": "Jaspers Market"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Track", "url": "https://example.com/track/{{1}}"},
                {"type": "QUICK_REPLY", "text": "Stop"},
            ],
        },
    ]
    named: list[JsonObject] = [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "Dear {{first_name}}, {{product}} is back."},
    ]
    return [
        _template("1192339204654487", "hello_world", "en_US", "UTILITY", hello),
        _template("1192339204654488", "order_update", "en_US", "UTILITY", order),
        _template("1192339204654489", "order_update", "de", "UTILITY", order),
        _template("1192339204654490", "back_in_stock", "en_US", "MARKETING", named, parameter_format="NAMED"),
        _template("1192339204654491", "old_offer", "en_US", "MARKETING", hello, status="PAUSED"),
    ]


def _template(
    id_: str, name: str, language: str, category: str, components: list[JsonObject], **more: str
) -> JsonObject:
    return {
        "id": id_,
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": category,
        "parameter_format": "POSITIONAL",
        "components": components,
        "business_id": BUSINESS_ID,
        **more,
    }
