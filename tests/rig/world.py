"""A tenant with one of everything, so that there is something to ask each route of the API for."""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from revolution_hub.model.approval import Decision, Vote
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Membership, User
from revolution_hub.services import approval_links
from revolution_hub.store import approvals, approvers, people, plans, tenants, usage, users
from revolution_hub.store import tables as t
from revolution_hub.store.plans import TenantPlan
from revolution_hub.store.usage import Used
from revolution_hub.store.uses import Uses
from revolution_sdk import (
    ActionContext,
    ApiKey,
    Connector,
    Cursor,
    OAuth2,
    Polled,
    RejectedError,
    Secret,
    UnknownOutcomeError,
)
from revolution_sdk.schema import integer, object_
from revolution_sdk.webhooks import sign_standard
from rig.approvals import enroll, person
from rig.asking import Asker, asker
from rig.shop import open_shop, order

PARTS = b'--cut\r\nContent-Disposition: form-data; name="doc"; filename="a.txt"\r\n\r\nroot:%s\r\n--cut--\r\n'
HOUR = {"wait": {"for": "1h"}}


@dataclass(slots=True, kw_only=True)
class World:
    """One tenant: who asks for it, the ids of what is there, and a word that stands in all of it."""

    tenant: str
    word: str
    owner: Asker
    ids: dict[str, str] = field(default_factory=dict)
    workflows: list[str] = field(default_factory=list)

    @property
    def strings(self) -> list[str]:
        """What must never be seen from another tenant."""
        return [self.word, *self.ids.values()]


def install(bench: Any) -> None:
    """Install what worlds are made with: a feed to be polled, and a bank that is reached through an app."""
    feed = Connector("feed", title="Feed", base_url="https://api.feed.test", auth=ApiKey())
    news = feed.event("news.posted", title="Posted", data=object_(open_=True))

    @feed.poll(news, every=timedelta(minutes=1), id="id", cursor=integer())
    def poll_news(ctx: ActionContext, cursor: Cursor) -> Polled:
        """Look for news."""
        return Polled(cursor=0)

    bank = Connector(
        "bank",
        title="Bank",
        base_url="https://api.bank.test",
        auth=OAuth2(
            authorize_url="https://bank.test/authorize", token_url="https://api.bank.test/token", scopes=()
        ),
    )
    for connector in (feed, bank):
        if bench.hub.catalog.find_connector(connector.name) is None:
            bench.hub.catalog.add(connector)


def build(bench: Any, make: Any, client: Any, tenant: str, word: str) -> World:
    """Fill a tenant with one of everything, and return what is there."""
    install(bench)
    made = World(tenant=tenant, word=word, owner=asker(bench.hub, client, "owner", tenant))
    path, body = "/api/integrations/lab", {"disabled_actions": ["post_letter"]}
    made.owner.ask("PUT", path, body, if_match='"0"')
    _people(made, bench, client)
    _members(made, bench)
    _connections(made, bench, make)
    _workflows(made, bench)
    _executions(made, bench)
    _approvals(made, bench)
    _usage(made, bench)
    _deliveries(made, bench, client)
    return made


def _people(world: World, bench: Any, client: Any) -> None:
    for name in ("key", "doomed_key", "sharer"):
        world.ids[name] = asker(bench.hub, client, "guest", world.tenant).key_id
    world.ids["key_cursor"] = base64.urlsafe_b64encode(world.ids["key"].encode()).decode()
    for name in ("role", "doomed_role"):
        body = {
            "name": f"{name.replace('_', '-')}-{world.word}",
            "description": world.word,
            "permissions": ["workflow:read"],
        }
        world.ids[name] = world.owner.ask("POST", "/api/roles", body)["name"]


def _members(world: World, bench: Any) -> None:
    hub, tenant_id = bench.hub, world.tenant
    with hub.store.begin(tenant_id) as tx:
        tenants.add_tenant(tx, tenant_id, f"tenant {world.word}", hub.now())
        for name in ("member", "doomed_member", "disabled_member"):
            email = f"{name}@{world.word}.example.com"
            user = User(id=new_id("usr"), email=email, name=f"{name} {world.word}", created_at=hub.now())
            world.ids[name] = user.id
            users.add_user(tx, user)
            membership = Membership(
                tenant_id=tenant_id,
                user_id=user.id,
                role="viewer",
                created_at=hub.now(),
                added_by="usr_first",
            )
            people.add_membership(tx, membership)
    world.ids["tenant"] = tenant_id
    for name in ("invitation", "doomed_invitation"):
        body = {"email": f"{name}@{world.word}.example.net", "role": "viewer"}
        world.ids[name] = world.owner.ask("POST", "/api/invitations", body)["id"]
    for name in ("service", "doomed_service"):
        body = {"name": f"{name} {world.word}", "role": "viewer"}
        world.ids[name] = world.owner.ask("POST", "/api/service-principals", body)["id"]


def _connections(world: World, bench: Any, make: Any) -> None:
    shop = open_shop(bench, make, tenant=world.tenant)
    world.ids["app"] = shop.app.id
    doomed = {"client_id": f"doomed {world.word}", "client_secret": "s"}
    world.ids["doomed_app"] = world.owner.ask("POST", "/api/integrations/shop/apps", doomed)["id"]
    shop.connect(account=world.word, tenant=world.tenant, name=f"shop {world.word}")
    for name, connector in (("connection", "club"), ("doomed_connection", "club"), ("feed", "feed")):
        body = {"name": f"{name} {world.word}", "credential": {"api_key": f"secret-{world.word}"}}
        path = f"/api/integrations/{connector}/connections"
        world.ids[name] = world.owner.ask("POST", path, body)["id"]
    world.ids["connection_name"] = f"connection {world.word}"
    for _ in range(2):
        shop.deliver(order(account=world.word, key=world.word, data={"word": world.word}))
    (event,) = world.owner.ask("GET", "/api/events")["items"]
    world.ids["event"] = event["id"]
    world.ids["delivery"] = world.owner.ask("GET", "/api/deliveries")["items"][0]["id"]


def _workflows(world: World, bench: Any) -> None:
    main = {
        "name": f"main {world.word}",
        "on": [{"webhook": {}}, {"schedule": {"cron": "0 * * * *"}}, {"event": "feed.news.posted"}],
        "steps": [
            {"id": "each", "for_each": [1, 2], "steps": [{"id": "say", "set": {"word": world.word}}]},
            {"id": "sum", "uses": "lab.compute_sum", "with": {"word": world.word}},
        ],
    }
    owner = world.owner
    world.ids["workflow"] = workflow = owner.create(main)
    published = owner.ask("POST", f"/api/workflows/{workflow}/publish")
    world.ids["hook"] = published["hook_url"].rpartition("/")[2]
    world.ids["signing_secret"] = published["signing_secret"]
    for name, steps in (
        ("doomed_workflow", [{"set": {"word": world.word}}]),
        ("failing", [{"id": "page", "uses": "lab.read_page", "retry": {"attempts": 1}}]),
        ("asking", [{"id": "letter", "uses": "lab.send_letter"}]),
        ("waiting_for", [HOUR]),
        ("gated", [{"id": "gate", "uses": "lab.compute_sum", "approval": {"message": world.word}}]),
    ):
        world.ids[name] = owner.publish({"name": f"{name} {world.word}", "steps": steps})
    world.workflows = [world.ids[name] for name in ("workflow", "failing", "asking", "waiting_for", "gated")]
    path = f"/api/workflows/{workflow}/shares/{world.ids['sharer']}"
    owner.ask("PUT", path, {"right": "view"})
    path = f"/api/integrations/club/connections/{world.ids['connection']}/shares/{world.ids['sharer']}"
    owner.ask("PUT", path, {"right": "use"})
    (schedule,) = owner.ask("GET", f"/api/schedules?workflow_id={workflow}")["items"]
    world.ids["schedule"] = schedule["id"]
    (poll,) = owner.ask("GET", "/api/polls")["items"]
    world.ids["poll"] = poll["id"]
    world.ids["tap"] = owner.ask("POST", "/api/taps", {"workflow_id": workflow})["id"]
    body = {"ids": [world.ids["event"]], "workflow_id": workflow}
    world.ids["replay"] = owner.ask("POST", "/api/events/replay", body)["id"]


def _executions(world: World, bench: Any) -> None:
    def start(name: str, of: str, *plays: tuple[str, Any]) -> None:
        for action, play in plays:
            bench.script.next(action, play)
        path = f"/api/workflows/{world.ids[of]}/execute"
        started = world.owner.ask("POST", path, {"data": {"word": world.word}})
        world.ids[name] = started["execution_id"]
        bench.work()

    start("execution", "workflow")
    start("doomed_execution", "workflow")
    start("failed", "failing", ("read_page", RejectedError(f"no {world.word}")))
    start("failed_too", "failing", ("read_page", RejectedError(f"no {world.word}")))
    start("uncertain", "asking", ("send_letter", UnknownOutcomeError("who knows")))
    start("waiting", "waiting_for")


def _approvals(world: World, bench: Any) -> None:
    """Let somebody be asked, who has answered already, as a link was made that is not used yet."""
    hub = bench.hub
    enroll(hub, world.tenant, **{f"{world.word}_{name}": "approver" for name in ("first", "second")})
    rule = {"quorum": 2}
    for name, pattern in (("policy", "feed.*"), ("doomed_policy", "bank.*")):
        body = {"pattern": pattern, "rule": rule}
        world.ids[name] = world.owner.ask("POST", "/api/approval-policies", body)["id"]
    started = world.owner.ask("POST", f"/api/workflows/{world.ids['gated']}/execute", {"data": {}})
    world.ids["gated_execution"] = started["execution_id"]
    bench.work()
    (asked,) = world.owner.ask("GET", "/api/approvals")["items"]
    world.ids["approval"] = asked["id"]
    first = person(f"{world.word}_first", "approver", world.tenant)
    approval_links.make_link(hub, first, asked["id"])
    vote = Vote(
        approval_id=asked["id"],
        tenant_id=world.tenant,
        user_id=f"usr_{world.word}_second",
        decision=Decision.APPROVE,
        comment=world.word,
        way="api",
        at=hub.now(),
    )
    with hub.store.begin(world.tenant) as tx:
        approvals.add_vote(tx, vote)
        approvers.add_requester(tx, world.ids["gated_execution"], f"usr_{world.word}_first")


def _usage(world: World, bench: Any) -> None:
    """Give the tenant and a key limits that nothing reaches, and count what was used."""
    world.owner.ask(
        "PUT", f"/api/principals/{world.ids['key']}/limits", {"limits": {"executions_per_day": 100_000}}
    )
    with bench.hub.store.begin(world.tenant) as tx:
        given = TenantPlan(plan=None, limits={"executions_per_day": 100_000}, revision=1)
        plans.put_tenant_plan(tx, given, bench.hub.now())
        used = Used(
            tenant_id=world.tenant, day=bench.hub.now().date().isoformat(), meter=usage.EXECUTIONS, quantity=7
        )
        usage.add(tx.conn, [used])


def _deliveries(world: World, bench: Any, client: Any) -> None:
    body = PARTS % world.word.encode()
    at = int(bench.clock.now.timestamp())
    signature = sign_standard(Secret(world.ids["signing_secret"]), "msg_1", at, body)
    headers = {
        "content-type": "multipart/form-data; boundary=cut",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }
    answer = client.post(f"/hooks/{world.ids['hook']}", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    events = world.owner.ask("GET", "/api/events?source=webhook")["items"]
    data = world.owner.ask("GET", f"/api/events/{events[0]['id']}")["data"]
    world.ids["file"] = data["doc"]["file"]


def rows_of(bench: Any, tenant: str) -> dict[str, list[str]]:
    """Return every row of a tenant as text, by table."""
    # What is written beside requests is written now, so that it changes nothing later.
    bench.hub.store.companion(Uses).write()
    found = {}
    with bench.hub.store.read_across() as tx:
        for table in t.TENANT_TABLES:
            query = table.select().where(table.c.tenant_id == tenant)
            found[table.name] = sorted(repr(tuple(row)) for row in tx.conn.execute(query))
        apps = t.provider_apps.select().where(t.provider_apps.c.owner_tenant_id == tenant)
        found["provider_apps"] = sorted(repr(tuple(row)) for row in tx.conn.execute(apps))
    return found


def with_everything(bench: Any, **settings: Any) -> Any:
    """Return the bench as a process whose API may be asked as often as a test likes."""
    often = dict.fromkeys(
        ("requests_per_minute", "tenant_requests_per_minute", "anonymous_per_minute"), 10_000_000
    )
    return bench.with_settings(**often, **settings)
