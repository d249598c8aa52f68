"""A Secret shows itself to nobody who did not ask for it by name."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest

from revolution_sdk import Secret

TEXT = "sk-live-4711"


@dataclass(frozen=True)
class Holder:
    key: Secret


def test_it_is_revealed_only_on_request() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(TEXT)),
        repr(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT):>40}",
        f"{Secret(TEXT)!r}",
        "%s" % Secret(TEXT),  # noqa: UP031 - the old way must be safe as well
        str([Secret(TEXT)]),
        repr({"key": Secret(TEXT)}),
        repr(Holder(Secret(TEXT))),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert TEXT not in shown
    assert "***" in shown


def test_a_log_line_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("acme").warning("the key is %s", Secret(TEXT))
    assert "the key is Secret('***')" in caplog.text
    assert TEXT not in caplog.text


def test_a_traceback_with_it_does_not_show_it() -> None:
    try:
        raise ValueError(Secret(TEXT))
    except ValueError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        assert TEXT not in "".join(line for line in lines if "TEXT" not in line)


def test_it_leaves_the_process_in_no_form() -> None:
    for leave in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars):
        with pytest.raises(TypeError):
            leave(Secret(TEXT))


def test_equality_is_that_of_the_text() -> None:
    assert Secret("ä") == Secret("ä")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_an_empty_secret_counts_as_none() -> None:
    assert not Secret("")
    assert Secret(" ")


def test_its_hash_tells_nothing() -> None:
    assert hash(Secret("a")) == hash(Secret("b"))
