"""What stands under a trigger's `webhook` becomes a Webhook, and that again from what was kept of it."""

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

from revolution_hub.model.reading import Reader, join
from revolution_hub.model.webhook import (
    ALGORITHMS,
    ANSWERS,
    AUTH_OBJECTS,
    AUTHS,
    BODY,
    CHALLENGES,
    DEADLINE_S,
    ENCODINGS,
    JWT_ALGORITHMS,
    LEAST_BYTES,
    LONGEST_DEADLINE_S,
    METHODS,
    MOST_BYTES,
    MOST_HEADERS,
    MOST_NETWORKS,
    SHAPES,
    TIMESTAMP,
    Auth,
    AuthKind,
    Dedup,
    DedupBy,
    Hmac,
    Jwt,
    Webhook,
)
from revolution_hub.model.words import HMAC, JWT, WEBHOOK
from revolution_sdk.types import Json, JsonObject

HEADER: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
FIELD: Final = "[A-Za-z0-9_-]{1,40}"
_HEADER = re.compile(HEADER)
_FIELD = re.compile(FIELD)

SECRET_HEADERS: Final = ("authorization", "proxy-authorization", "cookie", "webhook-signature")
"""No template sees these, whatever a trigger says."""


def read_webhook(reader: Reader, value: Json, path: str) -> Webhook:
    """Return what a trigger says; every problem goes to the reader."""
    settings = reader.object({} if value is None else value, path)
    reader.known_words(settings, WEBHOOK, path)
    auth = _auth(reader, settings.get("auth", AUTHS[0]), join(path, "auth"))
    deadline = reader.duration(
        settings.get("deadline"), join(path, "deadline"), DEADLINE_S, low=1.0, high=LONGEST_DEADLINE_S
    )
    made = Webhook(
        auth=auth,
        answer=reader.one_of(settings.get("answer", ANSWERS[0]), join(path, "answer"), ANSWERS),
        methods=_methods(reader, settings, path),
        allow=_networks(reader, settings.get("allow"), join(path, "allow")),
        headers=_seen(reader, settings.get("headers"), join(path, "headers"), auth),
        max_bytes=_bytes(reader, settings.get("max_bytes"), join(path, "max_bytes")),
        dedup=_dedup(reader, settings.get("dedup"), join(path, "dedup")),
        deadline_s=deadline,
        challenge=_challenge(reader, settings.get("challenge"), join(path, "challenge"), auth),
        said=settings,
    )
    if "deadline" in settings and made.answer != "result":
        reader.problem(join(path, "deadline"), "'deadline' belongs to 'answer: result'")
    return made


def webhook_of(settings: JsonObject) -> Webhook:
    """Return the webhook that `webhook_json` kept among a listener's settings."""
    kept = {word: settings[word] for word in WEBHOOK if word in settings}
    reader = Reader()
    found = read_webhook(reader, kept, "")
    if reader.problems:
        # Written by a version that knew more, or by nobody's hand of ours: never to be let in by halves.
        raise ValueError(f"a published webhook cannot be read: {reader.problems[0].path}")
    return found


def webhook_json(webhook: Webhook) -> JsonObject:
    """Return what is kept of a webhook among a listener's settings."""
    return {"auth": AUTHS[0], "answer": ANSWERS[0], **webhook.said}


def _auth(reader: Reader, value: Json, path: str) -> Auth:
    if isinstance(value, str):
        name = reader.one_of(value, path, AUTHS)
        if name in SHAPES:
            return Auth(kind=AuthKind.HMAC, shape=name, hmac=SHAPES[name])
        return Auth(kind=AuthKind(name))
    if not isinstance(value, dict):
        reader.problem(path, f"one of: {', '.join(AUTHS)}; or an object with {', '.join(AUTH_OBJECTS)}")
        return Auth()
    word, entry = reader.choice(value, AUTH_OBJECTS, path)
    if word is None:
        return Auth()
    place = join(path, word)
    settings = reader.object({} if entry[word] is None else entry[word], place)
    match AuthKind(word):
        case AuthKind.HMAC:
            return Auth(kind=AuthKind.HMAC, hmac=_hmac(reader, settings, place))
        case AuthKind.API_KEY:
            reader.known_words(settings, ("header",), place)
            header = _header(reader, settings.get("header", "x-api-key"), join(place, "header"))
            return Auth(kind=AuthKind.API_KEY, header=header)
        case AuthKind.JWT:
            return Auth(kind=AuthKind.JWT, jwt=_jwt(reader, settings, place))
        case _:
            reader.known_words(settings, (), place)
            return Auth(kind=AuthKind.BASIC)


def _hmac(reader: Reader, settings: JsonObject, path: str) -> Hmac:
    reader.known_words(settings, HMAC, path)
    header = _header(reader, settings.get("header"), join(path, "header"))
    stamp = settings.get("timestamp")
    fields = {} if settings.get("fields") is None else reader.object(settings["fields"], join(path, "fields"))
    if fields:
        reader.known_words(fields, ("timestamp", "signature"), join(path, "fields"))
    timed = stamp is not None or "timestamp" in fields
    made = Hmac(
        header=header,
        algorithm=reader.one_of(
            settings.get("algorithm", ALGORITHMS[0]), join(path, "algorithm"), ALGORITHMS
        ),
        encoding=reader.one_of(settings.get("encoding", ENCODINGS[0]), join(path, "encoding"), ENCODINGS),
        prefix=reader.text(settings.get("prefix"), join(path, "prefix"), longest=40, needed=False),
        timestamp_header="" if stamp is None else _header(reader, stamp, join(path, "timestamp")),
        timestamp_field=_field(reader, fields, "timestamp", path, needed=False),
        value_field=_field(reader, fields, "signature", path, needed=bool(fields)),
        signed=_signed(reader, settings.get("signed"), join(path, "signed"), timed=timed),
    )
    if made.timestamp_header and made.timestamp_field:
        reader.problem(join(path, "timestamp"), "the time stands in a header or in a field, not in both")
    return made


def _signed(reader: Reader, value: Json, path: str, *, timed: bool) -> str:
    text = reader.text(value, path, needed=False) or (f"{TIMESTAMP}.{BODY}" if timed else BODY)
    if text.count(BODY) != 1:
        reader.problem(path, f"what is signed has {BODY} in it, once")
    if text.count(TIMESTAMP) != int(timed):
        where = f"has {TIMESTAMP} in it, once" if timed else f"has no {TIMESTAMP} in it"
        # A time that is not signed is anybody's.
        reader.problem(path, f"what is signed {where}, as there is {'a' if timed else 'no'} timestamp")
    return text


def _jwt(reader: Reader, settings: JsonObject, path: str) -> Jwt:
    reader.known_words(settings, JWT, path)
    return Jwt(
        algorithm=reader.one_of(settings.get("algorithm"), join(path, "algorithm"), JWT_ALGORITHMS),
        issuer=reader.text(settings.get("issuer"), join(path, "issuer")),
        audience=reader.text(settings.get("audience"), join(path, "audience")),
        header=_header(reader, settings.get("header", "authorization"), join(path, "header")),
    )


def _header(reader: Reader, value: Json, path: str) -> str:
    text = reader.text(value, path, longest=100)
    if text and not _HEADER.fullmatch(text):
        reader.problem(path, "the name of a header is letters, digits, - and _")
    return text.lower()


def _field(reader: Reader, fields: JsonObject, name: str, path: str, *, needed: bool) -> str:
    place = join(path, f"fields.{name}")
    text = reader.text(fields.get(name), place, longest=40, needed=needed)
    if text and not _FIELD.fullmatch(text):
        reader.problem(place, "the name of a field is letters, digits, - and _")
    return text


def _methods(reader: Reader, settings: JsonObject, path: str) -> tuple[str, ...]:
    if "methods" not in settings:
        return METHODS[:1]
    place = join(path, "methods")
    found = _several(reader, settings["methods"], place, len(METHODS))
    if not found:
        reader.problem(place, "at least one method is needed here")
    return tuple(
        reader.one_of(one, f"{place}[{at}]", METHODS) if isinstance(one, str) else _no_text(reader, place, at)
        for at, one in enumerate(found)
    )


def _networks(reader: Reader, value: Json, path: str) -> tuple[str, ...]:
    found = []
    for at, one in enumerate(_several(reader, value, path, MOST_NETWORKS)):
        text = one if isinstance(one, str) else _no_text(reader, path, at)
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            message = "an address or a network is needed here, such as 192.0.2.7 or 2001:db8::/32"
            reader.problem(f"{path}[{at}]", message)
    if value == []:
        reader.problem(path, "an empty list would let nobody in; leave it out to let everybody in")
    return tuple(found)


def _seen(reader: Reader, value: Json, path: str, auth: Auth) -> tuple[str, ...]:
    found = []
    hidden = {*SECRET_HEADERS, auth.header, auth.hmac.header if auth.hmac else "", _jwt_header(auth)}
    for at, one in enumerate(_several(reader, value, path, MOST_HEADERS)):
        name = _header(reader, one, f"{path}[{at}]")
        if name in hidden and name:
            reader.problem(f"{path}[{at}]", "this header holds what a sender proves itself with")
        found.append(name)
    return tuple(found)


def _jwt_header(auth: Auth) -> str:
    return auth.jwt.header if auth.jwt else ""


def _bytes(reader: Reader, value: Json, path: str) -> int | None:
    return None if value is None else reader.whole(value, path, LEAST_BYTES, MOST_BYTES, MOST_BYTES)


def _dedup(reader: Reader, value: Json, path: str) -> Dedup | None:
    if value is None:
        return None
    word, entry = reader.choice(value, tuple(DedupBy), path)
    if word is None:
        return None
    by, place = DedupBy(word), join(path, word)
    name = _header(reader, entry[word], place) if by is DedupBy.HEADER else reader.text(entry[word], place)
    return Dedup(by=by, name=name)


def _challenge(reader: Reader, value: Json, path: str, auth: Auth) -> str | None:
    if value is None:
        return None
    name = reader.one_of(value, path, CHALLENGES)
    if name == "slack" and not auth.needs_secret:
        # Whoever asks would be answered with what he sent.
        reader.problem(path, "'challenge: slack' is answered to who signs alone: write an 'auth'")
    return name


def _several(reader: Reader, value: Json, path: str, most: int) -> Sequence[Json]:
    found = [] if value is None else reader.list_(value, path)
    if len(found) > most:
        reader.problem(path, f"at most {most}")
    if len({str(one) for one in found}) != len(found):
        reader.problem(path, "nothing stands here twice")
    return found[:most]


def _no_text(reader: Reader, path: str, at: int) -> str:
    reader.problem(f"{path}[{at}]", "a text is needed here")
    return ""
