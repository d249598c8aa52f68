"""The published schema of webhooks and of what `respond` answers: it and `parse` take the same."""

from typing import Any

import pytest

from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.workflow_schema import workflow_schema

HMAC = {"header": "X-Sig"}
JWT = {"algorithm": "RS256", "issuer": "https://issuer.test", "audience": "hub"}
GOOD_WEBHOOKS: list[Any] = [
    {"auth": "github"},
    {"auth": "stripe", "answer": "result", "deadline": "90s"},
    {"auth": {"hmac": HMAC}},
    {"auth": {"hmac": {**HMAC, "algorithm": "sha512", "encoding": "base64", "prefix": "v1="}}},
    {"auth": {"hmac": {**HMAC, "timestamp": "X-Time"}}},
    {"auth": {"hmac": {**HMAC, "timestamp": "X-Time", "signed": "v0:{timestamp}:{body}"}}},
    {"auth": {"hmac": {**HMAC, "fields": {"timestamp": "t", "signature": "v1"}}}},
    {"auth": {"hmac": {**HMAC, "fields": {"signature": "v1"}, "signed": "{body}!"}}},
    {"auth": {"api_key": {"header": "Authorization"}}},
    {"auth": {"api_key": None}},
    {"auth": {"basic": {}}},
    {"auth": {"jwt": JWT}},
    {"auth": {"jwt": {**JWT, "header": "X-Token"}}},
    {"methods": ["GET", "POST"], "max_bytes": 1, "headers": ["X-A"], "challenge": "meta"},
    {"allow": ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"], "auth": "slack", "challenge": "slack"},
    {"dedup": {"header": "X-Id"}},
    {"dedup": {"body": "data.id"}},
    {"dedup": {"query": "id"}},
]
BAD_WEBHOOKS: list[Any] = [
    {"auth": "basic"},
    {"auth": None},
    {"auth": {}},
    {"auth": {"basic": {}, "api_key": {}}},
    {"auth": {"basic": {"user": "x"}}},
    {"auth": {"api_key": {"header": "X Key"}}},
    {"auth": {"hmac": {}}},
    {"auth": {"hmac": {**HMAC, "algorithm": "md5"}}},
    {"auth": {"hmac": {**HMAC, "encoding": "ascii"}}},
    {"auth": {"hmac": {**HMAC, "signed": "nothing"}}},
    {"auth": {"hmac": {**HMAC, "signed": "{body}{body}"}}},
    {"auth": {"hmac": {**HMAC, "signed": "{timestamp}{body}"}}},
    {"auth": {"hmac": {**HMAC, "timestamp": "X-Time", "signed": "{body}"}}},
    {"auth": {"hmac": {**HMAC, "timestamp": "X-Time", "fields": {"timestamp": "t", "signature": "v1"}}}},
    {"auth": {"hmac": {**HMAC, "fields": {"timestamp": "t"}}}},
    {"auth": {"hmac": {**HMAC, "fields": {"signature": "v 1"}}}},
    {"auth": {"jwt": {}}},
    {"auth": {"jwt": {**JWT, "algorithm": "none"}}},
    {"auth": {"jwt": {**JWT, "algorithm": ["HS256", "RS256"]}}},
    {"auth": {"jwt": {**JWT, "audience": ""}}},
    {"deadline": 5},
    {"answer": "result", "deadline": 121},
    {"answer": "result", "deadline": "soon"},
    {"methods": []},
    {"methods": ["post"]},
    {"methods": ["OPTIONS"]},
    {"methods": ["POST", "POST"]},
    {"methods": "POST"},
    {"allow": []},
    {"allow": ["everybody"]},
    {"allow": [5]},
    {"allow": "10.0.0.0/8"},
    {"headers": ["Authorization"] * 2},
    {"headers": ["authorization"]},
    {"headers": ["cookie"]},
    {"headers": ["X A"]},
    {"headers": [f"X-{n}" for n in range(21)]},
    {"max_bytes": 0},
    {"max_bytes": 1.5},
    {"max_bytes": "1MB"},
    {"dedup": {}},
    {"dedup": "id"},
    {"dedup": {"header": "X Id"}},
    {"dedup": {"body": ""}},
    {"dedup": {"header": "X-Id", "query": "id"}},
    {"challenge": "google"},
    {"challenge": "slack", "auth": "none"},
    {"secret": "x"},
]

GOOD_STEPS: list[Any] = [
    {"headers": {"Content-Type": "text/plain", "ETag": "{{ vars.tag }}", "Expires": None}},
    {"headers": {"Location": "https://example.com:8443/{{ vars.place }}", "Retry-After": 5}},
]
BAD_STEPS: list[Any] = [
    {"headers": {"Set-Cookie": "a=b"}},
    {"headers": {"Location": "/there"}},
    {"headers": {"Location": "{{ trigger.data.to }}"}},
    {"headers": {"Location": "https://example.com@evil.test/"}},
    {"headers": {"ETag": {}}},
    {"headers": []},
]


def webhook(said: Any) -> Any:
    return {"name": "w", "on": [{"webhook": said}], "steps": [{"set": {"a": 1}}]}


def respond(said: Any) -> Any:
    return {"name": "w", "steps": [{"respond": said}]}


@pytest.mark.parametrize("document", [*map(webhook, GOOD_WEBHOOKS), *map(respond, GOOD_STEPS)])
def test_what_makes_sense_is_taken_by_both(document: Any) -> None:
    assert judge(workflow_schema(), document, "") == []
    assert read(document)[1] == []


@pytest.mark.parametrize("document", [*map(webhook, BAD_WEBHOOKS), *map(respond, BAD_STEPS)])
def test_what_makes_no_sense_is_taken_by_neither(document: Any) -> None:
    assert judge(workflow_schema(), document, "") != []
    assert read(document)[1] != []
