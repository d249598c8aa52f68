"""The JSON Schema of what stands under a trigger's `webhook`, made of the words and limits it is read by."""

from typing import Final

from revolution_hub.model.parse_webhook import FIELD, HEADER, SECRET_HEADERS
from revolution_hub.model.schema_parts import described, duration, either, object_of, one_of, text, whole
from revolution_hub.model.webhook import (
    ALGORITHMS,
    ANSWERS,
    AUTHS,
    CHALLENGES,
    ENCODINGS,
    JWT_ALGORITHMS,
    LEAST_BYTES,
    LONGEST_DEADLINE_S,
    METHODS,
    MOST_BYTES,
    MOST_HEADERS,
    MOST_NETWORKS,
    DedupBy,
)
from revolution_sdk.types import JsonObject

_NETWORK: Final = r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"


def webhook_schema() -> JsonObject:
    """Return the schema of a webhook's settings."""
    deadline = duration(1.0, LONGEST_DEADLINE_S)
    settings = object_of(
        {
            "auth": _auth(),
            "answer": one_of("Answer at once, or wait for `respond` or the end.", ANSWERS),
            "methods": _several(METHODS, "What the address may be asked with.", default=["POST"]),
            "allow": _networks(),
            "headers": _headers(),
            "max_bytes": whole(
                "The largest body that is taken.", LEAST_BYTES, MOST_BYTES, default=MOST_BYTES
            ),
            "dedup": _dedup(),
            "deadline": described(deadline, "How long `answer: result` waits.", default=25),
            "challenge": one_of("Answer the provider's question whether the address is ours.", CHALLENGES),
        }
    )
    del settings["properties"]["max_bytes"]["default"]
    del settings["properties"]["challenge"]["default"]
    waits = {"required": ["answer"], "properties": {"answer": {"const": "result"}}}
    settings |= {
        "type": ["object", "null"],
        "dependentSchemas": {"deadline": waits, "challenge": _signed_for_slack()},
    }
    return settings


def _signed_for_slack() -> JsonObject:
    unsigned: JsonObject = {
        "required": ["auth"],
        "properties": {"auth": {"const": "none"}, "challenge": {"const": "slack"}},
    }
    return {"not": unsigned}


def _auth() -> JsonObject:
    nothing: JsonObject = {"type": ["object", "null"], "maxProperties": 0}
    key = object_of({"header": _header("Where the key stands.", default="X-API-Key")})
    return described(
        either(
            {"enum": list(AUTHS), "default": AUTHS[0]},
            object_of({"hmac": described(_hmac(), "A signature of one's own making.")}, required=("hmac",)),
            object_of({"api_key": described(either(key, {"type": "null"}), "A key.")}, required=("api_key",)),
            object_of(
                {"basic": described(nothing, "A name and a password, as browsers send them.")},
                required=("basic",),
            ),
            object_of({"jwt": described(_jwt(), "A token that the sender has signed.")}, required=("jwt",)),
        ),
        "How a sender shows who it is. `none` lets in whoever knows the address.",
    )


def _hmac() -> JsonObject:
    named = {"type": "string", "pattern": f"^{FIELD}$"}
    plain = {
        "header": _header("Where the signature stands."),
        "algorithm": one_of("The hash it is made with.", ALGORITHMS),
        "encoding": one_of("How it is written.", ENCODINGS),
        "prefix": {"type": "string", "maxLength": 40, "description": "What stands before it."},
    }
    timestamp = _header("A header with the seconds since 1970, which are signed as well.")
    signature = described(named, "The name of the signature.")
    both = {"timestamp": described(named, "The name of the time."), "signature": signature}
    alone = object_of({"signature": signature}, required=("signature",))
    told = "The header is a list of `name=value`."
    untimed, timed = _signed(timed=False), _signed(timed=True)
    return either(
        object_of(
            {**plain, "fields": described(alone, told), "signed": untimed},
            required=("header",),
        ),
        object_of(
            {**plain, "timestamp": timestamp, "fields": described(alone, told), "signed": timed},
            required=("header", "timestamp"),
        ),
        object_of(
            {
                **plain,
                "fields": described(object_of(both, required=("timestamp", "signature")), told),
                "signed": timed,
            },
            required=("header", "fields"),
        ),
    )


def _signed(*, timed: bool) -> JsonObject:
    # Any text without a bracket around the two words: what `parse` takes beyond that nobody needs.
    other = "[^{}]*"
    body, stamp = r"\{body\}", r"\{timestamp\}"
    orders = (
        f"^({other}{stamp}{other}{body}{other}|{other}{body}{other}{stamp}{other})$"
        if timed
        else f"^{other}{body}{other}$"
    )
    return {
        "type": "string",
        "pattern": orders,
        "maxLength": 200,
        "description": "What is signed, around `{body}` and, if there is one, `{timestamp}`.",
    }


def _jwt() -> JsonObject:
    return object_of(
        {
            "algorithm": described(
                {"enum": list(JWT_ALGORITHMS)}, "The only algorithm a token may be signed with."
            ),
            "issuer": text("Who makes the tokens: their `iss`."),
            "audience": text("Whom they are for: one of their `aud`."),
            "header": _header("Where the token stands.", default="Authorization"),
        },
        required=("algorithm", "issuer", "audience"),
    )


def _header(description: str, **more: str) -> JsonObject:
    return {"type": "string", "pattern": f"^{HEADER}$", "description": description, **more}


def _several(values: tuple[str, ...], description: str, **more: object) -> JsonObject:
    return {
        "type": "array",
        "items": {"enum": list(values)},
        "minItems": 1,
        "uniqueItems": True,
        "description": description,
        **more,
    }


def _networks() -> JsonObject:
    return {
        "type": "array",
        "items": {"type": "string", "pattern": _NETWORK},
        "minItems": 1,
        "maxItems": MOST_NETWORKS,
        "uniqueItems": True,
        "description": "Only these addresses and networks may ask. Without it everybody may.",
        "examples": [["192.0.2.7", "2001:db8::/32"]],
    }


def _headers() -> JsonObject:
    return {
        "type": "array",
        "items": {**_header("A header's name."), "not": {"enum": [*SECRET_HEADERS]}},
        "maxItems": MOST_HEADERS,
        "uniqueItems": True,
        "description": "Further headers that templates read as `trigger.request.headers`.",
    }


def _dedup() -> JsonObject:
    told = {
        DedupBy.HEADER: _header("A header."),
        DedupBy.BODY: text("A path in the body.", examples=["data.id"]),
        DedupBy.QUERY: text("A query parameter."),
    }
    ways = [object_of({str(by): one}, required=(str(by),)) for by, one in told.items()]
    return described(either(*ways), "What has the same key as an earlier delivery starts nothing again.")
