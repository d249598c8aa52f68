"""Attacks on the language. hostile.json holds payloads in the manner of many engines, and the few that are
harmless here with the text they must render to; every other one must raise TemplateError."""

import json
from pathlib import Path as File

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template import blocks, nodes
from revolution_hub.template.document import compile_document
from revolution_hub.template.limits import Limits
from revolution_hub.template.parser import parse
from revolution_hub.template.place import Source
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

CORPUS: list[JsonObject] = json.loads(File(__file__).with_name("hostile.json").read_text("utf-8"))
HARMLESS = [row for row in CORPUS if "expect" in row]
REFUSED = [row for row in CORPUS if "expect" not in row]

CANARY = "tok_live_canary"
SCOPE: JsonObject = {
    "text": "plain",
    "number": 5,
    "items": [1, 2, CANARY],
    "when": "2026-11-23T14:30:00Z",
    "rows": [
        {"id": 1, "name": "{{ secrets.key }}", "__proto__": "p"},
        {"id": 2, "name": "{{#if true}}", "__proto__": "q"},
    ],
    "hook": "{{ secrets.key }}",
    "object": {
        "__class__": "just a key",
        "__proto__": {"polluted": True},
        "constructor": "builder",
        "": "empty",
        "\x00": "zero",
        "canary": CANARY,
    },
}

NODES = (
    nodes.Literal,
    nodes.Path,
    nodes.Local,
    nodes.LoopFact,
    nodes.Maybe,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Fallback,
    nodes.Compare,
    nodes.Calculate,
    nodes.Negative,
    nodes.Piped,
)


def label(row: JsonObject) -> str:
    return f"{row['row']} {row['template']}".encode("unicode_escape").decode()


@pytest.mark.parametrize("row", REFUSED, ids=label)
def test_an_attack_is_refused_and_the_error_tells_no_data(row: JsonObject) -> None:
    for template in [row["template"], "text " + row["template"]]:
        with pytest.raises(TemplateError) as caught:
            compile_template(template).render(SCOPE)
        shown = caught.value.pointed()
        assert CANARY not in shown
        assert not any(sign in shown for sign in ["<class", "object at 0x", "built-in", "Traceback"])


@pytest.mark.parametrize("row", HARMLESS, ids=label)
def test_what_is_harmless_renders_to_exactly_this(row: JsonObject) -> None:
    rendered = compile_template(row["template"]).render(SCOPE)
    assert (type(rendered), rendered) == (type(row["expect"]), row["expect"])


def test_every_attack_of_the_matrix_has_payloads() -> None:
    assert {row["row"] for row in CORPUS} == {"T1", "T2", "T3", "T4", "T5", "T6", "T9", "T10", "T11"}
    assert len({row["template"] for row in CORPUS}) == len(CORPUS) >= 450


def test_whatever_can_be_parsed_is_made_of_the_listed_nodes_alone() -> None:
    seen = set()
    for row in CORPUS:
        try:
            parts = parse(Source.of(row["template"]), Limits()).body.parts
        except TemplateError:
            continue
        seen |= {type(part.node) for part in parts if isinstance(part, blocks.Shown)}
    assert seen
    assert seen <= set(NODES)
    assert set(NODES) == set(nodes.Node.__args__)


def test_a_value_that_looks_like_a_template_stays_text_through_two_documents() -> None:
    first = compile_document({"a": "{{ hook }}", "b": ["x {{ hook }}"]}).render(SCOPE)
    again = compile_document({"c": "{{ vars.a }}", "d": "{{ vars.b }}"}).render({"vars": first})
    assert again == {"c": "{{ secrets.key }}", "d": ["x {{ secrets.key }}"]}


@pytest.mark.parametrize(
    "key", ["k" * 50_000, "\x00", "", "__proto__", "a.b", "a[0]", "{{", "}}", "'\"", "\\", "💥"]
)
def test_a_strange_key_is_an_ordinary_key(key: str) -> None:
    source = "{{ data[" + json.dumps(key) + "] }}"
    assert compile_template(source).render({"data": {key: 1}}) == 1
    with pytest.raises(TemplateError, match="is not there") as caught:
        compile_template(source).render({"data": {}})
    assert len(caught.value.message) < 200


def test_a_name_is_no_way_to_another_key() -> None:
    scope: dict[str, Json] = {"data": {"secret": CANARY, "A": 1}}
    for source in ["{{ data.Secret }}", "{{ data['secret '] }}", "{{ data['ſecret'] }}", "{{ data.a }}"]:
        with pytest.raises(TemplateError, match="is not there"):
            compile_template(source).render(scope)
