"""Durations as people write them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.durations import LONGEST_S, duration_s

WRITTEN = [
    (0, 0.0),
    (2.5, 2.5),
    ("90s", 90.0),
    ("15m", 900.0),
    ("2h", 7_200.0),
    ("1d12h", 129_600.0),
    ("1w", 604_800.0),
    ("1w2d3h4m5.5s", 788_645.5),
    (" 10s ", 10.0),
    ("0s", 0.0),
    ("366d", LONGEST_S),
]

REFUSED: list[Any] = [
    None,
    True,
    [],
    {},
    -1,
    -0.1,
    LONGEST_S + 1,
    10**400,
    math.nan,
    math.inf,
    "",
    " ",
    "10",
    "ten minutes",
    "-5s",
    "5s5s",
    "5m1h",
    "1.5h",
    "1 h",
    "367d",
    "9" * 400 + "s",
    "٣s",
    "5S",
    "5s\n5s",
]


@pytest.mark.parametrize(("written", "seconds"), WRITTEN)
def test_a_duration_is_read_in_seconds(written: Any, seconds: float) -> None:
    assert duration_s(written) == seconds


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_no_duration_is_refused_in_a_sentence(written: Any) -> None:
    with pytest.raises(ValueError, match=r"duration is|write a duration"):
        duration_s(written)


@given(*[st.integers(0, 50)] * 4, st.decimals(0, 59, places=2))
def test_the_parts_of_a_text_add_up(w: int, d: int, h: int, m: int, s: Any) -> None:
    seconds = ((w * 7 + d) * 24 + h) * 3600 + m * 60 + float(s)
    text = f"{w}w{d}d{h}h{m}m{s}s"
    if seconds <= LONGEST_S:
        assert duration_s(text) == pytest.approx(seconds)
    else:
        with pytest.raises(ValueError, match="at most 366 days"):
            duration_s(text)


@given(st.text(max_size=12) | st.text("0123456789wdhms.", max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        seconds = duration_s(text)
    except ValueError as error:
        told = str(error)
    else:
        told = f"a duration of {seconds} s"
        assert 0 <= seconds <= LONGEST_S
    assert "duration" in told
