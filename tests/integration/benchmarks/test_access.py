"""The figures of `access.py`: what is told of times, and that what it asks is really answered."""

import asyncio
from pathlib import Path

import pytest

from access import Ask, Times, _measured, authorization_s, figures_of, kinds, measure, share, shown
from bench.ending import Wrong
from bench.inside import inside, new_home
from revolution_hub.api.app import make_fastapi


@pytest.mark.parametrize(
    ("whole", "asking", "authorize", "found"),
    [
        ([1.0, 1.0, 9.0], [0.1, 0.1, 8.0], 0.0, 0.1),
        ([1.0], [0.05], 0.05, 0.1),
        ([2.0], [0.1], 0.1, 0.1),
    ],
)
def test_the_share_is_that_of_the_median(
    whole: list[float], asking: list[float], authorize: float, found: float
) -> None:
    assert share(Times(whole, asking), authorize) == pytest.approx(found)


def test_figures_name_every_kind_and_the_table_shows_them() -> None:
    times = {"key_read": Times([0.001] * 3, [0.0001] * 3), "key_list": Times([0.002] * 3, [0.0003] * 3)}
    figures = figures_of(times, 0.0, "sqlite")
    assert figures["share_p50_key_read_sqlite"] == 0.1
    assert figures["share_p50_key_list_sqlite"] == 0.15
    assert figures["share_p50_sqlite"] == 0.125
    assert figures["authentication_us_key_list_sqlite"] == 300.0
    lines = shown(figures).splitlines()
    assert lines[1].split() == ["sqlite", "key,", "read", "1000", "100", "10.0%"]


def test_every_kind_of_request_is_answered_with_a_key_and_a_session(tmp_path: Path) -> None:
    url, database = new_home(tmp_path, "access", None)
    with inside(url, database) as bench:
        times = asyncio.run(_measured(bench, 2))
        assert set(times) == {f"{way}_{name}" for way in ("key", "session") for name in kinds("wf_1")}
        assert all(len(one.whole) == len(one.asking) == 2 for one in times.values())
        assert all(0 < share(one, 0.0) < 1 for one in times.values())
        assert 0 < authorization_s(bench.principal) < 0.001


def test_a_request_that_is_refused_gives_no_figures(tmp_path: Path) -> None:
    url, database = new_home(tmp_path, "access", None)
    with inside(url, database) as bench:
        app = make_fastapi(bench.hub)
        with pytest.raises(Wrong, match="answered 401"):
            asyncio.run(measure(app, Ask("GET", "/api/workflows"), {}, 1))
        with pytest.raises(Wrong, match="no route"):
            asyncio.run(measure(app, Ask("GET", "/api/nothing"), {}, 1))
