"""How long a 429 asks to wait, read from its headers. Pure."""

import re
from collections.abc import Mapping

from revolution_sdk.http import LONGEST_RETRY_AFTER_S, retry_after_s

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhd])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens")


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait in seconds, at most a day; None when no header says anything readable.

    `retry-after-ms` is the finest and goes first, then `Retry-After`, then the later of the two resets:
    the answer does not say for certain which of the limits was hit. Names are lower case.
    Source: openai 3.54.0 (order of the first two), OpenAI "Rate limits" (durations), read 2026-11-22.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return min(float(milliseconds) / 1000, LONGEST_RETRY_AFTER_S)
    seconds = retry_after_s(headers)
    if seconds is not None:
        return seconds
    resets = [duration_s(headers.get(name, "")) for name in _RESETS]
    return max((one for one in resets if one is not None), default=None)


def duration_s(text: str) -> float | None:
    """Read a duration like `120ms`, `1s` or `6m0s` as seconds, at most a day; None if it is none."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return min(sum(float(number) * _SECONDS[unit] for number, unit in parts), LONGEST_RETRY_AFTER_S)
