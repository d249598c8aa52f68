"""Integrations per tenant: what is disabled is refused where it is saved and run, and settings arrive."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from rig import polling
from rig.asking import Asker
from rig.shop import PAID, SEE, open_shop, order

from revolution_hub.store import tables as t
from revolution_hub.store.integrations import AGE_S, KnownIntegrations
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.schema import integer, object_, string

SUM = {"id": "sum", "uses": "lab.compute_sum"}
PAGE = {"id": "page", "uses": "lab.read_page"}
DOCUMENT = {"name": "w", "steps": [{"set": {"a": 1}}, SUM]}
OFF = {"enabled": False}
SUM_OFF = {"disabled_actions": ["compute_sum"]}
DISABLED = [
    (OFF, "integration_disabled", "the integration 'lab' is disabled in this tenant"),
    (SUM_OFF, "action_disabled", "the action lab.compute_sum is disabled in this tenant"),
]


def turn(owner: Asker, connector: str = "lab", **wanted: Any) -> Any:
    """Say how a connector is to be from now on."""
    path = f"/api/integrations/{connector}"
    revision = owner.ask("GET", path)["revision"]
    return owner.ask("PUT", path, wanted, if_match=f'"{revision}"')


@pytest.fixture
def echo(bench: Any) -> Connector:
    """A connector with settings of its own, whose action gives them back."""
    made = Connector(
        "echo",
        title="Echo",
        settings=object_(
            level=integer(minimum=1, maximum=9, default=3), team=string(), note=string(), optional=["note"]
        ),
    )

    @made.action(input=object_(), output=object_(open_=True), effect="pure")
    def give_settings(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Give the settings back."""
        return ctx.config

    bench.hub.catalog.add(made)
    return made


def test_without_a_word_of_the_tenant_everything_is_on(owner: Asker) -> None:
    answer = owner.call("GET", "/api/integrations/lab")
    assert answer.headers["etag"] == '"0"'
    shown = answer.json()
    wanted = {"enabled": True, "disabled_actions": [], "settings": {}, "revision": 0}
    assert {name: shown[name] for name in wanted} == wanted
    assert all(one["enabled"] for one in shown["actions"])
    assert shown["version"] == ""


def test_what_is_set_is_shown_counted_and_wants_the_present_revision(owner: Asker) -> None:
    changed = turn(owner, **SUM_OFF)
    assert (changed["revision"], changed["disabled_actions"]) == (1, ["compute_sum"])
    assert {one["uses"]: one["enabled"] for one in changed["actions"]}["lab.compute_sum"] is False
    listed = {one["name"]: one for one in owner.ask("GET", "/api/integrations")["items"]}
    assert listed["lab"]["disabled_actions"] == ["compute_sum"]
    path = "/api/integrations/lab"
    assert owner.refused("PUT", path, {}) == (428, "revision_required")
    for stale in ('"0"', '"2"'):
        assert owner.refused("PUT", path, {}, if_match=stale) == (412, "stale_revision")
    assert turn(owner)["disabled_actions"] == []
    assert owner.refused("PUT", "/api/integrations/nowhere", {}, if_match='"0"') == (404, "not_found")


@pytest.mark.parametrize(("wanted", "code", "reason"), DISABLED)
def test_what_is_disabled_is_refused_when_it_is_saved_or_published(
    owner: Asker, wanted: Any, code: str, reason: str
) -> None:
    kept = owner.create({**DOCUMENT, "name": "before"})
    turn(owner, **wanted)
    problem = {"path": "steps[1].uses", "message": reason, "code": "disabled"}
    answers = [
        owner.call("POST", "/api/workflows", {"document": DOCUMENT}),
        owner.call("POST", f"/api/workflows/{kept}/publish"),
        owner.call("POST", "/api/workflows/import", DOCUMENT),
        owner.call("PUT", f"/api/workflows/{kept}", {"document": DOCUMENT}, if_match='"1"'),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["problems"]) == (422, [problem]), answer.text
    looked = owner.ask("POST", "/api/workflows/check", {"documents": [DOCUMENT]})
    assert looked["items"][0]["problems"] == [problem]
    turn(owner)
    owner.ask("POST", f"/api/workflows/{kept}/publish")


@pytest.mark.parametrize(("wanted", "code", "reason"), DISABLED)
def test_what_is_disabled_fails_where_it_is_run_even_if_it_was_queued_before(
    bench: Any, owner: Asker, wanted: Any, code: str, reason: str
) -> None:
    queued = bench.start(PAGE, SUM)
    turn(owner, **wanted)
    bench.work()
    seen = bench.look(queued)
    step = "page" if wanted is OFF else "sum"
    assert (seen.status, seen.tried(step)) == ("failed", [f"failed:{code}"])
    error = seen.steps[step].error
    assert (error["code"], error["message"]) == (code, reason)
    assert bench.script.names() == ([] if wanted is OFF else ["read_page"])
    refused = owner.refused("POST", "/api/integrations/lab/actions/compute_sum", {"input": {}})
    assert refused == (409, code)


def test_what_waits_is_refused_when_it_goes_on_and_on_error_may_take_care_of_it(
    bench: Any, owner: Asker
) -> None:
    mended = {**SUM, "on_error": {"continue": {"n": 7}}}
    execution = bench.start({"wait": {"for": "1h"}}, mended)
    bench.work()
    turn(owner, **OFF)
    bench.pass_time(3601)
    seen = bench.look(execution)
    assert (seen.status, seen.steps["sum"].output) == ("succeeded", {"n": 7})


def test_an_action_that_another_one_calls_is_refused_too(bench: Any, owner: Asker) -> None:
    bench.script.next("put_page", lambda ctx, value: ctx.call("lab.compute_sum", {}))
    execution = bench.start({"id": "put", "uses": "lab.put_page"})
    turn(owner, **SUM_OFF)
    bench.work()
    seen = bench.look(execution)
    assert seen.status == "failed"
    assert seen.steps["put/lab.compute_sum.1"].error["code"] == "action_disabled"
    assert bench.script.count("compute_sum") == 0


def test_one_tenant_says_nothing_for_another(
    bench: Any, asker_of: Callable[..., Asker], owner: Asker
) -> None:
    turn(asker_of("owner", "ten_b"), **OFF)
    assert bench.run(SUM).status == "succeeded"
    foreign = replace(bench, principal=replace(bench.principal, tenant_id="ten_b"))
    assert owner.ask("GET", "/api/integrations/lab")["enabled"]
    with pytest.raises(Exception, match="not valid"):
        foreign.run(SUM)


def test_another_process_goes_by_it_within_a_second(bench: Any, open_store: Any, owner: Asker) -> None:
    now_s = [100.0]
    known = KnownIntegrations(open_store(), lambda: now_s[0])
    assert known.of("ten_a") == {}
    turn(owner, **OFF)
    assert known.of("ten_a") == {}
    now_s[0] += AGE_S
    assert known.of("ten_a")["lab"].enabled is False


def test_steps_ask_the_database_once_a_second_and_not_once_each(bench: Any) -> None:
    asked = []
    sa.event.listen(
        bench.hub.store.engine,
        "before_cursor_execute",
        lambda conn, cursor, statement, *rest: (
            asked.append(statement) if "integrations" in statement else None
        ),
    )
    execution = bench.start(*({"id": f"s{n}", "uses": "lab.compute_sum"} for n in range(20)))
    asked.clear()
    bench.work()
    assert bench.look(execution).status == "succeeded"
    assert len(asked) <= 2


def test_settings_follow_the_connectors_schema_and_arrive_with_its_defaults(
    bench: Any, owner: Asker, echo: Connector
) -> None:
    step = {"id": "give", "uses": "echo.give_settings"}
    missing = bench.run(step)
    assert missing.tried("give") == ["failed:settings_missing"]
    assert missing.steps["give"].error["message"] == "the integration 'echo' needs the settings team first"
    shown = turn(owner, "echo", settings={"team": "blue"})
    assert (shown["settings"], shown["settings_schema"]) == ({"team": "blue"}, echo.settings)
    assert bench.run(step).steps["give"].output == {"level": 3, "team": "blue"}
    turn(owner, "echo", settings={"team": "red", "level": 9})
    assert bench.run(step).steps["give"].output == {"level": 9, "team": "red"}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"settings": {"team": 1, "level": 10, "more": 1}}, {"settings.team", "settings.level", "settings"}),
        ({"settings": {}}, {"settings"}),
        ({"disabled_actions": ["give_settings", "fly"]}, {"disabled_actions[1]", "settings"}),
        ({"enabled": "no"}, {"enabled"}),
        ({"secret": "x"}, {"secret"}),
    ],
)
def test_every_fault_of_an_integration_is_told(
    owner: Asker, echo: Connector, body: Any, paths: set[str]
) -> None:
    answer = owner.call("PUT", "/api/integrations/echo", body, if_match='"0"')
    assert answer.status_code == 422
    assert {one["path"] for one in answer.json()["problems"]} == paths


def test_what_is_not_set_up_can_be_turned_off(owner: Asker, echo: Connector) -> None:
    assert turn(owner, "echo", enabled=False)["enabled"] is False


def test_a_connector_that_asks_for_a_secret_among_its_settings_is_refused() -> None:
    for wrong in (string(format="password"), {"type": "string", "writeOnly": True}):
        with pytest.raises(ValueError, match="belongs in the credential"):
            Connector("echo", title="Echo", settings=object_(token=wrong))


def test_an_action_that_is_gone_may_stay_disabled(bench: Any, owner: Asker) -> None:
    turn(owner, disabled_actions=["put_page"])
    smaller = bench.without("put_page")
    bench.hub.catalog.connectors["lab"] = smaller.hub.catalog.connectors["lab"]
    kept = turn(owner, disabled_actions=["put_page", "read_page"])
    assert kept["disabled_actions"] == ["put_page", "read_page"]


def test_changing_an_integration_is_an_entry_of_the_audit_log(bench: Any, owner: Asker) -> None:
    turn(owner, **SUM_OFF)
    turn(owner, **OFF)
    with bench.hub.store.read("ten_a") as tx:
        table = t.audit_entries
        rows = tx.conn.execute(sa.select(table).order_by(table.c.number)).all()
    assert [(one.action, one.target, one.fields) for one in rows] == [
        ("integration.change", "lab", {"disabled_actions.compute_sum": "added"}),
        ("integration.change", "lab", {"disabled_actions.compute_sum": "removed", "enabled": "changed"}),
    ]


def test_polls_of_a_disabled_integration_rest_and_go_on_with_what_happens_then(
    bench: Any, asker_of: Callable[..., Asker]
) -> None:
    provider = polling.provider_of(bench)
    bench.connect("main", "feed")
    polling.listen(bench)
    owner = asker_of()
    provider.items.append(1)
    polling.look(bench)
    turn(owner, "feed", **OFF)
    provider.items.append(2)
    asked = len(provider.asked)
    polling.later(bench)
    assert (len(provider.asked), polling.only(bench).stored.next_at) == (asked, None)
    turn(owner, "feed")
    polling.look(bench)
    provider.items.append(3)
    polling.later(bench)
    assert polling.seen(bench) == [3]


def test_a_trigger_that_only_a_disabled_integration_reports_is_refused(owner: Asker) -> None:
    turn(owner, **OFF)
    for event, refused in (("lab.page.changed", True), ("crm.deal.updated", False), ("lab.*", True)):
        document = {"name": event, "on": [{"event": event}], "steps": [{"set": {"a": 1}}]}
        answer = owner.call("POST", "/api/workflows", {"document": document})
        told = [(one["path"], one["code"]) for one in answer.json().get("problems", [])]
        assert told == ([("on[0].event", "disabled")] if refused else []), event


def test_events_of_a_disabled_integration_are_kept_and_start_nothing(
    bench: Any, make: Any, asker_of: Callable[..., Asker]
) -> None:
    shop = open_shop(bench, make)
    shop.connect()
    bench.publish(SEE, on=PAID)
    owner = asker_of()
    turn(owner, "shop", **OFF)
    assert shop.deliver(order(key="1")).execution_ids == ()
    (event,) = owner.ask("GET", "/api/events?status=disabled")["items"]
    assert (event["outcome"], event["type"]) == ("disabled", "shop.order.paid")
    turn(owner, "shop")
    assert len(shop.deliver(order(key="2")).execution_ids) == 1
