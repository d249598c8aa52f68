"""Cron expressions: which ones can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.cron import cron_problem

GOOD = [
    "* * * * *",
    "0 8 * * *",
    "*/15 9-17 * * MON-FRI",
    "0,30 0-23/2 1,15 jan,JUL 0",
    "5/20 * * * 7",
    "0 0 29 2 *",
    "0 0 31 1-2 *",
    " 0  8 * *   * ",
    "0 0 8 * * *",
    "*/10 * * * * mon#2",
    "@daily",
    " @Hourly ",
    "0 0 L * *",
    "0 0 15,LW 2 *",
    "0 0 * * 5L",
]

BAD = [
    ("", "five fields"),
    ("0 8 * *", "five fields"),
    ("0 0 8 * * * *", "five fields"),
    ("60 * * * *", "'60' is no minute from 0 to 59"),
    ("* 24 * * *", "'24' is no hour"),
    ("* * 0 * *", "'0' is no day of the month from 1 to 31"),
    ("* * * 13 *", "no month"),
    ("* * * FEBR *", "no month"),
    ("* * * * 8", "no day of the week"),
    ("* * * MON *", "no month"),
    ("*/0 * * * *", "no minute"),
    ("*/ * * * *", "no minute"),
    ("10-5 * * * *", "no minute"),
    ("1- * * * *", "no minute"),
    ("1,,2 * * * *", "no minute"),
    ("-1 * * * *", "no minute"),
    ("1.5 * * * *", "no minute"),
    ("٣ * * * *", "no minute"),
    ("a" * 1_000 + " * * * *", "no minute"),
    ("60 * * * * *", "'60' is no second from 0 to 59"),
    ("@reboot", "is none of @yearly, "),
    ("@", "is none of @yearly, "),
    ("0 0 L-1 * *", "no day of the month"),
    ("0 0 * * 8L", "no day of the week"),
    ("0 0 * * MON#6", "no day of the week"),
    ("0 0 W * *", "no day of the month"),
    ("0 0 30 2 *", "never such a day"),
    ("0 0 31 4,6 *", "never such a day"),
    ("0 0 31 2 1", "never such a day"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_expression_has_no_problem(text: str) -> None:
    assert cron_problem(text) is None


@pytest.mark.parametrize(("text", "says"), BAD)
def test_a_bad_expression_is_told_why(text: str, says: str) -> None:
    problem = cron_problem(text)
    assert problem is not None
    assert says in problem
    assert len(problem) < 120


@given(st.text(max_size=30) | st.text("0123456789*/-, MONJAN", max_size=30))
def test_any_text_is_judged(text: str) -> None:
    assert cron_problem(text) is None or isinstance(cron_problem(text), str)
