"""Assertions a tenant's own key signs (RFC 7523): who asks, for whom, and not for long. Signed RS256."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from revolution_hub.model.ids import new_key
from revolution_hub.vault.jwt import LEAST_RSA_BITS
from revolution_sdk import CredentialError
from revolution_sdk.auth import JwtBearer
from revolution_sdk.types import JsonObject

ALGORITHM = "RS256"


def assertion_of(auth: JwtBearer, credential: JsonObject, now: datetime) -> str:
    """Return the signed assertion; raises CredentialError `private_key` if the key signs nothing."""
    header = {"alg": ALGORITHM, "typ": "JWT"}
    if credential.get("key_id"):
        header["kid"] = str(credential["key_id"])
    issued_s = int(now.timestamp())
    claims = {
        "iss": credential["issuer"],
        "aud": credential.get("audience") or auth.audience or auth.token_url,
        "iat": issued_s,
        "exp": issued_s + auth.lifetime_s,
        "jti": new_key(),
    }
    if credential.get("subject"):
        claims["sub"] = credential["subject"]
    if auth.scope_claim and auth.scopes:
        claims["scope"] = " ".join(auth.scopes)
    try:
        return jwt.encode(header, claims, _key(str(credential["private_key"])), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError) as error:
        raise _unusable() from error


def _key(text: str) -> RSAKey:
    private = load_pem_private_key(text.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < LEAST_RSA_BITS:
        raise _unusable()
    return RSAKey.import_key(text)


def _unusable() -> CredentialError:
    told = f"the private key is none: RSA in PEM, at least {LEAST_RSA_BITS} bits, without a password"
    return CredentialError(told, code="private_key")
