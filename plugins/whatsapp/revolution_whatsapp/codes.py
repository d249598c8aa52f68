"""What WhatsApp's error codes mean, wherever one comes: in an answer, or in the status of a message.

Source: Meta "Cloud API error codes" (15 May 2026), read 2026-11-22.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from revolution_sdk import Json, JsonObject

Sort = Literal["credential", "retry", "reject"]

LONGEST_MESSAGE = 400

_TOKEN = re.compile(r"\b(EA[A-Za-z0-9]{2})[A-Za-z0-9_-]{16,}")
"""Meta's access tokens begin so; a message about a malformed one quotes it."""

_FIELD = re.compile(r"\b[Pp]aram(?:eter)?\s+['\"]?([A-Za-z_][\w.\[\]'\"]{0,80})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What to do about a code, the hub's name for it, what to tell people, and how many seconds to wait."""

    sort: Sort
    name: str
    message: str = ""
    wait_s: float | None = None


WINDOW_CLOSED = Meaning(
    sort="reject",
    name="window_closed",
    message="more than 24 hours have passed since this person last wrote to the number; only a template may "
    "be sent now (whatsapp.send_template)",
)

_TOKEN_REFUSED = Meaning(
    sort="credential",
    name="credential_refused",
    message="WhatsApp does not accept the access token any more; connect the number with a new one",
)
_PERMISSION = Meaning(
    sort="credential",
    name="permission_missing",
    message="the token lacks a permission for this number or business account; connect with one that has "
    "whatsapp_business_messaging and whatsapp_business_management",
)
_HOUR_S = 3600.0


def _rows() -> Iterator[tuple[tuple[int, ...], Meaning]]:
    yield (0, 190), _TOKEN_REFUSED
    yield (3, 10, 131005, *range(200, 300)), _PERMISSION
    # These two count by the hour, the next by the second, and the pair limit lets one message pass in six.
    yield (4, 80007), _wait("rate_limited", 60.0)
    yield (130429,), _wait("rate_limited", None)
    yield (131056,), _wait("pair_rate_limited", 6.0)
    yield (1, 2, 131000, 131016, 131057), _wait("provider_failed", None)
    yield (131048, 131064, 133016), _wait("quality_limited", _HOUR_S)
    yield (131047,), WINDOW_CLOSED
    yield (131026,), _no("recipient_unreachable")
    yield (131030,), _no("recipient_not_allowed")
    yield (131050,), _no("recipient_opted_out")
    yield (131049,), _no("recipient_limited")
    yield (130472,), _no("recipient_in_experiment")
    yield (131062,), _no("recipient_id_unusable")
    yield (100, 131008, 131009, 131021, 131051, 131052, 131053, 135000, 137000), _no("request_invalid")
    yield (132000, 132012), _no("template_parameters")
    yield (132001,), _no("template_missing")
    yield (132005, 132007, 132008), _no("template_refused")
    yield (132015, 132016), _no("template_paused")
    yield (132068, 132069), _no("flow_blocked")
    yield (368, 131031, 131037, 131045, 130497), _no("account_restricted")
    yield (131042,), _no("payment_problem")


def _no(name: str) -> Meaning:
    return Meaning(sort="reject", name=name)


def _wait(name: str, wait_s: float | None) -> Meaning:
    return Meaning(sort="retry", name=name, wait_s=wait_s)


CODES: dict[int, Meaning] = {code: meaning for codes, meaning in _rows() for code in codes}


def meaning_of(code: int, *, transient: bool = False) -> Meaning:
    """Return what a code means; one that is not known is final unless WhatsApp says that it will pass."""
    unknown = _wait("provider_failed", None) if transient else _no("rejected")
    return CODES.get(code, unknown)


def reason_of(error: JsonObject) -> JsonObject:
    """Return what may be shown of an error: `provider_message`, `field`, `subcode`, `trace_id`, if told."""
    data = error.get("error_data")
    detail = plain(data.get("details")) if isinstance(data, dict) else ""
    message = detail or plain(error.get("message")) or plain(error.get("title"))
    field = _FIELD.search(plain(error.get("message"))) or _FIELD.search(detail)
    subcode = error.get("error_subcode")
    found = {
        "provider_message": message,
        "field": field[1] if field else "",
        "subcode": subcode if isinstance(subcode, int) and not isinstance(subcode, bool) else "",
        "trace_id": plain(error.get("fbtrace_id")),
    }
    return {name: value for name, value in found.items() if value != ""}


def plain(value: Json) -> str:
    """Return a provider's text fit for a log line: one line, printable, bounded, without tokens."""
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 4 * LONGEST_MESSAGE].split())
    shown = "".join(letter for letter in words if letter.isprintable())
    return _TOKEN.sub(r"\1…", shown)[:LONGEST_MESSAGE]
