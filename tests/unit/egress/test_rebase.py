"""rebase: where a request goes when a connection names another base URL."""

import pytest

from revolution_sdk.connector import Connector
from revolution_sdk.errors import RejectedError
from revolution_sdk.http import rebase

ACME = Connector(
    "acme", title="Acme", base_url="https://api.acme.com/v1", hosts=("up.acme.com", "id.acme.com")
)
BARE = Connector("bare", title="Bare", hosts=("api.bare.com",))

MOVED = [
    ("https://api.acme.com/v1/contacts?a=1", "http://127.0.0.1:9101", "http://127.0.0.1:9101/contacts?a=1"),
    ("https://api.acme.com/v1", "http://127.0.0.1:9101", "http://127.0.0.1:9101"),
    ("https://api.acme.com/v1/", "http://127.0.0.1:9101/", "http://127.0.0.1:9101/"),
    ("https://api.acme.com/v1?a=1", "http://127.0.0.1:9101/x", "http://127.0.0.1:9101/x?a=1"),
    ("https://api.acme.com/v1/contacts", "http://127.0.0.1:9101/base", "http://127.0.0.1:9101/base/contacts"),
    ("https://api.acme.com/v2/contacts", "http://127.0.0.1:9101/base", "http://127.0.0.1:9101/v2/contacts"),
    ("https://api.acme.com/v10/contacts", "http://127.0.0.1:9101", "http://127.0.0.1:9101/v10/contacts"),
    ("https://up.acme.com/put?x=%2F", "http://[::1]:9101/base", "http://[::1]:9101/put?x=%2F"),
    ("https://id.acme.com/token", "https://eu.acme.io:8443", "https://eu.acme.io:8443/token"),
    ("https://eu.acme.io/next?page=2", "https://eu.acme.io/base", "https://eu.acme.io/next?page=2"),
    ("http://127.0.0.1:9101/next", "http://127.0.0.1:9101/base", "http://127.0.0.1:9101/next"),
    ("https://api.acme.com/v1/contacts", "", "https://api.acme.com/v1/contacts"),
    ("https://up.acme.com/put", "", "https://up.acme.com/put"),
]


@pytest.mark.parametrize(("url", "base_url", "expect"), MOVED)
def test_a_declared_address_moves_to_the_connections_own(url: str, base_url: str, expect: str) -> None:
    assert rebase(url, ACME, base_url) == expect


REFUSED = [
    "https://evil.com/v1/contacts",
    "https://api.acme.com.evil.com/v1/contacts",
    "https://evil.com/https://api.acme.com/v1/",
    "https://api.acme.com@evil.com/v1/contacts",
    "https://api.acme.com:pw@evil.com/v1/contacts",
    "https://evil.com#@api.acme.com/v1",
    "https://evil.com\\@up.evil.com/",
    "https://acme.com/",
    "https://xapi.acme.com/",
    "https://api.acme.com:8443/v1/contacts",
    "https://api.acme.com./v1/contacts",
    "file://api.acme.com/etc/passwd",
    "ftp://up.acme.com/x",
    "http://127.0.0.1:9102/next",
    "http://127.0.0.1/next",
    "https://127.0.0.1:9101/next",
    "/v1/contacts",
    "//evil.com/v1",
    "",
]


@pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:9101/base"])
@pytest.mark.parametrize("url", REFUSED)
def test_any_other_address_is_refused(url: str, base_url: str) -> None:
    with pytest.raises(RejectedError) as refused:
        rebase(url, ACME, base_url)
    assert refused.value.code == "host_not_allowed"


def test_a_connector_without_a_base_url_moves_by_host_alone() -> None:
    assert rebase("https://api.bare.com/a?b=c", BARE, "https://own.io/x") == "https://own.io/a?b=c"
