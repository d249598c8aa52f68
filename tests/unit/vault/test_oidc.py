"""ID tokens: one that is right counts, and no other one, whatever is wrong with it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from revolution_hub.errors import AccessError, LimitError
from revolution_hub.settings import OidcProvider
from revolution_hub.vault.oidc import Oidc, Said, Secrets
from revolution_sdk import RejectedError, Secret

ISSUER = "https://login.example.com"
NONCE = "n-0S6_WzA2Mj"
PROVIDER = OidcProvider(name="corp", issuer=ISSUER, client_id="hub", client_secret=Secret("s"))
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "two"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
CLAIMS = {
    "iss": ISSUER,
    "sub": "ada-1",
    "aud": "hub",
    "exp": NOW_S + 300,
    "iat": NOW_S,
    "nonce": NONCE,
    "email": "ada@example.com",
    "email_verified": True,
    "name": "Ada",
}


class Outside:
    """A provider behind a transport: what it publishes, and how often it was asked."""

    def __init__(self, **published: Any) -> None:
        self.keys = [KEY.as_dict(private=False), CURVE.as_dict(private=False)]
        self.document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            **published,
        }
        self.asked: list[str] = []
        self.challenge = ""

    def transport(self, base_url: str) -> httpx2.BaseTransport:
        return httpx2.MockTransport(self._answer)

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise RejectedError("the address is not allowed", code="address_blocked")

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if request.url.path == "/token":
            return self._trade(parse_qs(request.content.decode()))
        found: Any = {"keys": self.keys} if request.url.path == "/keys" else self.document
        return httpx2.Response(200, json=found)

    def _trade(self, given: dict[str, list[str]]) -> httpx2.Response:
        """Give a token for the code if the verifier is that of the challenge, as RFC 7636 has it."""
        digest = hashlib.sha256(given["code_verifier"][0].encode()).digest()
        if not hmac.compare_digest(part(digest), self.challenge):
            return httpx2.Response(400, json={"error": "invalid_grant"})
        return httpx2.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": signed()})


def oidc(outside: Outside | None = None) -> Oidc:
    return Oidc((PROVIDER,), outside or Outside(), "https://hub.test", lambda: NOW)


def signed(claims: Any = None, header: Any = None, key: Any = KEY, payload: bytes | None = None) -> str:
    given = {"alg": "RS256", "kid": "one", **(header or {})}
    content = json.dumps(claims if claims is not None else CLAIMS).encode() if payload is None else payload
    return str(jws.serialize_compact(given, content, key, [given["alg"]]))


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_a_token_that_is_right_says_who_somebody_is() -> None:
    said = oidc().read(PROVIDER, signed(), NONCE)
    assert said == Said(issuer=ISSUER, subject="ada-1", email="ada@example.com", name="Ada")
    curved = signed(header={"alg": "ES256", "kid": "two"}, key=CURVE)
    assert oidc().read(PROVIDER, curved, NONCE) == said
    several = signed({**CLAIMS, "aud": ["hub", "other"], "azp": "hub"})
    assert oidc().read(PROVIDER, several, NONCE) == said


def without(name: str) -> str:
    return signed({key: value for key, value in CLAIMS.items() if key != name})


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'kid': 'one'})}.{part(CLAIMS)}."


def secret_from_public(algorithm: str) -> str:
    """Sign with the public key as if it were a secret, as whoever knows it could."""
    pem = KEY.as_pem(private=False)
    head = f"{part({'alg': algorithm, 'kid': 'one'})}.{part(CLAIMS)}"
    digest = hmac.digest(head.encode(), pem, "sha256")
    return f"{head}.{part(digest)}"


MUTATED: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: unsigned("none"),
    "no algorithm, in other letters": lambda: unsigned("nOnE"),
    "no algorithm named": lambda: f"{part({'kid': 'one'})}.{part(CLAIMS)}.",
    "a signature taken off": lambda: signed().rpartition(".")[0] + ".",
    "the public key as a secret": lambda: secret_from_public("HS256"),
    "another secret algorithm": lambda: signed(header={"alg": "HS256"}, key=OctKey.import_key("x" * 64)),
    "another key of the same name": lambda: signed(key=STRANGER),
    "a key that is not published": lambda: signed(header={"kid": "three"}),
    "no name of a key, of which there are two": lambda: str(
        jws.serialize_compact({"alg": "RS256"}, json.dumps(CLAIMS), KEY, ["RS256"])
    ),
    "the algorithm of another key": lambda: signed(header={"alg": "RS256", "kid": "two"}),
    "crit": lambda: raw_header({"crit": ["exp"], "exp": 1}),
    "crit that nobody knows": lambda: raw_header({"crit": ["x"], "x": 1}),
    "jku": lambda: raw_header({"jku": "https://evil.test/keys"}),
    "x5u": lambda: raw_header({"x5u": "https://evil.test/cert"}),
    "a key of its own": lambda: raw_header({"jwk": STRANGER.as_dict(private=False)}),
    "another issuer": lambda: signed({**CLAIMS, "iss": "https://evil.test"}),
    "an issuer with a slash": lambda: signed({**CLAIMS, "iss": ISSUER + "/"}),
    "no issuer": lambda: without("iss"),
    "another audience": lambda: signed({**CLAIMS, "aud": "other"}),
    "no audience": lambda: without("aud"),
    "an empty audience": lambda: signed({**CLAIMS, "aud": []}),
    "several audiences and nobody named": lambda: signed({**CLAIMS, "aud": ["hub", "other"]}),
    "for another party": lambda: signed({**CLAIMS, "azp": "other"}),
    "another nonce": lambda: signed({**CLAIMS, "nonce": "x"}),
    "no nonce": lambda: without("nonce"),
    "a nonce that is no text": lambda: signed({**CLAIMS, "nonce": [NONCE]}),
    "a nonce of other letters": lambda: signed({**CLAIMS, "nonce": NONCE + "\u00e9"}),
    "over": lambda: signed({**CLAIMS, "exp": NOW_S - 61}),
    "without an end": lambda: without("exp"),
    "an end that is true": lambda: signed({**CLAIMS, "exp": True}),
    "an end that is text": lambda: signed({**CLAIMS, "exp": str(NOW_S + 300)}),
    "from the future": lambda: signed({**CLAIMS, "iat": NOW_S + 3600}),
    "not yet": lambda: signed({**CLAIMS, "nbf": NOW_S + 3600}),
    "old": lambda: signed({**CLAIMS, "iat": NOW_S - 3600}),
    "without a beginning": lambda: without("iat"),
    "nobody": lambda: without("sub"),
    "an empty subject": lambda: signed({**CLAIMS, "sub": ""}),
    "a subject that is a number": lambda: signed({**CLAIMS, "sub": 7}),
    "a subject that is too long": lambda: signed({**CLAIMS, "sub": "x" * 256}),
    "no object": lambda: signed(payload=b"[]"),
    "no JSON": lambda: signed(payload=b"{"),
    "claims twice": lambda: signed(payload=json.dumps(CLAIMS)[:-1].encode() + b', "sub": "eve"}'),
    "empty": lambda: "",
    "no token": lambda: "x.y.z",
    "five parts": lambda: signed() + ".x.y",
    "too long": lambda: signed({**CLAIMS, "x": "y" * 20_000}),
}


def raw_header(more: Any) -> str:
    """Sign with the right key under a header the library itself would not write."""
    head = f"{part({'alg': 'RS256', 'kid': 'one', **more})}.{part(CLAIMS)}"
    private: Any = KEY.get_op_key("sign")
    return f"{head}.{part(private.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_the_header_under_test_is_what_is_refused_and_not_the_signature() -> None:
    assert oidc().read(PROVIDER, raw_header({}), NONCE).subject == "ada-1"


@pytest.mark.parametrize("how", MUTATED)
def test_a_token_that_is_not_right_lets_nobody_in(how: str) -> None:
    with pytest.raises(AccessError) as caught:
        oidc().read(PROVIDER, MUTATED[how](), NONCE)
    assert caught.value.code == "login_failed"
    assert "ada" not in caught.value.message


@given(at=st.integers(0, 10_000), bit=st.integers(0, 5))
def test_no_changed_letter_goes_unseen(at: int, bit: int) -> None:
    token = TOKEN
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = at % len(token)
    if token[place] == ".":
        return
    changed = letters[letters.index(token[place]) ^ (1 << bit)]
    mutated = token[:place] + changed + token[place + 1 :]
    if decoded(mutated) == decoded(token):
        return  # the last letter of a part may hold bits that mean nothing
    with pytest.raises(AccessError):
        READER.read(PROVIDER, mutated, NONCE)


def decoded(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(one + "==") for one in token.split(".")]


TOKEN = signed()
READER = oidc()


@pytest.mark.parametrize("verified", [False, None, "true", 1, "false", []])
def test_an_address_counts_only_if_it_is_verified(verified: Any) -> None:
    said = oidc().read(PROVIDER, signed({**CLAIMS, "email_verified": verified}), NONCE)
    assert said.email is None


def test_a_key_that_is_new_is_looked_for_but_not_at_every_token() -> None:
    outside = Outside()
    asking = oidc(outside)
    asking.read(PROVIDER, signed(), NONCE)
    asked = len(outside.asked)
    for _ in range(5):
        with pytest.raises(AccessError):
            asking.read(PROVIDER, signed(header={"kid": "three"}), NONCE)
    asking.read(PROVIDER, signed(), NONCE)
    assert len(outside.asked) == asked


@pytest.mark.parametrize("issuer", ["https://evil.test", ISSUER + "/", None, "", 7])
def test_a_provider_that_says_it_is_another_is_not_believed(issuer: Any) -> None:
    with pytest.raises(LimitError) as caught:
        oidc(Outside(issuer=issuer)).read(PROVIDER, signed(), NONCE)
    assert caught.value.code == "provider_away"


def test_o4_a_code_is_traded_with_the_verifier_of_the_login_it_was_asked_for_in() -> None:
    outside = Outside()
    asking, other = oidc(outside), Secrets(state="t" * 43, nonce=NONCE, verifier="w" * 43)
    secrets = Secrets(state="s" * 43, nonce=NONCE, verifier="v" * 43)
    asked = httpx2.URL(asking.begin(PROVIDER, secrets)).params
    outside.challenge = asked["code_challenge"]
    assert asked["code_challenge_method"] == "S256"
    assert secrets.verifier not in str(asked)
    assert asking.finish(PROVIDER, "code", secrets).subject == "ada-1"
    with pytest.raises(AccessError) as caught:
        asking.finish(PROVIDER, "code", other)
    assert caught.value.code == "login_failed"


def test_o3_every_provider_sends_people_back_to_an_address_of_its_own() -> None:
    other = replace(PROVIDER, name="other")
    asking = Oidc((PROVIDER, other), Outside(), "https://hub.test", lambda: NOW)
    secrets = Secrets(state="s" * 43, nonce=NONCE, verifier="v" * 43)
    ways = [httpx2.URL(asking.begin(one, secrets)).params["redirect_uri"] for one in (PROVIDER, other)]
    assert ways == [f"https://hub.test/api/oidc/{name}/callback" for name in ("corp", "other")]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://login.example.com/a", "", None, "//evil"])
def test_nobody_is_sent_to_an_address_that_is_none(address: Any) -> None:
    asking = oidc(Outside(authorization_endpoint=address))
    with pytest.raises(AccessError):
        asking.begin(PROVIDER, Secrets(state="s" * 43, nonce=NONCE, verifier="v" * 43))
