"""F5, F6: the API dies around the commit of a delivery, and the provider delivers again."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from rig.judge import judge
from rig.site import DATABASES, Site, one_step, wait_until

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

Figure = Callable[[str, float], None]


@on_each_database
@pytest.mark.parametrize(
    ("point", "answer"),
    [
        ("ingest.after_commit", "accepted"),
        ("ingest.after_commit", "result"),
        ("ingest.after_enqueue", "accepted"),
    ],
)
def test_f5_a_delivery_that_was_kept_runs_once_although_nobody_was_told(
    site: Site, point: str, answer: str, figure: Figure
) -> None:
    # Given an API process that dies when a delivery is committed, and before it is answered
    site.start(crash=point)
    name = site.publish({**one_step("add_entry"), "on": [{"webhook": {"answer": answer}}]})
    message_id = f"msg_{uuid4().hex}"
    # When it dies, the sender gets no 2xx
    assert site.deliver(site.owners[0], name, message_id) is None
    assert site.crashed(point)
    # Then the delivery is done although it was never answered
    figure("done without an answer in", judge(site))
    assert list(site.provider.effects("once").values()) == [1]
    # And delivering it again says which execution that was, and starts no other
    assert site.deliver(site.owners[0], name, message_id) is not None
    judge(site)
    assert [one.execution_id for one in site.accepted] == [
        key.partition(".")[0] for key in site.provider.effects("once")
    ]
    assert site.count("1 = 1") == 1


@on_each_database
@pytest.mark.parametrize("point", ["ingest.after_verify", "api/committer.before_commit"])
def test_f6_a_delivery_that_was_not_kept_leaves_no_trace_and_may_be_sent_again(
    site: Site, point: str, figure: Figure
) -> None:
    # Given an API process that dies when a delivery is known to be genuine, and not committed
    site.start(crash=point)
    name = site.publish(one_step("add_entry"))
    message_id = f"msg_{uuid4().hex}"
    # When it dies, the sender gets no 2xx, and nothing is there
    assert site.deliver(site.owners[0], name, message_id) is None
    assert site.crashed(point)
    for table in ("events", "deliveries", "executions"):
        assert site.rows(f"SELECT * FROM {table}") == []
    # Then the delivery is taken in when it is sent again
    wait_until(lambda: site.deliver(site.owners[0], name, message_id), "the API is back", report=site.hub.log)
    figure("done in", judge(site))
    assert len(site.accepted) == 1
    assert list(site.provider.effects("once").values()) == [1]
