"""What leaves an expression: the text of a value, its weight, and a copy that is the caller's own."""

import json
import math

from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_sdk.types import Json

LARGEST_PLAIN_FLOAT = 1e16


def scalar_text(value: bool | int | float, place: Place) -> str:
    """Write true, false or a number: whole ones without a decimal point, others in their shortest form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise place.error("this number is not finite")
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= LARGEST_PLAIN_FLOAT):
        return repr(value)
    try:
        return str(int(value))
    except ValueError as error:  # Python writes at most 4,300 digits
        raise place.limit("this number has too many digits") from error


def json_text(value: Json, most_chars: int, run: Run, place: Place) -> str:
    """Write a value as compact JSON of at most about `most_chars` characters."""
    weigh(value, most_chars, run, place)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise place.limit("a number in this value has too many digits") from error


def weigh(value: Json, most_chars: int, run: Run, place: Place) -> int:
    """Return roughly how many characters the value takes as compact JSON; escapes are not counted.

    Raises TemplateLimitError once it is more than `most_chars` or nested too deeply, so that the caller
    may then walk it without care, and TemplateError for anything that is not JSON.
    """
    size, level = 0, [value]
    for _ in range(run.limits.depth):
        below: list[Json] = []
        for one in level:
            if isinstance(one, str):
                size += len(one) + 2
            elif isinstance(one, int):
                size += one.bit_length() // 4 + 1
            elif isinstance(one, dict):
                size += sum(map(len, one)) + 4 * len(one) + 2
                below.extend(one.values())
            elif isinstance(one, list):
                size += len(one) + 2
                below.extend(one)
            elif one is None or (isinstance(one, float) and math.isfinite(one)):
                size += 3
            else:
                raise place.error("this value is not JSON")
            if size > most_chars:
                raise place.limit(f"this value has more than {most_chars:,} characters")
        if not below:
            return size
        level = below
    raise place.limit(f"this value is nested deeper than {run.limits.depth} levels")


def copied(value: Json) -> Json:
    """Copy a weighed value, so that whoever changes the result changes nothing it was made from."""
    if isinstance(value, dict):
        return {key: copied(one) if isinstance(one, dict | list) else one for key, one in value.items()}
    if isinstance(value, list):
        return [copied(one) if isinstance(one, dict | list) else one for one in value]
    return value
