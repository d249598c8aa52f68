"""Filters that write a text for somewhere else: an address, a page, a header, a fingerprint."""

import hashlib
import html
from base64 import b64decode, b64encode
from urllib.parse import quote

from revolution_hub.template.filters.filter import Example, Filter, argument_text, text_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_sdk.types import Json

# What RFC 3986 lets stand in every part of an address.
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

ENTITIES = ("&", "<", ">", '"', "'")

ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
_ALGORITHM_REFUSAL = f"hash knows {', '.join(ALGORITHMS[:-1])} and {ALGORITHMS[-1]} as the algorithm"


def url_encode(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text so that it may stand in any part of a URL: UTF-8, percent-encoded, a space as %20."""
    encoded = _encoded("url_encode", value, run, place)
    escaped = len(encoded.translate(None, _UNRESERVED))
    run.work(2 * escaped, place)
    return quote(encoded, safe="")


def html_escape(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text so that it may stand in HTML, in quoted attributes too: & < > " ' become entities."""
    text = text_of("html_escape", value, run, place)
    run.work(sum(text.count(one) * (len(html.escape(one)) - 1) for one in ENTITIES), place)
    return html.escape(text)


def base64(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write the UTF-8 bytes of a text as base64."""
    encoded = _encoded("base64", value, run, place)
    run.work(len(encoded) // 3 + 3, place)
    return b64encode(encoded).decode("ascii")


def base64_decode(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Read base64 back to the text it was made from; padding is required and nothing else is skipped."""
    text = text_of("base64_decode", value, run, place)
    try:
        return b64decode(text, validate=True).decode("utf-8")
    except ValueError:  # which holds the text, and an error tells no data
        raise place.error("base64_decode needs the padded base64 of a text in UTF-8") from None


def hash_(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write the SHA-256 or another fingerprint of a text in hexadecimal digits."""
    algorithm = argument_text("hash", "the algorithm", (*arguments, ALGORITHMS[0])[0], run, place)
    if algorithm not in ALGORITHMS:
        raise place.error(_ALGORITHM_REFUSAL)
    encoded = _encoded("hash", value, run, place)
    # MD5 and SHA-1 protect nothing; some services ask for them in addresses and lists.
    return hashlib.new(algorithm, encoded, usedforsecurity=False).hexdigest()


def _encoded(name: str, value: Json, run: Run, place: Place) -> bytes:
    """Return the UTF-8 bytes of the text that filter `name` is given; charges for each of them."""
    text = text_of(name, value, run, place)
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:  # which holds the text, and an error tells no data
        raise place.error(f"{name} needs a text without half characters, which UTF-8 cannot write") from None
    run.work(len(encoded) - len(text), place)
    return encoded


def _complain_hash(_index: int, value: Json) -> str | None:
    return None if value in ALGORITHMS else _ALGORITHM_REFUSAL


ENCODE = (
    Filter(
        name="url_encode",
        function=url_encode,
        examples=(
            Example(
                "https://example.com/?q={{ q | url_encode }}",
                {"q": "a&b c"},
                "https://example.com/?q=a%26b%20c",
            ),
        ),
    ),
    Filter(
        name="html_escape",
        function=html_escape,
        examples=(Example("<p>{{ v | html_escape }}</p>", {"v": "A < B & C"}, "<p>A &lt; B &amp; C</p>"),),
    ),
    Filter(
        name="base64",
        function=base64,
        examples=(Example("{{ v | base64 }}", {"v": "user:pässword"}, "dXNlcjpww6Rzc3dvcmQ="),),
    ),
    Filter(
        name="base64_decode",
        function=base64_decode,
        examples=(Example("{{ v | base64_decode }}", {"v": "R3LDvMOfZQ=="}, "Grüße"),),
    ),
    Filter(
        name="hash",
        function=hash_,
        arguments=("algorithm?",),
        complaint=_complain_hash,
        examples=(
            Example(
                '{{ email | hash:"md5" }}', {"email": "ada@example.com"}, "3e3417d7ef77d5932a6734b916515ed5"
            ),
        ),
    ),
)
