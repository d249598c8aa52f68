"""F17, F18: PostgreSQL restarts under load, loses connections, and does not say whether it committed."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from rig.judge import judge
from rig.load import Load
from rig.postgres import Postgres
from rig.proxy import Cut, Proxy
from rig.site import CHAIN, Site, one_step, wait_until

pytestmark = pytest.mark.faults

Figure = Callable[[str, float], None]
on_postgresql = pytest.mark.parametrize("stack", ["postgresql", "postgresql+redis"])
through_a_proxy = pytest.mark.parametrize("stack", ["postgresql"])
ROUNDS = 3


def server_of(site: Site) -> Postgres:
    assert site.postgres is not None
    return site.postgres


@on_postgresql
def test_f17_a_database_that_restarts_under_load_loses_nothing(site: Site, figure: Figure) -> None:
    # Given a hub under load
    site.start()
    site.publish(CHAIN)
    server = server_of(site)
    with Load(site, "chain") as load:
        for number in range(ROUNDS):
            sent = len(load.answers)
            wait_until(lambda sent=sent: len(load.answers) > sent + 20, "the load runs", report=site.hub.log)
            # When the database is ended as by a power cut, and started again
            server.stop("immediate")
            time.sleep(0.3 * number)
            begun_s = time.monotonic()
            server.start()
            accepted = len(site.accepted)
            wait_until(lambda accepted=accepted: len(site.accepted) > accepted, "deliveries are accepted")
            figure("accepted again after", time.monotonic() - begun_s)
    # Then every sender was told "accepted" or "come again", and what was accepted is done
    assert load.wrong() == []
    assert load.statuses()[202] > 20 * ROUNDS
    print(dict(load.statuses()))
    figure("all done after", judge(site, limit_s=90))


@on_postgresql
@pytest.mark.parametrize("seed", [1])
def test_f18_connections_that_end_at_random_cost_nothing(site: Site, seed: int, figure: Figure) -> None:
    # Given a hub under load
    site.start()
    site.publish(CHAIN)
    ended = 0
    random_ = random.Random(seed)
    with Load(site, "chain") as load:
        wait_until(lambda: len(load.answers) > 20, "the load runs", report=site.hub.log)
        until_s = time.monotonic() + 5.0
        # When the server ends some of its connections again and again
        while time.monotonic() < until_s:
            ended += _end_some(site, random_)
            time.sleep(random_.uniform(0.05, 0.3))
    # Then every sender was told "accepted" or "come again", and what was accepted is done
    assert load.wrong() == []
    assert ended > 10
    print(ended, dict(load.statuses()))
    figure("all done after", judge(site, limit_s=90))


def _end_some(site: Site, random_: random.Random) -> int:
    server = server_of(site)
    found = server.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{site.database}' ORDER BY pid")
    chosen = [pid for (pid,) in found if random_.random() < 0.3]
    for pid in chosen:
        server.execute(f"SELECT pg_terminate_backend({pid})")
    return len(chosen)


@contextmanager
def proxied(site: Site) -> Iterator[Proxy]:
    """Put a proxy between the hub and its database."""
    server = server_of(site)
    with Proxy(server.folder / ".s.PGSQL.5432").running() as proxy:
        site.database_url = f"postgresql://hub@127.0.0.1:{proxy.port}/{site.database}"
        try:
            yield proxy
        finally:
            site.end()


@through_a_proxy
@pytest.mark.parametrize("lost", ["answer", "commit"])
def test_f18_a_delivery_whose_commit_has_no_outcome_is_kept_once(site: Site, lost: Cut) -> None:
    with proxied(site) as proxy:
        # Given a hub whose next delivery is committed, or not, and the connection breaks
        site.start()
        name = site.publish(one_step("add_entry"))
        proxy.cut(lost, during=b"INSERT INTO events")
        # When it is delivered
        answer = site.deliver(site.owners[0], name)
        # Then it is found out whether it was kept: it is accepted, and done once
        assert proxy.cuts == 1
        assert answer is not None
        assert answer.status_code == 202
        judge(site)
        assert len(site.rows("SELECT id FROM events")) == 1
        assert list(site.provider.effects("once").values()) == [1]


@through_a_proxy
@pytest.mark.parametrize("lost", ["answer", "commit"])
@pytest.mark.parametrize("seed", [1])
def test_f18_commits_without_outcome_repeat_and_lose_nothing(
    site: Site, lost: Cut, seed: int, figure: Figure
) -> None:
    with proxied(site) as proxy:
        # Given a hub under load
        site.start()
        site.publish(CHAIN)
        random_ = random.Random(seed)
        with Load(site, "chain", senders=2) as load:
            wait_until(lambda: len(load.answers) > 10, "the load runs", report=site.hub.log)
            # When commits lose their answer, or are lost themselves, at random
            for _ in range(25):
                proxy.cut(lost)
                time.sleep(random_.uniform(0.0, 0.25))
        # Then every sender was told "accepted" or "come again", and what was accepted is done
        wait_until(lambda: proxy.cuts >= 25, "the connections were cut")
        assert load.wrong() == []
        print(proxy.cuts, dict(load.statuses()))
        figure("all done after", judge(site, limit_s=90))
