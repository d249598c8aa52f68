"""Tokens: the vectors of the RFCs, and everything a token may say to be let in by itself."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from revolution_hub.errors import InputError
from revolution_hub.vault.jwt import Expected, require_key, require_token
from revolution_sdk import DeliveryError, Secret

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
CLAIMS = {"iss": "https://issuer.test", "aud": "hub", "exp": NOW_S + 60, "iat": NOW_S}

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = "s" * 64
HASHES = {"256": SHA256, "384": SHA384, "512": SHA512}


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


KEYS = {
    **{f"HS{bits}": SECRET for bits in HASHES},
    **{f"RS{bits}": pem(RSA) for bits in HASHES},
    "ES256": pem(P256),
    "ES384": pem(P384),
    "Ed25519": pem(ED),
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sign(algorithm: str, message: bytes) -> bytes:
    if algorithm.startswith("HS"):
        return hmac.digest(SECRET.encode(), message, f"sha{algorithm[2:]}")
    if algorithm == "Ed25519":
        return ED.sign(message)
    digest = HASHES[algorithm[2:]]()
    if algorithm.startswith("RS"):
        return RSA.sign(message, padding.PKCS1v15(), digest)
    key, size = (P256, 32) if algorithm == "ES256" else (P384, 48)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def token(algorithm: str = "HS256", *, header: Any = None, signed_as: str = "", **claims: Any) -> str:
    about = {"alg": algorithm, "typ": "JWT", **(header or {})}
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    text = f"{b64(json.dumps(about).encode())}.{b64(json.dumps(said).encode())}"
    return f"{text}.{b64(sign(signed_as or algorithm, text.encode()))}"


def check(text: str, algorithm: str = "HS256", key: str | None = None) -> None:
    expected = Expected(algorithm=algorithm, issuer="https://issuer.test", audience="hub")
    require_token(text, Secret(key or KEYS[algorithm]), expected, NOW)


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_the_pinned_algorithm_is_good_and_of_every_other_one_is_not(algorithm: str) -> None:
    good = token(algorithm)
    check(good, algorithm)
    for other in KEYS:
        if other != algorithm:
            with pytest.raises(DeliveryError):
                check(good, other)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "Ed25519"])
def test_every_character_of_a_token_counts(algorithm: str) -> None:
    good = token(algorithm)
    for at, one in enumerate(good):
        changed = good[:at] + ("A" if one != "A" else "Q") + good[at + 1 :]
        # The last character of a part may hold bits that stand for nothing.
        last = at + 1 == len(good) or good[at + 1] == "."
        if not last:
            with pytest.raises(DeliveryError):
                check(changed, algorithm)


# RFC 7515, appendix A.1 (HS256) and A.3 (ES256), read 2026-11-23; the claims of both are of the year 2011.
RFC_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC_HS256 = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + RFC_PAYLOAD + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)


def test_the_vector_of_rfc_7515_is_signed_and_lacks_an_audience() -> None:
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    header, payload, signature = RFC_HS256.split(".")
    # Its key is no text, so that what is compared here is what our own signing helper must give.
    assert b64(hmac.digest(key, f"{header}.{payload}".encode(), "sha256")) == signature
    with pytest.raises(DeliveryError, match="not signed"):
        check(RFC_HS256)


TWICE = b'{"alg": "HS256", "alg": "HS256"}'
REFUSED = {
    "none": token(header={"alg": "none"}, signed_as="HS256"),
    "no signature": token().rpartition(".")[0] + ".",
    "two parts": token().rpartition(".")[0],
    "four parts": token() + ".x",
    "empty": "",
    "another issuer": token(iss="https://issuer.test/"),
    "no issuer": token(iss=...),
    "another audience": token(aud="hub2"),
    "audience among others": token(aud=["a", "b"]),
    "no audience": token(aud=...),
    "no end": token(exp=...),
    "an end that is a text": token(exp=str(NOW_S + 60)),
    "an end that is true": token(exp=True),
    "over": token(exp=NOW_S - 61),
    "not yet": token(nbf=NOW_S + 61),
    "made in the future": token(iat=NOW_S + 3600),
    "critical": token(header={"crit": ["b64"], "b64": False}),
    "a key of its own": token(header={"jwk": {"kty": "oct", "k": b64(b"x" * 32)}}, signed_as="HS512"),
    "huge": token(filler="x" * 20_000),
    "not base64": "!.!.!",
    "no object": f"{b64(b'[]')}.{b64(b'[]')}.{b64(b'x')}",
    "the same key twice": f"{b64(TWICE)}.{b64(b'{}')}.{b64(b'x')}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_that_says_what_it_must_not_is_refused(name: str) -> None:
    with pytest.raises(DeliveryError):
        check(REFUSED[name])


def test_a_minute_is_given_to_clocks_that_differ() -> None:
    check(token(exp=NOW_S - 59))
    check(token(nbf=NOW_S + 59, iat=NOW_S + 59))
    check(token(aud=["others", "hub"]))


def test_a_public_key_is_never_a_secret() -> None:
    # Whoever knows the public key signs with it as if it were the secret of an HMAC.
    text = f"{b64(json.dumps({'alg': 'HS256'}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    forged = f"{text}.{b64(hmac.digest(KEYS['RS256'].encode(), text.encode(), 'sha256'))}"
    with pytest.raises(DeliveryError):
        check(forged, "RS256")
    with pytest.raises(InputError):
        require_key("HS256", KEYS["RS256"])


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_must_be_one_of_its_algorithm(algorithm: str) -> None:
    require_key(algorithm, KEYS[algorithm])
    for other, key in KEYS.items():
        if other[:2] != algorithm[:2] or (other.startswith("ES") and other != algorithm):
            with pytest.raises(InputError):
                require_key(algorithm, key)
    for bad in ("", "short", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(InputError):
            require_key(algorithm, bad)


def test_a_small_rsa_key_is_refused() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(InputError):
        require_key("RS256", pem(small))
