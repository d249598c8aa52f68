"""Whatever a person may change leaves an audit entry: a service that writes appends one or says why not."""

import ast
from collections.abc import Iterator, Mapping

SERVICES = "core/hub/revolution_hub/services/"
WRITES = ("begin", "begin_across", "submit", "submit_all", "submit_soon", "start_by_hand")
"""The last part of what is called to write."""

WITHOUT_ENTRY = {
    "starts.py execute_workflow": "the execution itself says who started it, and with what",
    "integrations.py run_action": "the execution itself says who started it, and with what",
    "authorizations.py authorize": "keeps nothing but where somebody was sent, until they come back",
    "emitting.py emit_event": "the event is in the event log",
}
"""Functions of services that write and append no entry, each with the reason."""


def functions(services: Mapping[str, ast.Module]) -> dict[str, ast.FunctionDef]:
    return {
        f"{name} {one.name}": one
        for name, tree in services.items()
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
    }


def imported(tree: ast.Module) -> dict[str, str]:
    """Return what a module takes from other services, by the name it has here."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("revolution_hub.services."):
            file = f"{(node.module or '').rpartition('.')[2]}.py"
            found |= {one.asname or one.name: f"{file} {one.name}" for one in node.names}
    return found


def reached(start: str, services: Mapping[str, ast.Module]) -> Iterator[ast.Call]:
    """Yield every call in a function and in those of the services that it calls, however far."""
    known, seen, waiting = functions(services), {start}, [start]
    while waiting:
        name = waiting.pop()
        file = name.partition(" ")[0]
        elsewhere = imported(services[file])
        # Also what it hands on without calling it, such as a function for each of many.
        for node in ast.walk(known[name]):
            if isinstance(node, ast.Call):
                yield node
            if isinstance(node, ast.Name):
                target = elsewhere.get(node.id, f"{file} {node.id}")
                if target in known and target not in seen:
                    seen.add(target)
                    waiting.append(target)


def writes(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in WRITES


def enters(call: ast.Call) -> bool:
    func = ast.unparse(call.func)
    return func in ("audit.append", "audit.prune") or (
        func == "Start" and any(one.arg == "entry" for one in call.keywords)
    )


def unnoted(services: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield the public functions that write for a principal, and nothing they reach appends an entry."""
    for name, function in functions(services).items():
        public = not function.name.startswith("_")
        if not public or "principal" not in {one.arg for one in function.args.args}:
            continue
        calls = list(reached(name, services))
        if any(map(writes, calls)) and not any(map(enters, calls)):
            yield name


def elsewhere_appended(services: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield functions that append an entry outside a transaction they began or were given."""
    for name, function in functions(services).items():
        given = {one.arg for one in function.args.args}
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.append" and "tx" not in given:
                begun = [one for one in ast.walk(function) if isinstance(one, ast.With)]
                if not any(node in ast.walk(one) and "begin" in ast.unparse(one.items[0]) for one in begun):
                    yield name


def room(core: Mapping[str, ast.Module]) -> dict[str, ast.Module]:
    return {path.removeprefix(SERVICES): tree for path, tree in core.items() if path.startswith(SERVICES)}


def test_every_service_that_writes_appends_an_entry_or_says_why_not(core: dict[str, ast.Module]) -> None:
    services = room(core)
    writing = [
        name
        for name, one in functions(services).items()
        if not one.name.startswith("_") and any(map(writes, reached(name, services)))
    ]
    assert len(writing) >= 30
    assert set(unnoted(services)) == set(WITHOUT_ENTRY)


def test_every_entry_is_appended_in_the_transaction_of_its_change(core: dict[str, ast.Module]) -> None:
    assert list(elsewhere_appended(room(core))) == []


def test_a_service_that_leaves_no_entry_is_found() -> None:
    silent = "def drop(hub, principal):\n    with hub.store.begin('t') as tx:\n        things.remove(tx)\n"
    through = "def drop_all(hub, principal):\n    return each(drop)\n"
    noted = (
        "def make(hub, principal):\n    with hub.store.begin('t') as tx:\n        _keep(tx)\n"
        "def _keep(tx):\n    audit.append(tx, 1)\n"
    )
    assert list(unnoted({"things.py": ast.parse(silent + through + noted)})) == [
        "things.py drop",
        "things.py drop_all",
    ]
    other = ast.parse("from revolution_hub.services.things import drop\n" + through)
    found = unnoted({"things.py": ast.parse(noted + silent), "more.py": other})
    assert list(found) == ["things.py drop", "more.py drop_all"]


def test_an_entry_outside_its_transaction_is_found() -> None:
    late = (
        "def drop(hub, principal):\n    with hub.store.begin('t') as tx:\n        things.remove(tx)\n"
        "    with hub.store.read('t') as tx:\n        audit.append(tx, 1)\n"
    )
    assert list(elsewhere_appended({"things.py": ast.parse(late)})) == ["things.py drop"]
