"""LISTEN and NOTIFY: both ends find back to the database by themselves."""

from typing import Any

import pytest
from rig.postgres import Postgres

from revolution_hub.store.errors import StoreError
from revolution_hub.store.notify import APPLICATION, NoticeListener, NoticeSender

ENDS = f"FROM pg_stat_activity WHERE application_name = '{APPLICATION}'"


def test_both_ends_find_back_after_their_connections_are_ended(
    own_postgres: Postgres, over_postgres: Any, eventually: Any
) -> None:
    over_postgres.settle()
    for _ in range(3):
        before = {pid for (pid,) in own_postgres.execute(f"SELECT pid {ENDS}")}
        assert len(before) >= 2
        own_postgres.execute(f"SELECT pg_terminate_backend(pid) {ENDS}")
        over_postgres.settle()
        eventually(
            lambda before=before: not before & {pid for (pid,) in own_postgres.execute(f"SELECT pid {ENDS}")},
            "new connections",
        )
        over_postgres.waker.ring()
        assert over_postgres.ear.wait(30.0)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_both_ends_find_back_after_the_server_was_away(
    mode: str, own_postgres: Postgres, over_postgres: Any, caplog: pytest.LogCaptureFixture
) -> None:
    over_postgres.settle()
    own_postgres.stop(mode)
    for _ in range(1000):
        over_postgres.waker.ring()
    assert not over_postgres.waker.flush(1.0)
    own_postgres.start()
    assert over_postgres.waker.flush(30.0)
    over_postgres.settle()
    over_postgres.waker.ring()
    assert over_postgres.ear.wait(30.0)
    told = [one.getMessage() for one in caplog.records]
    assert len([one for one in told if "workers find their work by looking" in one]) == 2
    assert len([one for one in told if "it works again" in one]) == 2


def test_a_listener_that_connects_again_looks_for_what_it_missed(own_postgres: Postgres) -> None:
    listener, sender = NoticeListener(own_postgres.url()), NoticeSender(own_postgres.url())
    assert listener.wait(0)
    assert not listener.wait(0.05)
    own_postgres.execute(f"SELECT pg_terminate_backend(pid) {ENDS}")
    sender.send()
    with pytest.raises(StoreError):
        listener.wait(30.0)
    assert listener.wait(0)
    sender.send()
    assert listener.wait(30.0)
    listener.close()
    sender.close()


def test_an_address_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(StoreError) as told:
        NoticeSender("postgresql://ada:open-sesame@127.0.0.1:1/hub").send()
    assert "open-sesame" not in told.value.reason
