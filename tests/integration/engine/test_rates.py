"""Requests are counted per principal, per tenant, and per address where no key is valid."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rig.asking import Asker, asker

from revolution_hub.api.app import make_api
from revolution_hub.bus.quota import Quotas
from revolution_hub.settings import Settings
from revolution_hub.store import plans
from revolution_hub.store.plans import TenantPlan


@contextmanager
def door(bench: Any, **settings: Any) -> Iterator[tuple[TestClient, Any]]:
    narrow = bench.with_settings(**settings)
    with TestClient(make_api(narrow.hub), raise_server_exceptions=False) as client:
        yield client, narrow.hub


def asked(one: Asker, number: int) -> list[int]:
    return [one.call("GET", "/api/keys").status_code for _ in range(number)]


def test_a_principal_has_a_rate_of_its_own(bench: Any) -> None:
    with door(bench, requests_per_minute=3) as (client, hub):
        first, second = asker(hub, client), asker(hub, client)
        assert asked(first, 4) == [200, 200, 200, 429]
        answer = first.call("GET", "/api/keys")
        assert answer.json()["code"] == "rate_limited"
        assert int(answer.headers["retry-after"]) >= 1
        assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("3", "0")
        assert asked(second, 1) == [200]


def test_more_keys_bring_a_tenant_no_more_requests(bench: Any) -> None:
    with door(bench, tenant_requests_per_minute=5) as (client, hub):
        keys = [asker(hub, client) for _ in range(4)]
        assert sorted(code for one in keys for code in asked(one, 2)) == [200] * 5 + [429] * 3
        elsewhere = asker(hub, client, tenant_id="ten_b")
        assert asked(elsewhere, 2) == [200, 200]
        told = keys[0].call("GET", "/api/keys").headers
        assert told["ratelimit-limit"] == "5"


def test_a_plan_and_a_principals_own_limit_say_how_many_requests(bench: Any) -> None:
    with door(bench) as (client, hub):
        first, second = asker(hub, client), asker(hub, client)
        with hub.store.begin("ten_a") as tx:
            given = TenantPlan(limits={"requests_per_minute": 6})
            plans.put_tenant_plan(tx, given, bench.clock.now)
            plans.put_principal_limits(tx, first.key_id, {"requests_per_minute": 2}, bench.clock.now)
        hub.store.companion(Quotas).forget()
        assert asked(first, 3) == [200, 200, 429]
        # What was refused for the one costs the others nothing.
        assert asked(second, 5) == [200] * 4 + [429]


def test_whoever_has_no_valid_key_is_counted_by_address(bench: Any) -> None:
    proxies = Settings.read({"REVOLUTION_TRUSTED_PROXIES": "10.0.0.0/8"}).trusted_proxies
    narrow = bench.with_settings(anonymous_per_minute=3, trusted_proxies=proxies)
    with TestClient(make_api(narrow.hub), raise_server_exceptions=False, client=("10.0.0.1", 1)) as client:

        def guess(address: str, key: str = "wrong") -> int:
            headers = {"authorization": f"Bearer rev_{key}", "x-forwarded-for": address}
            return client.get("/api/keys", headers=headers).status_code

        assert [guess("192.0.2.1", f"k{number}") for number in range(5)] == [401, 401, 401, 429, 429]
        assert guess("192.0.2.2") == 401
        # A single customer has a whole network of IPv6, so that is what is counted.
        found = [guess(f"2001:db8::{number}") for number in range(4)]
        assert found == [401, 401, 401, 429]
        # What a client says about itself does not help it: the proxy says who it was.
        assert guess("198.51.100.1, 192.0.2.1") == 429
        good = asker(narrow.hub, client)
        headers = {"authorization": f"Bearer {good.key}", "x-forwarded-for": "192.0.2.1"}
        assert client.get("/api/keys", headers=headers).status_code == 200


def test_an_address_that_is_said_by_a_stranger_counts_nothing(bench: Any) -> None:
    with door(bench, anonymous_per_minute=3) as (client, _):
        codes = [
            client.get("/api/keys", headers={"x-forwarded-for": f"192.0.2.{number}"}).status_code
            for number in range(5)
        ]
        assert codes == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("header", ["x-real-ip", "forwarded", "x-client-ip", "x-originating-ip"])
def test_no_other_header_says_who_it_is(bench: Any, header: str, asker_of: Callable[..., Asker]) -> None:
    with door(bench, anonymous_per_minute=1) as (client, _):
        assert client.get("/api/keys", headers={header: "192.0.2.1"}).status_code == 401
        assert client.get("/api/keys", headers={header: "192.0.2.2"}).status_code == 429
