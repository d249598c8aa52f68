"""The figures of `vault.py`: what is told of times, and that what it calls is really called."""

from pathlib import Path

from bench.inside import inside, new_home
from bench.servers import running_provider
from vault import Times, connected, figures_of, measure, shown


def test_the_share_is_that_of_the_median() -> None:
    times = Times(call=[0.002, 0.002, 0.9], open=[0.00001] * 3, guarded=[0.00005] * 3, first=[0.00002] * 3)
    figures = figures_of(times, "sqlite")
    assert figures["share_p50_sqlite"] == 0.005
    assert figures["share_guarded_p50_sqlite"] == 0.025
    assert figures["share_first_p50_sqlite"] == 0.01
    assert shown(figures).splitlines()[1].split() == ["sqlite", "2000", "10.0", "0.50%", "50.0", "2.50%"]


def test_every_call_reads_its_page_with_the_credential(tmp_path: Path) -> None:
    url, database = new_home(tmp_path, "vault", None)
    with (
        running_provider(0.0) as provider,
        inside(url, database) as bench,
        connected(bench, provider) as (made, connection),
    ):
        times = measure(made, connection, 2)
    assert len(times.call) == len(times.open) == len(times.guarded) == 2
    assert 0 < max(times.open) < min(times.call)
