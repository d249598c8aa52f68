"""Workers that die around the commit of what a poll has found: nothing is lost, and nothing doubles."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rig.polling import EVERY_S, Provider, later, listen, look, only, provider_of, seen

from revolution_hub.bus import poll as polling
from revolution_hub.model.change import Finding
from revolution_hub.store import polls as stored
from revolution_hub.store.submit import submit
from revolution_sdk import Cursor


@pytest.fixture
def provider(bench: Any) -> Provider:
    """A provider that is polled."""
    return provider_of(bench)


Act = Callable[[Any, Any], None]


def dies_before(bench: Any, claimed: Any) -> None:
    """The worker has the provider's answer, and dies before anything of it is committed."""
    ready = polling.prepare(bench.hub, claimed)
    assert not isinstance(ready, Finding)
    ready.poll.function(None, Cursor(value=claimed.cursor))


def dies_after(bench: Any, claimed: Any) -> None:
    """The worker dies right behind the commit, and nobody learns of it."""
    silent = replace(bench, hub=replace(bench.hub, wake=lambda: None))
    assert polling.look(silent.hub, claimed)


def commits_twice(bench: Any, claimed: Any) -> None:
    """The connection to the database is lost in the commit, so the same is handed in again."""
    ready = polling.prepare(bench.hub, claimed)
    finding = polling.finding_of(bench.hub, ready)
    submit(bench.hub.store, finding)
    submit(bench.hub.store, finding)


@pytest.mark.parametrize("known", [False, True], ids=["lease runs out", "known to be dead"])
@pytest.mark.parametrize("dies", [dies_before, dies_after, commits_twice])
def test_a_worker_that_dies_around_the_commit_neither_loses_nor_doubles(
    dies: Act, known: bool, bench: Any, provider: Provider
) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    provider.items = [1, 2, 3]
    bench.clock.advance(EVERY_S)
    (claimed,) = polling.claim(bench.hub, 10)
    dies(bench, claimed)
    assert polling.claim(bench.hub, 10) == []
    if known:
        stored.end_leases_of(bench.hub.store, bench.hub.process, bench.hub.now())
    later(bench, 0 if known else 2 * EVERY_S)
    later(bench)
    assert seen(bench) == [1, 2, 3]
    assert only(bench).stored.polled == 3


def test_whoever_comes_back_after_his_lease_changes_nothing(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    bench.clock.advance(EVERY_S)
    (claimed,) = polling.claim(bench.hub, 10)
    provider.items = [1]
    later(bench, 2 * EVERY_S)
    assert seen(bench) == [1]
    provider.items = [1, 2]
    assert not polling.look(bench.hub, claimed)
    assert (seen(bench), only(bench).stored.cursor) == ([1], 1)


def test_whoever_comes_back_while_another_looks_changes_nothing(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    provider.items = [1, 2]
    bench.clock.advance(EVERY_S)
    (slow,) = polling.claim(bench.hub, 10)
    bench.clock.advance(2 * EVERY_S)
    other = bench.as_("wrk_2")
    (quick,) = polling.claim(other.hub, 10)
    assert not polling.look(bench.hub, slow)
    assert seen(bench) == []
    assert polling.look(other.hub, quick)
    assert (seen(bench), only(bench).stored.cursor) == ([1, 2], 2)
