"""What a webhook trigger says: every problem with its path, and what was kept is read as it was said."""

from typing import Any

import pytest

from revolution_hub.model.parse_webhook import webhook_json, webhook_of
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.webhook import SHAPES, AuthKind, Webhook


def said(webhook: Any) -> tuple[Webhook, dict[str, str]]:
    workflow, problems = read({"name": "w", "on": [{"webhook": webhook}], "steps": [{"set": {"a": 1}}]})
    found = workflow.triggers[0].webhook
    assert found is not None
    return found, {one.path.removeprefix("on[0].webhook."): one.message for one in problems}


@pytest.mark.parametrize(
    ("webhook", "paths"),
    [
        ({"auth": "githb"}, {"auth"}),
        ({"auth": 5}, {"auth"}),
        (
            {"auth": {"hmac": {"header": "a b", "algoritm": "sha256"}}},
            {"auth.hmac.header", "auth.hmac.algoritm"},
        ),
        ({"auth": {"hmac": {"header": "X", "timestamp": "T", "signed": "{body}"}}}, {"auth.hmac.signed"}),
        ({"auth": {"hmac": {"header": "X", "signed": "x"}}}, {"auth.hmac.signed"}),
        (
            {"auth": {"jwt": {"algorithm": "none"}}},
            {"auth.jwt.algorithm", "auth.jwt.issuer", "auth.jwt.audience"},
        ),
        ({"allow": ["10.0.0.1/8", "x", 5]}, {"allow[0]", "allow[1]", "allow[2]"}),
        ({"methods": ["GET", "HEAD", 1]}, {"methods[1]", "methods[2]"}),
        ({"headers": ["cookie", "x-api-key"], "auth": {"api_key": {}}}, {"headers[0]", "headers[1]"}),
        ({"headers": ["X-Hub-Signature-256"], "auth": "github"}, {"headers[0]"}),
        ({"max_bytes": -1, "deadline": 5, "dedup": {}}, {"max_bytes", "deadline", "dedup"}),
        ({"challenge": "slack", "auth": "none"}, {"challenge"}),
    ],
)
def test_every_problem_is_told_with_its_path(webhook: Any, paths: set[str]) -> None:
    assert set(said(webhook)[1]) == paths


def test_a_misspelt_word_is_named_with_the_near_one() -> None:
    assert "did you mean 'methods'" in said({"method": ["GET"]})[1]["method"]


KEPT: list[Any] = [
    None,
    {},
    {"auth": "none", "answer": "result", "deadline": "2m"},
    *({"auth": name} for name in SHAPES),
    {"auth": {"hmac": {"header": "X-Sig", "fields": {"timestamp": "t", "signature": "s"}}}},
    {"auth": {"jwt": {"algorithm": "ES256", "issuer": "i", "audience": "a"}}, "allow": ["10.0.0.0/8"]},
    {"auth": {"api_key": {}}, "methods": ["GET"], "headers": ["X-A"], "dedup": {"body": "id"}},
]


@pytest.mark.parametrize("webhook", KEPT)
def test_what_is_kept_is_read_as_it_was_said(webhook: Any) -> None:
    found, problems = said(webhook)
    assert problems == {}
    # Beside it stands what the workflow says about its executions.
    assert webhook_of({**webhook_json(found), "concurrency": {"key": "x"}}) == found


def test_what_was_kept_before_there_were_other_ways_still_means_the_same() -> None:
    assert webhook_of({"auth": "standard-webhooks", "answer": "accepted"}) == Webhook()
    assert webhook_of({"auth": "none", "answer": "result"}).auth.kind is AuthKind.NONE


def test_what_cannot_be_read_lets_nobody_in() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        webhook_of({"auth": "something new"})


def test_a_secret_is_good_for_one_way_of_signing() -> None:
    ways = [*SHAPES, "standard-webhooks", {"api_key": {}}, {"basic": {}}, {"hmac": {"header": "X"}}]
    ways += [{"jwt": {"algorithm": name, "issuer": "i", "audience": "a"}} for name in ("HS256", "RS256")]
    families = [webhook_of({"auth": way}).auth.family for way in ways]
    # A secret the hub has made for a signature of one's own signs as GitHub wants it as well.
    assert len(set(families)) == len(families) - 1
    assert families[0] == families[-3] == "hmac"
