"""`revolution render`: a template tried out on a file of data. Needs no hub and no database."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from revolution_hub.cli.show import fail, tell
from revolution_hub.errors import InputError, TemplateError
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.model.time import utc_now
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

STDIN = "-"
YAML = (".yaml", ".yml")
TEMPLATE_FAULT, INPUT_FAULT = 1, 2
"""Exit codes: the template is wrong, or what was to be read for it."""


def render(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="the template itself, @FILE, or - for standard input")
    ],
    data: Annotated[
        str, typer.Option(metavar="FILE", help="what it reads, in JSON or YAML; - for JSON on stdin")
    ] = "",
    template_file: Annotated[
        bool, typer.Option("--template-file", help="TEMPLATE is the name of a file")
    ] = False,
) -> None:
    """Render a template on data. Text comes out as it is, any other value as JSON."""
    if template == STDIN == data:
        _refuse("the template and the data cannot both be read from standard input")
    source = _source(template, template_file)
    scope = _scope(data) if data else {}
    try:
        value = compile_template(source).render(scope, now=utc_now())
    except TemplateError as error:
        fail(error.pointed())
        raise typer.Exit(TEMPLATE_FAULT) from error
    tell(value if isinstance(value, str) else dump_json(value))


def _source(template: str, is_file: bool) -> str:
    if template == STDIN:
        return _text(STDIN, "the template")
    if is_file:
        return _text(template, template)
    if template.startswith("@"):
        return _text(template[1:], template[1:])
    # A terminal that is not in UTF-8 hands over halves of characters.
    if any("\ud800" <= one <= "\udfff" for one in template):
        _refuse("the template is not text in UTF-8")
    return template


def _scope(name: str) -> JsonObject:
    shown = "the data" if name == STDIN else name
    text = _text(name, shown)
    in_yaml = Path(name).suffix in YAML
    try:
        value = read_yaml(text) if in_yaml else _json(text)
    except InputError as error:
        found = error.problems[0]
        reason = " ".join(f"{found.path}: {found.message}".removeprefix(": ").split())
        _refuse(f"{shown} is not {'readable YAML' if in_yaml else 'acceptable JSON'}: {reason}")
    if not isinstance(value, dict):
        _refuse(f'{shown} must hold an object, such as {{"name": "Ada"}}')
    return value


def _json(text: str) -> Json:
    raw = text.encode()
    return strict_json(raw, max_bytes=len(raw))


def _text(name: str, shown: str) -> str:
    if name == STDIN and sys.stdin is None:
        _refuse(f"{shown} cannot be read: standard input is closed")
    try:
        # Bytes, so that line ends stay what they are.
        raw = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return raw.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        _refuse(f"{shown} cannot be read: {reason}")


def _refuse(line: str) -> NoReturn:
    fail(line)
    raise typer.Exit(INPUT_FAULT)
