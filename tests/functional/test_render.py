"""`revolution render`: text as it is, other values as JSON, and no fault ever as a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from rig.command import run_command
from typer.testing import CliRunner

from revolution_hub.cli.main import app

DATA = '{"name": "Ada [bold]", "items": [{"n": 1}, {"n": 2.5}], "none": null}'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with data, templates, and files that are neither."""
    files = {
        "data.json": DATA,
        "data.yaml": "name: Ada\nwhen: 2026-11-22\n",
        "hello.txt": "Hello {{ name }}\r\n",
        "broken.json": '{"name": "Ada",}',
        "broken.yaml": "name: [Ada",
        "list.json": "[1]",
        "empty.json": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def render(*given: str, typed: bytes = b"", charset: str = "utf-8") -> tuple[int, bytes, str]:
    """Return the exit code, what was written, and what was said about it. `typed` is the standard input."""
    done = CliRunner(charset=charset).invoke(app, ["render", *given], input=typed, catch_exceptions=False)
    return done.exit_code, done.stdout_bytes, done.stderr


GOOD: dict[str, tuple[tuple[str, ...], str]] = {
    "text alone": (("Grüße",), "Grüße\n"),
    "markup of terminals stays text": (("{{ name }}!", "--data", "data.json"), "Ada [bold]!\n"),
    "a list": (("{{ items }}", "--data", "data.json"), '[{"n":1},{"n":2.5}]\n'),
    "null": (("{{ none }}", "--data", "data.json"), "null\n"),
    "a number": (("{{ items[1].n }}", "--data", "data.json"), "2.5\n"),
    "a block": (("{{#each items}}{{ this.n }};{{/each}}", "--data", "data.json"), "1;2.5;\n"),
    "YAML, whose dates are texts": (("{{ when }}", "--data", "data.yaml"), "2026-11-22\n"),
    "a file, with its line ends": (("@hello.txt", "--data", "data.yaml"), "Hello Ada\r\n"),
    "a file by its name": (("hello.txt", "--template-file", "--data", "data.yaml"), "Hello Ada\r\n"),
    "nothing": (("",), "\n"),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_a_template_gives_is_written_as_it_is(case: str) -> None:
    given, written = GOOD[case]
    assert render(*given) == (0, written.encode(), "")


def test_template_or_data_are_read_from_standard_input() -> None:
    assert render("-", "--data", "data.json", typed=b"{{ items[0].n }}") == (0, b"1\n", "")
    assert render("{{ name }}", "--data", "-", typed=b'{"name": "Eva"}') == (0, b"Eva\n", "")


def test_a_wrong_template_is_shown_with_a_caret() -> None:
    code, written, said = render("Dear\n{{ nam }}", "--data", "data.json")
    assert (code, written) == (1, b"")
    assert said == ("nam is not there; did you mean name? (line 2, column 4)\n  {{ nam }}\n     ^\n")
    code, _, said = render("{{#if name}}x")
    assert code == 1
    assert said.splitlines()[1:] == ["  {{#if name}}x", "    ^"]


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no such data": (("x", "--data", "gone.json"), "gone.json cannot be read: No such file or directory"),
    "no such template": (("@gone.txt",), "gone.txt cannot be read: No such file or directory"),
    "a folder": (("x", "--data", "."), ". cannot be read: Is a directory"),
    "not UTF-8": (("@latin.txt",), "latin.txt cannot be read: it is not text in UTF-8"),
    "data that is not UTF-8": (
        ("x", "--data", "latin.txt"),
        "latin.txt cannot be read: it is not text in UTF-8",
    ),
    "half a character": (("\udcff",), "the template is not text in UTF-8"),
    "no JSON": (
        ("x", "--data", "broken.json"),
        "broken.json is not acceptable JSON: line 1, column 16 cannot be read",
    ),
    "empty": (("x", "--data", "empty.json"), "empty.json is not acceptable JSON: it is empty"),
    "empty input": (("x", "--data", "-"), "the data is not acceptable JSON: it is empty"),
    "no YAML": (
        ("x", "--data", "broken.yaml"),
        "broken.yaml is not readable YAML: line 1, column 11: expected ',' or ']', but got '<stream end>'",
    ),
    "a list": (("x", "--data", "list.json"), 'list.json must hold an object, such as {"name": "Ada"}'),
    "one input for both": (
        ("-", "--data", "-"),
        "the template and the data cannot both be read from standard input",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_line_and_another_code(case: str) -> None:
    given, line = BAD[case]
    assert render(*given) == (2, b"", f"{line}\n")


def test_a_terminal_without_the_character_gets_a_question_mark() -> None:
    assert render("Grüße {{ 1 }}", charset="ascii") == (0, b"Gr??e 1\n", "")


def test_closed_and_full_ends_are_told_and_never_a_traceback(folder: Path) -> None:
    command = f"{sys.executable} -m revolution_hub.cli.main render"
    ends = {
        f"{command} - <&-": (2, "the template cannot be read: standard input is closed\n"),
        f"{command} x >&-": (0, ""),
        f"{command} x | true": (0, ""),
    }
    if Path("/dev/full").exists():
        ends[f"{command} x >/dev/full"] = (1, "the output cannot be written: No space left on device\n")
    for line, expected in ends.items():
        done = subprocess.run(
            line, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == expected, line


def test_no_database_is_made_or_asked_for(tmp_path: Path) -> None:
    done = run_command(tmp_path / "data", "render", "{{ 1 + 1 }}", REVOLUTION_DATABASE_URL="nonsense")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
    assert not (tmp_path / "data").exists()
