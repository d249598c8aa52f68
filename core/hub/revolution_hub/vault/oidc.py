"""OpenID Connect: what a provider says who somebody is, believed only if all of it fits together.

Authlib speaks the authorization code flow with PKCE, joserfc checks signatures. Which algorithms count is
settled here and never by a token; what its header says about where keys are is refused.
"""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jwt import JWTClaimsRegistry

from revolution_hub.errors import AccessError, InputError, LimitError
from revolution_hub.model.strict_json import strict_json
from revolution_hub.settings import OidcProvider
from revolution_sdk.errors import ConnectorError
from revolution_sdk.types import Json, JsonObject

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)
"""Only those with a public key: whoever knows that key could sign with any other."""
SCOPE: Final = "openid email profile"
LEEWAY_S: Final = 60
OLDEST_S: Final = 600
"""So long ago a token may have been issued: a login is over sooner."""
KEEP_S: Final = 3600.0
LOOK_AGAIN_S: Final = 60.0
LONGEST_TOKEN: Final = 16_384
LONGEST_ANSWER: Final = 65_536
LONGEST_SUBJECT: Final = 255
_DEEPEST: Final = 8
_REFUSED: Final = ("crit", "jku", "jwk", "x5u", "x5c")
_KINDS: Final = ("RSA", "EC", "OKP")
_TIMES: Final = ("exp", "nbf", "iat")


class WayOut(Protocol):
    """How a provider is reached: every address through the guard, plain http only where it is allowed."""

    def transport(self, base_url: str) -> httpx2.BaseTransport:
        """Return what carries requests to the origin of this address."""

    def check(self, url: str) -> None:
        """Raise RejectedError for an address nobody is to be sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a provider said: the subject it calls somebody by, and an e-mail address it has verified."""

    issuer: str
    subject: str
    email: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What one login is held together by; nonce and verifier never leave the hub but to the provider."""

    state: str
    nonce: str
    verifier: str


@dataclass(slots=True, kw_only=True)
class _Known:
    """What a provider publishes, and when it was read."""

    document: JsonObject
    keys: KeySet
    read_s: float


class Oidc:
    """Asks the providers of the settings. Keeps what they publish for an hour. One per process."""

    def __init__(
        self,
        providers: tuple[OidcProvider, ...],
        way_out: WayOut,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self.providers = {one.name: one for one in providers}
        self._way_out = way_out
        self._public_url = public_url
        self._now = now
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def begin(self, provider: OidcProvider, secrets: Secrets) -> str:
        """Return the address at the provider where somebody signs in."""
        document = self._published(provider).document
        address = _text(document, "authorization_endpoint")
        self._checked(address)
        with self._client(provider, address) as client:
            url, _ = client.create_authorization_url(
                address, state=secrets.state, nonce=secrets.nonce, code_verifier=secrets.verifier
            )
        return str(url)

    def finish(self, provider: OidcProvider, code: str, secrets: Secrets) -> Said:
        """Trade the code for an ID token and return what it says; raises AccessError `login_failed`."""
        address = _text(self._published(provider).document, "token_endpoint")
        try:
            with self._client(provider, address) as client:
                answer = client.fetch_token(
                    address, code=code, code_verifier=secrets.verifier, grant_type="authorization_code"
                )
        except (OAuthError, httpx2.HTTPError, ValueError) as error:
            raise _failed("the provider did not take the code") from error
        except ConnectorError as error:
            raise _away(provider) from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _failed("the provider sent no ID token")
        return self.read(provider, token, secrets.nonce)

    def read(self, provider: OidcProvider, token: str, nonce: str) -> Said:
        """Return what an ID token says; raises AccessError `login_failed` unless everything about it fits."""
        if len(token) > LONGEST_TOKEN:
            raise _failed("the ID token is too long")
        try:
            found = jws.extract_compact(token.encode())
            header = found.headers()
            key = self._key(provider, header)
            verified = jws.deserialize_compact(token, key, list(ALGORITHMS))
            claims = strict_json(verified.payload, max_bytes=LONGEST_TOKEN, max_depth=_DEEPEST)
        except (JoseError, InputError, ValueError, UnicodeError) as error:
            raise _failed("the ID token is not signed as it must be") from error
        if not isinstance(claims, dict):
            raise _failed("the ID token says nothing")
        self._require_claims(provider, claims, nonce)
        return _said(provider, claims)

    def _key(self, provider: OidcProvider, header: JsonObject) -> Key:
        if header.get("alg") not in ALGORITHMS or any(name in header for name in _REFUSED):
            raise ValueError("the header asks for what is not done")
        kid = header.get("kid")
        for refresh in (False, True):
            keys = self._published(provider, refresh=refresh).keys.keys
            fitting = [one for one in keys if kid is None or one.kid == kid]
            # Without a name there must be no choice.
            if len(fitting) == 1:
                return fitting[0]
        raise ValueError("no key fits")

    def _require_claims(self, provider: OidcProvider, claims: JsonObject, nonce: str) -> None:
        now_s = int(self._now().timestamp())
        registry = JWTClaimsRegistry(
            now=now_s,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True},
        )
        audience, sent = claims.get("aud"), claims.get("nonce")
        party = claims.get(
            "azp", provider.client_id if not isinstance(audience, list) or len(audience) == 1 else None
        )
        try:
            if any(isinstance(claims.get(one), bool) for one in _TIMES):
                raise ValueError("a moment is a number")
            registry.validate(claims)
            if now_s - int(claims["iat"]) > OLDEST_S + LEEWAY_S or party != provider.client_id:
                raise ValueError("it is old, or for somebody else")
            if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), nonce.encode()):
                raise ValueError("it is of another login")
        except (JoseError, ValueError, TypeError, OverflowError, UnicodeError) as error:
            raise _failed("the ID token is over, or from or for somebody else") from error

    def _published(self, provider: OidcProvider, *, refresh: bool = False) -> _Known:
        with self._lock:
            known = self._known.get(provider.name)
        age_s = time.monotonic() - known.read_s if known else KEEP_S
        if known is not None and age_s < (LOOK_AGAIN_S if refresh else KEEP_S):
            return known
        document = self._fetch(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != provider.issuer:
            raise _away(provider)
        keys = self._fetch(provider, _text(document, "jwks_uri"))
        fresh = _Known(document=document, keys=_key_set(provider, keys), read_s=time.monotonic())
        with self._lock:
            self._known[provider.name] = fresh
        return fresh

    def _fetch(self, provider: OidcProvider, url: str) -> JsonObject:
        try:
            with httpx2.Client(transport=self._way_out.transport(_origin(url)), trust_env=False) as client:
                answer = client.get(url)
            value = strict_json(answer.content, max_bytes=LONGEST_ANSWER)
        except (ConnectorError, httpx2.HTTPError, httpx2.InvalidURL, InputError) as error:
            raise _away(provider) from error
        if answer.status_code != 200 or not isinstance(value, dict):
            raise _away(provider)
        return value

    def _client(self, provider: OidcProvider, address: str) -> Any:
        return OAuth2Client(
            client_id=provider.client_id,
            client_secret=provider.client_secret.reveal(),
            scope=SCOPE,
            redirect_uri=f"{self._public_url}/api/oidc/{provider.name}/callback",
            code_challenge_method="S256",
            transport=self._way_out.transport(_origin(address)),
            trust_env=False,
        )

    def _checked(self, address: str) -> None:
        try:
            self._way_out.check(address)
        except ConnectorError as error:
            raise _failed("the provider's address is not allowed") from error


def _said(provider: OidcProvider, claims: JsonObject) -> Said:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise _failed("the ID token names nobody")
    # An address that was not verified is anybody's, so it says nothing.
    verified = claims.get("email_verified") is True and isinstance(email, str)
    return Said(
        issuer=provider.issuer,
        subject=subject,
        email=str(email) if verified else None,
        name=name[:200] if isinstance(name, str) and name else "",
    )


def _key_set(provider: OidcProvider, value: JsonObject) -> KeySet:
    try:
        # Providers publish keys for other purposes beside them.
        fitting = [one for one in value["keys"] if one["kty"] in _KINDS and one.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": fitting})
    except (JoseError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _away(provider) from error


def _text(document: JsonObject, name: str) -> str:
    value: Json = document.get(name)
    return value if isinstance(value, str) else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _failed(reason: str) -> AccessError:
    return AccessError(f"the provider's login does not count: {reason}", code="login_failed")


def _away(provider: OidcProvider) -> LimitError:
    told = f"the provider {provider.name} does not answer as it must; try again soon"
    return LimitError(told, code="provider_away", retry_after_s=5.0)
