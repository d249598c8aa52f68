"""The one judge of every fault: what must hold afterwards, whatever happened.

I1 what was accepted has ended · I2 nothing is without an owner · I3 each step is recorded once and had its
effect once · I5 no secret lies anywhere · I7 tenants have not met · I8 nothing is held any more · I9 parents
and children agree.

Not judged: I4, that schedules fire exactly when they are due, which tests with a clock of their own hold, and
I6, that the audit is whole, for the hub has none.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from revolution_hub.store import tables as t
from rig.site import LEASE_S, Owner, Site, held_by, wait_until

ENDED = ("succeeded", "failed", "cancelled")
SPARE_THREADS = 6
SPARE_FILES = 100
"""What an idle process may hold beyond its first moments: its pools of connections, filled by work."""

_BY_DESIGN = ("master.key", "api-key")
"""Files of the data folder that hold a secret on purpose."""


def judge(site: Site, *, limit_s: float = 60.0) -> float:
    """Wait until everything has ended, then check every invariant; returns how many seconds that took."""
    took_s = site.settle(limit_s=limit_s)
    wait_until(lambda: not list(i8_nothing_is_held(site)), "nothing is held", 20.0, lambda: _told(site))
    faults = found(site)
    assert faults == [], "\n".join(faults[:20]) + "\n" + site.hub.log()
    return took_s


def found(site: Site) -> list[str]:
    """Return every violation of every invariant."""
    return [fault for invariant in INVARIANTS for fault in invariant(site)]


def i1_accepted_is_kept(site: Site) -> Iterator[str]:
    """Every 2xx has one event row that says so, and an execution of it that has ended or asks a person."""
    events = {(one["tenant_id"], one["dedup_key"]): one for one in site.rows(sa.select(t.events))}
    executions: dict[str, list[dict[str, Any]]] = {}
    for one in site.rows(sa.select(t.executions)):
        executions.setdefault(one["event_id"], []).append(one)
    asking = _asking(site)
    for taken in site.accepted:
        event = events.get((taken.tenant_id, sha256(taken.message_id.encode()).hexdigest()))
        started = executions.get(event["id"], []) if event else []
        if event is None:
            yield f"I1: {taken} has no event"
        elif event["outcome"] != "started":
            yield f"I1: the event of {taken} says that it has {event['outcome']}, and it started something"
        elif [one["id"] for one in started] != [taken.execution_id]:
            yield f"I1: {taken} was to start one execution, not {[one['id'] for one in started]}"
        elif started[0]["status"] not in ENDED and started[0]["id"] not in asking:
            yield f"I1: {taken} is {started[0]['status']}, {started[0]['wait_reason']}"


def i2_nothing_without_owner(site: Site) -> Iterator[str]:
    """No execution that is not ended is without somebody who brings it on; no lease is long over."""
    oldest = datetime.now(UTC) - timedelta(seconds=2 * LEASE_S)
    for one in site.rows(sa.select(t.executions)):
        status, reason = one["status"], one["wait_reason"]
        name = f"I2: {one['id']} is {status}"
        if status == "running" and (one["lease_owner"] is None or one["lease_until"] is None):
            yield f"{name} and nobody holds it"
        elif status == "running" and one["lease_until"] < oldest:
            yield f"{name} by a lease that was over at {one['lease_until']}"
        elif status != "running" and one["lease_owner"] is not None:
            yield f"{name} and still held by {one['lease_owner']}"
        elif status == "waiting" and (
            reason is None or (reason in ("timer", "retry") and not one["wake_at"])
        ):
            yield f"{name} for {reason}, and nothing wakes it"


def i3_once(site: Site) -> Iterator[str]:
    """One success per step; one effect per repeatable step; at most one call of a step that is `once`."""
    won = Counter(
        (one["execution_id"], one["step_id"])
        for one in site.rows(sa.select(t.attempts).where(t.attempts.c.status == "succeeded"))
    )
    yield from (f"I3: {key} succeeded {count} times" for key, count in won.items() if count > 1)
    repeatable, once = site.provider.effects("repeatable"), site.provider.effects("once")
    asked = Counter(call.key for call in site.provider.calls("once"))
    cut_off = {one["id"] for one in site.rows("SELECT id FROM executions WHERE status = 'cancelled'")}
    for step in site.rows(sa.select(t.step_executions)):
        key, status = f"{step['execution_id']}.{step['step_id']}", step["status"]
        cut = step["execution_id"] in cut_off
        if step["uses"] == "ledger.put_entry" and not _fits(status, repeatable.get(key, 0), cut_off=cut):
            yield f"I3: repeatable {key} is {status} after {repeatable.get(key, 0)} effects"
        if step["uses"] == "ledger.add_entry" and not _fits(status, once.get(key, 0), cut_off=cut):
            yield f"I3: once {key} is {status} after {once.get(key, 0)} effects"
        if asked[key] > 1 + _refused(site, step):
            yield f"I3: once {key} was called {asked[key]} times"
    known = {f"{one['execution_id']}.{one['step_id']}" for one in site.rows(sa.select(t.attempts))}
    yield from (f"I3: {key} had an effect and no attempt" for key in {*repeatable, *once} - known)


def i5_no_secret(site: Site) -> Iterator[str]:
    """No secret lies in a database, its files, its log of changes, Redis, or a log."""
    secrets = [secret for owner in site.owners for secret in owner.secrets]
    forms = [form for secret in secrets for form in _forms(secret)]
    for place, content in _places(site):
        yield from (f"I5: {place} holds a secret" for form in forms if form in content)
    # A server's files hold what its rows hold, and what they held before: plain text is looked for there.
    for path in _server_files(site):
        content = _read(path)
        yield from (f"I5: {path} holds a secret" for secret in secrets if secret.encode() in content)


def i7_tenants_apart(site: Site) -> Iterator[str]:
    """No row, answer or call of one tenant holds the canary of another."""
    for table in t.TENANT_TABLES:
        for row in site.rows(sa.select(table)):
            for owner in _others(site, row["tenant_id"]):
                if owner.canary in _text(row):
                    yield f"I7: a row of {table.name} of {row['tenant_id']} holds data of another tenant"
    for owner in site.owners:
        for call in site.provider.calls():
            if (call.credential in owner.secrets) != (owner.canary in call.note):
                yield f"I7: {call.effect} {call.key} went out with another tenant's credential or data"
        shown = json.dumps(owner.team.executions())
        for other in _others(site, owner.team.tenant_id):
            if other.team.tenant_id in shown or other.canary in shown:
                yield f"I7: the API shows {owner.team.tenant_id} what is another tenant's"


def i8_nothing_is_held(site: Site) -> Iterator[str]:
    """Afterwards there are no leases, and processes hold little more than when they began."""
    held = site.count("lease_owner IS NOT NULL OR lease_until IS NOT NULL")
    if held:
        yield f"I8: {held} leases are held"
    if site.rows("SELECT id FROM connections WHERE refresh_owner IS NOT NULL"):
        yield "I8: a connection is being refreshed"
    threads, files = site.idle["worker"]
    for pid in site.hub.children("worker"):
        now_threads, now_files = held_by(pid)
        if now_threads > threads + SPARE_THREADS or now_files > files + SPARE_FILES:
            more = (now_threads - threads, now_files - files)
            yield f"I8: worker {pid} has {more} more threads and files than in the beginning"


def i9_families(site: Site) -> Iterator[str]:
    """Nobody waits for children that have ended, no child outlives its parent, each place has one child."""
    executions = {one["id"]: one for one in site.rows(sa.select(t.executions))}
    children = [one for one in executions.values() if one["parent_id"] is not None]
    under_way = {one["parent_id"] for one in children if one["status"] not in ENDED}
    for one in executions.values():
        waits = one["status"] == "waiting" and one["wait_reason"] == "children"
        if waits and one["id"] not in under_way:
            yield f"I9: {one['id']} waits for children, and none is under way"
    for one in children:
        parent = executions.get(one["parent_id"])
        if parent is None:
            yield f"I9: {one['id']} has no parent"
        elif parent["status"] in ENDED and one["status"] not in ENDED:
            yield f"I9: {one['id']} is {one['status']}, and its parent is {parent['status']}"
    places = Counter((one["parent_id"], one["parent_step"], one["place"]) for one in children)
    yield from (f"I9: {count} children have the place {key}" for key, count in places.items() if count > 1)


INVARIANTS: tuple[Callable[[Site], Iterator[str]], ...] = (
    i1_accepted_is_kept,
    i2_nothing_without_owner,
    i3_once,
    i5_no_secret,
    i7_tenants_apart,
    i8_nothing_is_held,
    i9_families,
)


def _told(site: Site) -> str:
    return "\n".join(i8_nothing_is_held(site))


def _asking(site: Site) -> set[str]:
    """Return who asks a person something, or waits for a child that does."""
    executions = {one["id"]: one for one in site.rows(sa.select(t.executions))}
    asking = set()
    for one in executions.values():
        above = one if one["wait_reason"] == "uncertain" and one["status"] == "waiting" else None
        while above is not None:
            asking.add(above["id"])
            above = executions.get(above["parent_id"])
    return asking


def _fits(status: str, effects: int, *, cut_off: bool) -> bool:
    if status == "succeeded":
        return effects == 1
    # Of what was under way when somebody ended the execution, nobody learned what came of it.
    unknown = status == "uncertain" or (cut_off and status == "running")
    return effects <= 1 if unknown else effects == 0


def _refused(site: Site, step: dict[str, Any]) -> int:
    """Count the attempts of which the hub knows that nothing came of them."""
    mine = sa.and_(t.attempts.c.execution_id == step["execution_id"], t.attempts.c.step_id == step["step_id"])
    failed = site.rows(sa.select(t.attempts).where(mine, t.attempts.c.status == "failed"))
    return sum(1 for one in failed if (one["error"] or {}).get("code") == "rate_limited")


def _others(site: Site, tenant_id: str) -> list[Owner]:
    return [one for one in site.owners if one.team.tenant_id != tenant_id]


def _text(row: dict[str, Any]) -> str:
    return " ".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row.values()
    )


def _forms(secret: str) -> list[bytes]:
    plain = secret.encode()
    return [plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")]


def _places(site: Site) -> Iterator[tuple[str, bytes]]:
    for table in t.metadata.sorted_tables:
        rows = site.rows(sa.select(table))
        yield f"table {table.name}", "\n".join(map(_text, rows)).encode("utf-8", "replace")
    for folder in (site.folder, *([site.redis.folder] if site.redis else [])):
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in _BY_DESIGN:
                yield str(path), _read(path)
    if site.redis is not None:
        yield from _redis_keys(site)


def _server_files(site: Site) -> Iterator[Path]:
    if site.postgres is None:
        return
    oid = site.rows(f"SELECT oid FROM pg_database WHERE datname = '{site.database}'")[0]["oid"]
    for part in ("log", "data/pg_wal", f"data/base/{oid}"):
        place = site.postgres.folder / part
        yield from ([place] if place.is_file() else (one for one in place.rglob("*") if one.is_file()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # A server removes files of its own while we look; what is gone holds nothing.
        return b""


def _redis_keys(site: Site) -> Iterator[tuple[str, bytes]]:
    assert site.redis is not None
    read = {
        b"string": lambda client, key: client.get(key),
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"set": lambda client, key: client.smembers(key),
        b"hash": lambda client, key: client.hgetall(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"stream": lambda client, key: client.xrange(key),
    }
    with site.redis.client() as client:
        for key in client.scan_iter():
            kind = client.type(key)
            if kind != b"none":
                yield f"Redis key {key!r}", key + repr(read[kind](client, key)).encode()
