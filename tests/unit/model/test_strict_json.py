"""strict_json: a corpus of bodies it must refuse, and the promise that nothing but InputError comes out."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import InputError
from revolution_hub.model.strict_json import canonical_json, dump_json, strict_json

CANARY = "canary-7f3a"

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "only blanks": b" \t\r\n",
    "no-break space": "\u00a0".encode(),
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16 with mark": "{}".encode("utf-16"),
    "UTF-16 little endian": '{"a":1}'.encode("utf-16-le"),
    "UTF-16 big endian": '{"a":1}'.encode("utf-16-be"),
    "UTF-32": "{}".encode("utf-32"),
    "latin-1": '{"a":"ü"}'.encode("latin-1"),
    "overlong slash": b'"\xc0\xaf"',
    "surrogate as UTF-8": b'"\xed\xa0\x80"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "negative infinity": b"-Infinity",
    "overflowing exponent": b"1e999",
    "negative overflow": b"[-1E400]",
    "lone high surrogate": rb'"\ud800"',
    "lone low surrogate": rb'"\udc00"',
    "surrogates the wrong way round": rb'"\udc00\ud800"',
    "two high surrogates": rb'"\ud83d\ud83d\ude00"',
    "separated pair": rb'"\ud83d-\ude00"',
    "pair over two strings": rb'["\ud83d","\ude00"]',
    "pair with an escape between": rb'"\ud83d\n\ude00"',
    "lone surrogate in a key": rb'{"\uDEAD":1}',
    "raw NUL": b'"a\x00b"',
    "escaped NUL": rb'"a\u0000b"',
    "escaped NUL in a key": rb'{"\u0000":1}',
    "NUL between tokens": b'{"a":\x001}',
    "raw control character": b'"a\x1fb"',
    "raw newline in a string": b'"a\nb"',
    "equal keys": b'{"a":1,"a":2}',
    "equal keys, one escaped": rb'{"a":1,"\u0061":2}',
    "equal keys, nested": b'[{"x":{"b":1,"b":1}}]',
    "above 64 bits": b"9223372036854775808",
    "below 64 bits": b"-9223372036854775809",
    "5000 digits": b"1" * 5000,
    "65 levels of lists": b"[" * 65 + b"]" * 65,
    "65 levels of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "100,000 open brackets": b"[" * 100_000,
    "100,000 open objects": b'{"a":' * 100_000,
    "text after the value": b"{} x",
    "two values": b"{}{}",
    "single quotes": b"{'a':1}",
    "no quotes": b"{a:1}",
    "trailing comma in a list": b"[1,]",
    "trailing comma in an object": b'{"a":1,}',
    "a comment": b"{} // done",
    "leading zero": b"[01]",
    "leading plus": b"[+1]",
    "bare point": b"[.5]",
    "hexadecimal": b"[0x10]",
    "cut off": b'{"a":[1,2',
    "cut off in a string": b'{"a":"b',
    "cut off in an escape": b'"\\',
    "unknown escape": rb'"\x41"',
    "short escape": rb'"\u12"',
    "True": b"True",
    "None": b"None",
    "undefined": b"undefined",
    "a form": b"a=1&b=2",
    "larger than allowed": b'"' + b"x" * 1_048_576 + b'"',
}

ACCEPTED: dict[str, tuple[bytes, Any]] = {
    "null": (b"null", None),
    "blanks around": (b" \r\n\t[ ] \n", []),
    "largest integer": (b"9223372036854775807", 2**63 - 1),
    "smallest integer": (b"-9223372036854775808", -(2**63)),
    "smallest float": (b"5e-324", 5e-324),
    "vanishing float": (b"1e-999", 0.0),
    "64 levels": (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
    "many brackets in a string": (b'"' + b"[{" * 500 + b'"', "[{" * 500),
    "many brackets side by side": (b"[" + b"[]," * 200 + b"[]]", [[]] * 201),
    "brackets behind escaped quotes": (rb'"\"[[\\"', '"[[\\'),
    "an emoji, raw": ('"😀"'.encode(), "😀"),
    "an emoji, escaped": (rb'"\ud83d\ude00"', "😀"),
    "a backslash before u0000": (rb'"\\u0000"', "\\u0000"),
    "a backslash before a surrogate": (rb'"\\ud800"', "\\ud800"),
    "escaped text": (rb'"\u00fc\n\/"', "ü\n/"),
    "an empty key": (b'{"":1}', {"": 1}),
    "a key that looks like Python": (b'{"__class__":1}', {"__class__": 1}),
    "bidi and zero width": ('"\u202e\u200b"'.encode(), "\u202e\u200b"),
    "almost the limit": (b'"' + b"x" * 1_048_574 + b'"', "x" * 1_048_574),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_body_is_refused_with_one_problem(name: str) -> None:
    with pytest.raises(InputError) as refused:
        strict_json(REFUSED[name])
    assert refused.value.code == "json_invalid"
    assert [(one.path, one.code) for one in refused.value.problems] == [("", "json_invalid")]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_decent_body_is_read(name: str) -> None:
    raw, value = ACCEPTED[name]
    assert strict_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        f'{{"{CANARY}":1,"{CANARY}":2}}',
        f'"{CANARY}\\ud800"',
        f'"{CANARY}\\u0000"',
        f'["{CANARY}" x]',
        f"{CANARY}",
        "[" * 65 + f'"{CANARY}"' + "]" * 65,
    ],
)
def test_no_message_quotes_the_body(raw: str) -> None:
    with pytest.raises(InputError) as refused:
        strict_json(raw.encode())
    told = [str(refused.value), refused.value.message, *[one.message for one in refused.value.problems]]
    assert not any(CANARY in text for text in told)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_the_place_of_a_syntax_error_is_told() -> None:
    with pytest.raises(InputError, match="line 2, column 8"):
        strict_json(b'{\n  "a": ,\n}')


def test_the_limits_are_the_callers() -> None:
    assert strict_json(b"[[]]", max_depth=2, max_bytes=4) == [[]]
    with pytest.raises(InputError, match="deeper than 1 level"):
        strict_json(b"[[]]", max_depth=1)
    with pytest.raises(InputError, match="larger than 3 bytes"):
        strict_json(b"[[]]", max_bytes=3)


def test_even_a_limit_beyond_the_parsers_own_ends_in_a_refusal() -> None:
    with pytest.raises(InputError):
        strict_json(b"[" * 200_000 + b"]" * 200_000, max_depth=1_000_000)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1_000_000,
        b"[" + b"[]," * 300_000 + b"[]]",
        b'"' + b'\\"' * 500_000,
        b'["' * 65 + b'\\"' * 500_000,
        b'"' + b"\\u0041" * 160_000 + b'"',
        b'"' + b"\\\\" * 500_000 + b"\\",
        b"0." + b"1" * 1_000_000,
        b"1" * 1_000_000,
    ],
    ids=["open", "flat", "quotes", "quoted brackets", "escapes", "backslashes", "digits", "integer"],
)
def test_a_megabyte_of_anything_is_judged_quickly(raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(InputError):
        strict_json(raw)
    assert time.process_time() - began < 2.0


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_an_input_error(raw: bytes) -> None:
    try:
        value = strict_json(raw)
    except InputError:
        return
    assert strict_json(dump_json(value).encode()) == value


FRAGMENTS = st.sampled_from(
    [
        '"',
        "\\",
        "u",
        "d800",
        "dc00",
        "0000",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "1",
        "-",
        "e9",
        ".",
        "ü",
        "😀",
        " ",
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(FRAGMENTS, max_size=30))
def test_any_pile_of_json_fragments_gives_a_storable_value_or_an_input_error(parts: list[str]) -> None:
    try:
        value = strict_json("".join(parts).encode())
    except InputError:
        return
    stored = dump_json(value)
    assert "\x00" not in stored
    assert strict_json(stored.encode("utf-8")) == value


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_a_json_value_survives_the_round_trip(value: Any) -> None:
    assert strict_json(dump_json(value).encode()) == value
    assert strict_json(json.dumps(value).encode()) == value
    assert strict_json(canonical_json(value).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter_to_the_canonical_form(value: dict[str, Any], random: Any) -> None:
    keys = list(value)
    random.shuffle(keys)
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


def test_dumping_is_compact_and_keeps_order_and_letters() -> None:
    assert dump_json({"b": [1, "ü"], "a": None}) == '{"b":[1,"ü"],"a":null}'
    assert canonical_json({"b": 1, "a": {"d": 1, "c": 2}}) == '{"a":{"c":2,"d":1},"b":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_dumping_refuses_what_is_not_json(value: float) -> None:
    with pytest.raises(ValueError):
        dump_json([value])
    with pytest.raises(ValueError):
        canonical_json({"a": value})


def test_dumping_refuses_a_bottomless_value_and_foreign_types() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        dump_json(deep)
    with pytest.raises(TypeError):
        dump_json({"a": {1, 2}})
