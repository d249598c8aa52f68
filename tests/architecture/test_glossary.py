"""The glossary is law: what a thing is never called, no class and no public function is called."""

import ast
import re
from collections.abc import Iterator, Mapping

NEVER = {
    "org": "tenant",
    "organization": "tenant",
    "organisation": "tenant",
    "workspace": "tenant",
    "actor": "principal (actor is Dramatiq's word)",
    "extension": "plugin",
    "addon": "plugin",
    "piece": "connector",
    "node": "connector or step",
    "flow": "workflow",
    "scenario": "workflow",
    "payload": "delivery",
    "entity": "resource",
    "job": "task or execution",
    "instance": "execution",
}
"""Words nothing is named with, and the word to use. Others of the glossary have an honest second meaning
(run, scope, token, message, object), so they are left to the reader."""

ALLOWED = {
    "core/hub/revolution_hub/model/yaml_document.py compose_node": "the YAML library's name for its own hook",
    "core/hub/revolution_hub/errors.py PayloadError": "a large JSON value in its file, no delivery",
    "core/hub/revolution_hub/engine/limits.py require_payload": "a JSON value of any kind, no delivery",
    "core/hub/revolution_hub/store/types.py Payload": "the column type of JSON values that may be in files",
    "core/hub/revolution_hub/store/types.py payload_column": "makes a column of that type",
}
"""Names that may hold such a word, `path name`, each with the reason."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def misnamed(sources: Mapping[str, ast.Module], allowed: Mapping[str, str]) -> Iterator[str]:
    """Yield the classes and public functions whose name has a word that is never used."""
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_") or f"{path} {node.name}" in allowed:
                continue
            words = [word.lower() for word in _WORD.findall(node.name)]
            for word in words:
                for known in {word, word.removesuffix("s")} & set(NEVER):
                    yield f"{path} {node.name}: not {known}, but {NEVER[known]}"


def test_nothing_has_a_name_the_glossary_forbids(core: dict[str, ast.Module]) -> None:
    assert list(misnamed(core, ALLOWED)) == []


def test_every_allowed_name_is_needed(core: dict[str, ast.Module]) -> None:
    found = {one.partition(":")[0] for one in misnamed(core, {})}
    assert found == set(ALLOWED)


def test_a_forbidden_name_is_found() -> None:
    planted = "class FlowRunner: ...\ndef list_jobs(): ...\nclass Workflow: ...\ndef _node(): ...\n"
    assert list(misnamed({"a.py": ast.parse(planted)}, {})) == [
        "a.py FlowRunner: not flow, but workflow",
        "a.py list_jobs: not job, but task or execution",
    ]
