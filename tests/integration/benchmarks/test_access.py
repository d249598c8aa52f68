"""The figures of `access.py`: what is told of times, and that what it asks is really answered."""

import asyncio
from pathlib import Path

import pytest

from access import Ask, Times, _measured, authorization_s, figures_of, kinds, measure, share, shown
from bench.ending import Wrong
from bench.inside import inside, new_home
from revolution_hub.api.app import make_fastapi
from revolution_hub.api.frame import Frame


@pytest.mark.parametrize(
    ("whole", "known", "authorize", "found"),
    [
        ([1.0, 1.0, 9.0], [0.9, 0.9, 0.1], 0.0, 0.1),
        ([1.0], [0.95], 0.05, 0.1),
        ([1.0], [1.2], 0.0, 0.0),
        ([2.0], [2.2], 0.1, 0.05),
    ],
)
def test_the_share_is_that_of_the_median(
    whole: list[float], known: list[float], authorize: float, found: float
) -> None:
    assert share(Times(whole, known), authorize) == pytest.approx(found)


def test_figures_name_every_kind_and_the_table_shows_them() -> None:
    times = {"key_read": Times([0.001] * 3, [0.0009] * 3), "key_list": Times([0.002] * 3, [0.0017] * 3)}
    figures = figures_of(times, 0.0, "sqlite")
    assert figures["share_p50_key_read_sqlite"] == 0.1
    assert figures["share_p50_key_list_sqlite"] == 0.15
    assert figures["share_p50_sqlite"] == 0.125
    assert figures["authentication_us_key_list_sqlite"] == 300.0
    lines = shown(figures).splitlines()
    assert lines[1].split() == ["sqlite", "key,", "read", "1000", "100", "10.0%"]


def test_every_kind_of_request_is_answered_with_a_key(tmp_path: Path) -> None:
    url, database = new_home(tmp_path, "access", None)
    with inside(url, database) as bench:
        times = asyncio.run(_measured(bench, 2))
        assert {name for name in times if name.startswith("key_")} == {
            f"key_{name}" for name in kinds("wf_1")
        }
        assert all(len(one.whole) == len(one.known) == 2 for one in times.values())
        assert 0 < authorization_s(bench.principal) < 0.001


def test_a_request_that_is_refused_gives_no_figures(tmp_path: Path) -> None:
    url, database = new_home(tmp_path, "access", None)
    with inside(url, database) as bench:
        app = Frame(make_fastapi(bench.hub))
        with pytest.raises(Wrong, match="answered 401"):
            asyncio.run(measure(app, app, Ask("GET", "/api/workflows"), {}, 1))
