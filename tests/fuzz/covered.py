"""The target of the search that is led by coverage: `python -m fuzz.covered CORPUS [libFuzzer's options]`.

It runs in a process of its own, because libFuzzer ends it.
"""

import json
import sys

import atheris

with atheris.instrument_imports(include=["revolution_hub.template"]):
    from fuzz.oracle import Finding, examine

from fuzz.seeds import unpacked


def look(data: bytes) -> None:
    """Examine what the bytes stand for; print it if something is wrong with it."""
    template, scope = unpacked(data)
    try:
        examine(template, scope)
    except Finding as finding:
        print(f"\nFINDING {finding}\ntemplate {template!r}\nscope {json.dumps(scope)}", flush=True)
        raise


if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
