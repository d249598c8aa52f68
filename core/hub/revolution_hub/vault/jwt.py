"""JSON Web Tokens that senders of webhooks sign, RFC 7519: one pinned algorithm, and no wish of the token.

What a token's header says about keys is never looked at, and its times and texts are held to what the
trigger expects.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jwt import JWTClaimsRegistry

from revolution_hub.errors import InputError, Problem
from revolution_hub.model.strict_json import strict_json
from revolution_sdk import DeliveryError, Secret
from revolution_sdk.types import JsonObject

LONGEST: Final = 16_384
LEEWAY_S: Final = 60
LEAST_RSA_BITS: Final = 2048

_DEEPEST: Final = 8
_TIMES: Final = ("exp", "nbf", "iat")
_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1"}
_KINDS: Final = (("HS", OctKey), ("RS", RSAKey), ("ES", ECKey), ("Ed", OKPKey))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say."""

    algorithm: str
    issuer: str
    audience: str


def require_key(algorithm: str, text: str) -> None:
    """Raise InputError unless this text is a key for the algorithm that is long enough for it."""
    try:
        problem = _key_problem(algorithm, text)
    except ValueError:
        problem = f"{algorithm} needs a public key in PEM, from -----BEGIN PUBLIC KEY----- on"
    if problem:
        raise InputError("the key cannot be used", [Problem(path="secret", message=problem)])


def require_token(token: str, key: Secret, expected: Expected, now: datetime) -> None:
    """Raise DeliveryError unless the token was signed with this key, says what it must, and is not over."""
    if len(token) > LONGEST:
        raise DeliveryError("there is no token")
    try:
        # The key is of the pinned algorithm; whatever else the token's header names is not looked at.
        found = jws.deserialize_compact(token, _key(expected.algorithm, key), [expected.algorithm])
        claims = strict_json(found.payload, max_bytes=LONGEST, max_depth=_DEEPEST)
    except (JoseError, InputError, ValueError) as error:
        raise DeliveryError("the token is not signed as it must be") from error
    if not isinstance(claims, dict) or any(isinstance(claims.get(one), bool) for one in _TIMES):
        raise DeliveryError("the token says nothing")
    _require_claims(claims, expected, int(now.timestamp()))


def _require_claims(claims: JsonObject, expected: Expected, now_s: int) -> None:
    registry = JWTClaimsRegistry(
        now=now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
        # A token without an end would be good for ever, in whoever's hands it came.
        exp={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise DeliveryError("the token is over, or from or for somebody else", code="stale") from error


def _key(algorithm: str, key: Secret) -> OctKey | RSAKey | ECKey | OKPKey:
    kind = next(one for beginning, one in _KINDS if algorithm.startswith(beginning))
    return kind.import_key(key.reveal())


def _key_problem(algorithm: str, text: str) -> str | None:
    if algorithm.startswith("HS"):
        least = int(algorithm[2:]) // 8
        if text.lstrip().startswith("-----BEGIN"):
            # Whoever knows a public key could sign with it.
            return f"{algorithm} needs a secret, and this is a key in PEM"
        return None if len(text.encode()) >= least else f"{algorithm} needs at least {least} bytes"
    public = load_pem_public_key(text.encode())
    if algorithm.startswith("RS"):
        if not isinstance(public, rsa.RSAPublicKey) or public.key_size < LEAST_RSA_BITS:
            return f"{algorithm} needs a public RSA key of at least {LEAST_RSA_BITS} bits"
    elif algorithm in _CURVES:
        curve = _CURVES[algorithm]
        if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != curve:
            return f"{algorithm} needs a public key on the curve {curve}"
    elif not isinstance(public, ed25519.Ed25519PublicKey):
        return f"{algorithm} needs a public Ed25519 key"
    return None
