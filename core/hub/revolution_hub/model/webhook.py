"""Webhook: who may ask a workflow's own address, how, and what they are told. Values alone."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from revolution_sdk.types import JsonObject

METHODS: Final = ("POST", "GET", "PUT", "PATCH", "DELETE")
"""What an address may be asked with if the trigger says so; nothing else ever is."""

ALGORITHMS: Final = ("sha256", "sha1", "sha512")
ENCODINGS: Final = ("hex", "base64")
JWT_ALGORITHMS: Final = (
    *("HS256", "HS384", "HS512"),
    *("RS256", "RS384", "RS512"),
    *("ES256", "ES384"),
    "Ed25519",
)
ANSWERS: Final = ("accepted", "result")
CHALLENGES: Final = ("slack", "meta")

BODY, TIMESTAMP = "{body}", "{timestamp}"

DEADLINE_S: Final = 25.0
LONGEST_DEADLINE_S: Final = 120.0
MOST_NETWORKS: Final = 100
MOST_HEADERS: Final = 20
LEAST_BYTES: Final = 1
MOST_BYTES: Final = 104_857_600


class AuthKind(StrEnum):
    """How a sender shows who it is."""

    NONE = "none"
    STANDARD = "standard-webhooks"
    HMAC = "hmac"
    API_KEY = "api_key"
    BASIC = "basic"
    JWT = "jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """Where a signature stands and what it is made of.

    `header` holds `prefix` and the signature. If the signature is one of several `name=value` in it, as with
    Stripe, `value_field` is its name and `timestamp_field` that of the time; else `timestamp_header` may
    name a header with the time. `signed` is what is signed, around `{body}` and `{timestamp}`.
    """

    header: str
    algorithm: str = ALGORITHMS[0]
    encoding: str = ENCODINGS[0]
    prefix: str = ""
    timestamp_header: str = ""
    timestamp_field: str = ""
    value_field: str = ""
    signed: str = BODY

    @property
    def timed(self) -> bool:
        """Whether the time of sending is signed."""
        return bool(self.timestamp_header or self.timestamp_field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """Which tokens are good: one algorithm alone, from this issuer, for this audience."""

    algorithm: str
    issuer: str
    audience: str
    header: str = "authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How senders show who they are. `shape` names a provider's way of signing, empty for one's own.

    `header` is where an API key stands.
    """

    kind: AuthKind = AuthKind.STANDARD
    shape: str = ""
    hmac: Hmac | None = None
    jwt: Jwt | None = None
    header: str = ""

    @property
    def needs_secret(self) -> bool:
        """Whether there is anything to show."""
        return self.kind is not AuthKind.NONE

    @property
    def given(self) -> bool:
        """Whether the provider makes the secret, so that a person has to hand it in."""
        return self.shape in GIVEN or self.kind is AuthKind.JWT

    @property
    def family(self) -> str:
        """What a secret is good for: one that was made for another family is never used."""
        if not self.given:
            return str(self.kind)
        # A public key says nothing about the others.
        return self.shape or f"jwt/{self.jwt.algorithm if self.jwt else ''}"


SHAPES: Final = {
    "github": Hmac(header="x-hub-signature-256", prefix="sha256="),
    "stripe": Hmac(
        header="stripe-signature",
        timestamp_field="t",
        value_field="v1",
        signed="{timestamp}.{body}",
    ),
    "slack": Hmac(
        header="x-slack-signature",
        prefix="v0=",
        timestamp_header="x-slack-request-timestamp",
        signed="v0:{timestamp}:{body}",
    ),
    "meta": Hmac(header="x-hub-signature-256", prefix="sha256="),
}
"""How providers sign, by the name that stands for it.

Sources, read 2026-11-23: GitHub "Validating webhook deliveries", Stripe "Resolve webhook signature
verification errors", Slack "Verifying requests from Slack", Meta "Webhooks: getting started".
"""

GIVEN: Final = ("stripe", "slack", "meta")
AUTHS: Final = (str(AuthKind.STANDARD), str(AuthKind.NONE), *SHAPES)
AUTH_OBJECTS: Final = (AuthKind.HMAC, AuthKind.API_KEY, AuthKind.BASIC, AuthKind.JWT)


class DedupBy(StrEnum):
    """Where the key stands by which a delivery that comes again is known."""

    HEADER = "header"
    BODY = "body"
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedup:
    """The declared key: the name of a header or query parameter, or a path in the body such as `data.id`."""

    by: DedupBy
    name: str


SHAPED_DEDUP: Final = {
    "github": Dedup(by=DedupBy.HEADER, name="x-github-delivery"),
    "stripe": Dedup(by=DedupBy.BODY, name="id"),
    "slack": Dedup(by=DedupBy.BODY, name="event_id"),
}
"""By what these providers name a delivery, used unless the trigger declares something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What a webhook trigger says.

    `allow` are networks, none for everybody. `headers` are further request headers that templates see.
    `max_bytes` is None where the hub's own limit holds. After `deadline_s` an `answer` of `result` is
    `accepted` all the same. `said` is what the document says, which is what is kept of it.
    """

    auth: Auth = field(default_factory=Auth)
    answer: str = ANSWERS[0]
    methods: tuple[str, ...] = METHODS[:1]
    allow: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    max_bytes: int | None = None
    dedup: Dedup | None = None
    deadline_s: float = DEADLINE_S
    challenge: str | None = None
    said: JsonObject = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Dedup | None:
        """By what a delivery is known that comes again, as declared or as the provider's shape has it."""
        return self.dedup or SHAPED_DEDUP.get(self.auth.shape)
