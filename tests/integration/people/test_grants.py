"""What a tenant hands in for each way to authorize, tried at a real OAuth 2 server where it can be."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rig.bureau import Bureau
from rig.oauth import CLIENT_ID, CLIENT_SECRET

from revolution_hub.vault.grants import renewable, renewed, wire_headers
from revolution_hub.vault.token_endpoint import clean, said, scopes_of
from revolution_sdk import ApiKey, Basic, Bearer, ClientCredentials, JwtBearer, NoAuth, OAuth2
from revolution_sdk.auth import Auth

TOKEN_URL = "https://acme.test/token"
PATH = "/api/integrations/acme/connections"
WAYS: dict[str, tuple[Auth, dict[str, str], str]] = {
    "none": (NoAuth(), {}, ""),
    "api_key": (ApiKey(), {"api_key": "k"}, "Bearer k"),
    "basic": (Basic(), {"username": "Ada", "password": "pä:ß"}, "Basic QWRhOnDDpDrDnw=="),
    "bearer": (Bearer(), {"token": "t"}, "Bearer t"),
}


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def ada(bureau: Bureau) -> Any:
    """Somebody who may connect accounts."""
    return bureau.town.person("ada@example.com")


@pytest.mark.parametrize("kind", WAYS)
def test_what_is_handed_in_goes_onto_the_wire_as_its_kind_says(kind: str) -> None:
    auth, credential, header = WAYS[kind]
    assert auth.kind == kind
    assert Draft202012Validator(auth.credential_schema).is_valid(credential)
    assert wire_headers(auth, credential) == ({"Authorization": header} if header else {})
    assert not renewable(auth)


@pytest.mark.parametrize(
    "auth",
    [
        *(way[0] for way in WAYS.values()),
        OAuth2(authorize_url="https://acme.test/a", token_url=TOKEN_URL),
        ClientCredentials(token_url=TOKEN_URL),
        JwtBearer(token_url=TOKEN_URL),
    ],
)
def test_every_secret_member_says_that_it_is_one(auth: Auth) -> None:
    schema = auth.credential_schema
    Draft202012Validator.check_schema(schema)
    secret = {name for name, one in schema["properties"].items() if one.get("writeOnly")}
    assert secret == set(schema["properties"]) & {
        *("api_key", "password", "token", "refresh_token", "client_secret", "private_key")
    }
    assert all(schema["properties"][name]["format"] == "password" for name in secret)


@pytest.mark.parametrize("bad", ["http://acme.test/t", "javascript:x", "https://", "https://u@a.test", "x"])
def test_an_address_that_is_not_https_is_refused_where_it_is_declared(bad: str) -> None:
    for make in (
        lambda: OAuth2(authorize_url=bad, token_url=TOKEN_URL),
        lambda: OAuth2(authorize_url=TOKEN_URL, token_url=bad),
        lambda: OAuth2(authorize_url=TOKEN_URL, token_url=TOKEN_URL, revoke_url=bad),
        lambda: OAuth2(authorize_url=TOKEN_URL, token_url=TOKEN_URL, identity_url=bad),
        lambda: ClientCredentials(token_url=bad),
        lambda: JwtBearer(token_url=bad),
    ):
        with pytest.raises(ValueError, match="https"):
            make()


def test_a_client_connects_in_its_own_name_and_is_renewed(bureau: Bureau, ada: Any) -> None:
    credential = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    body = {"credential": credential, "auth": "client_credentials", "base_url": bureau.acme.url}
    made = bureau.connection(ada.ask("POST", PATH, body)["id"])
    assert (made.auth_kind, made.account, made.scopes) == ("client_credentials", CLIENT_ID, ["read"])
    auth = bureau.hub.catalog.get_connector("acme").auth_of(made.auth_kind)
    document = bureau.document(made)
    with bureau.hub.egress.token_client(bureau.hub.catalog.get_connector("acme"), made.base_url) as http:
        again = renewed(http, auth, None, document, bureau.hub.now())
    assert again.document["access_token"] != document["access_token"]
    assert {name: again.document[name] for name in credential} == credential


def test_a_wrong_client_is_no_connection_and_its_secret_is_not_repeated(bureau: Bureau, ada: Any) -> None:
    credential = {"client_id": CLIENT_ID, "client_secret": "wrong-canary-5f4e3d2c1b"}
    body = {"credential": credential, "auth": "client_credentials", "base_url": bureau.acme.url}
    answer = ada.call("POST", PATH, body)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (422, "grant_refused")
    assert "canary" not in answer.text
    assert bureau.all() == []


@pytest.mark.parametrize("subject", ["ada@example.com", None])
def test_a_signed_assertion_is_traded_for_a_token(bureau: Bureau, clock: Any, subject: str | None) -> None:
    # The clock of tests stands still, and to the server an assertion would be long over.
    clock.now = datetime.now(UTC)
    ada = bureau.town.person("ada@example.com")
    bureau.acme.know_key("robot@acme.test", PUBLIC)
    credential = {"issuer": "robot@acme.test", "private_key": pem(RSA), "audience": bureau.acme.url}
    credential |= {"subject": subject, "key_id": "k1"} if subject else {}
    body = {"credential": credential, "auth": "jwt_bearer", "base_url": bureau.acme.url}
    made = bureau.connection(ada.ask("POST", PATH, body)["id"])
    (claims,) = bureau.acme.assertions()
    assert (claims["iss"], claims.get("sub"), claims["scope"]) == ("robot@acme.test", subject, "read")
    assert claims["exp"] - claims["iat"] == 300
    assert (made.auth_kind, made.account) == ("jwt_bearer", subject or CLIENT_ID)
    assert bureau.document(made)["private_key"] == pem(RSA)


KEYS = {
    "no key": "hello",
    "of another kind": pem(ec.generate_private_key(ec.SECP256R1())),
    "too short": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    "public": PUBLIC,
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_signs_nothing_is_refused_before_anybody_is_asked(
    bureau: Bureau, ada: Any, name: str
) -> None:
    credential = {"issuer": "robot@acme.test", "private_key": KEYS[name]}
    body = {"credential": credential, "auth": "jwt_bearer", "base_url": bureau.acme.url}
    answer = ada.call("POST", PATH, body)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (422, "private_key")
    assert bureau.acme.counts() == {}


def test_a_way_the_connector_does_not_have_is_refused(bureau: Bureau, ada: Any) -> None:
    body = {"credential": {"token": "t"}, "auth": "bearer"}
    assert ada.call("POST", PATH, body).json()["problems"][0]["path"] == "auth"


def test_the_ways_of_a_connector_are_shown_with_what_each_needs(bureau: Bureau, ada: Any) -> None:
    shown = ada.ask("GET", "/api/integrations/acme")
    assert shown["auth"] == "oauth2"
    assert [one["kind"] for one in shown["auths"]] == ["oauth2", "client_credentials", "jwt_bearer"]
    assert all(one["title"] and one["credential_schema"]["properties"] for one in shown["auths"])


@given(st.text(), st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-", min_size=20, max_size=60))
def test_nothing_that_looks_like_a_secret_is_left_in_somebody_elses_words(text: str, secret: str) -> None:
    shown = clean(f"{text} {secret} {text}")
    assert secret not in shown
    assert len(shown) <= 200
    assert shown == "" or shown.isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "status", "message", "scope", "scopes"]) | st.text(), inner
            )
        ),
    )
)
def test_whatever_an_answer_says_is_read_without_trouble(body: Any) -> None:
    assert isinstance(said(body), str)
    if isinstance(body, dict):
        found = scopes_of(body)
        assert found is None or all(isinstance(one, str) for one in found)


def test_a_basic_pair_cannot_be_read_as_another() -> None:
    schema = Draft202012Validator(Basic().credential_schema)
    assert not schema.is_valid({"username": "a:b", "password": "c"})
    assert schema.is_valid({"username": "a", "password": "b:c"})
    header = wire_headers(Basic(), {"username": "a", "password": "b:c"})["Authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")) == b"a:b:c"
