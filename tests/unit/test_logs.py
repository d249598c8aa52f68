"""Lines of the log: one record, one line, whatever is in it; no values of variables, no secret of a call."""

import logging
import sys
from types import TracebackType

import pytest

from revolution_hub.cli.logs import Line
from revolution_hub.model.masking import MASK, Masker, listening, note_secrets

SECRET = "canary-of-a-traceback"
FORMAT = "%(levelname)s %(name)s: %(message)s"

INJECTED = {
    "line feed": "ok\nERROR revolution: all your data is gone",
    "carriage return": "ok\rERROR revolution: gone",
    "both": "ok\r\nERROR revolution: gone",
    "form feed": "ok\x0cERROR revolution: gone",
    "line separator": "ok\u2028ERROR revolution: gone",
    "next line": "ok\x85ERROR revolution: gone",
    "ANSI": "\x1b[2J\x1b[31mred",
    "C1": "\x9b31mred",
    "bell": "ding\x07",
    "NUL": "a\0b",
    "direction": "user\u202egpj.exe",
    "surrogate": "a\ud800b",
    "percent": "%s %(name)s %n",
    "braces": "{0.__class__} {record}",
    "JSON": '"}\n{"level": "error"',
}

Info = tuple[type[BaseException], BaseException, TracebackType | None]


def line_of(text: str, *values: object, info: Info | None = None) -> str:
    record = logging.LogRecord("revolution.x", logging.WARNING, "x.py", 1, text, values, info)
    return Line(FORMAT).format(record)


@pytest.mark.parametrize("name", INJECTED)
def test_nothing_in_a_record_makes_another_line_or_steers_a_terminal(name: str) -> None:
    for line in (line_of("%s", INJECTED[name]), line_of("got %r", INJECTED[name])):
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        assert line.startswith("WARNING revolution.x: ")


def raised(text: str) -> Info:
    secret = SECRET
    try:
        raise ValueError(text.replace("SECRET", secret))
    except ValueError:
        kind, error, trace = sys.exc_info()
    assert kind is not None
    assert error is not None
    return kind, error, trace


@pytest.mark.parametrize("name", INJECTED)
def test_the_lines_of_a_traceback_are_set_in(name: str) -> None:
    first, *others = line_of("it failed", info=raised(INJECTED[name])).split("\n")
    assert first == "WARNING revolution.x: it failed"
    assert all(one.startswith("  | ") and one.isprintable() for one in others)


def test_a_traceback_shows_no_values_of_variables() -> None:
    assert SECRET not in line_of("it failed", info=raised("no more"))


def test_a_secret_of_a_call_under_way_is_in_neither_text_nor_traceback() -> None:
    with listening(Masker()):
        note_secrets({"password": SECRET})
        line = line_of("it failed with %s", SECRET, info=raised("SECRET"))
    assert SECRET not in line
    assert line.count(MASK) == 2
