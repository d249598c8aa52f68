"""How long rendering one short mail takes, beside Jinja2, python-liquid and chevron in the same run.

Run: python benchmarks/template.py. The last line is one JSON object; times are microseconds, the best of each
engine's rounds, which alternate. A ratio is our time divided by theirs.
"""

import argparse
import json
import time
import timeit
from collections.abc import Callable
from typing import Any

import chevron
import jinja2
import liquid

from bench.figures import table
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_template

SCOPE: dict[str, Any] = {
    "lead": {"name": "Greta Lindner", "company": "Lindner Logistik GmbH", "city": "Berlin", "score": 95},
    "premium": True,
    "sender": {"name": "ada lovelace"},
}
OURS = """Guten Tag {{ lead.name }},

vielen Dank für Ihr Interesse an {{ lead.company }} in {{ lead.city }}. Mit {{ lead.score }} Punkten \
sprechen wir gern{{#if premium}} und bevorzugt{{/if}} mit Ihnen über die nächsten Schritte und einen Termin \
in dieser Woche.

Viele Grüße
{{ sender.name | upper }}"""
JINJA = OURS.replace("{{#if premium}}", "{% if premium %}").replace("{{/if}}", "{% endif %}")
LIQUID = JINJA.replace("| upper", "| upcase")
# Mustache has no filters: the mail is given the name as it is to be shown.
MUSTACHE = (
    OURS.replace("{{#if premium}}", "{{#premium}}")
    .replace("{{/if}}", "{{/premium}}")
    .replace("sender.name | upper", "sender.shown")
)
ROUNDS = 7
CALLS = 4_000
LARGE = 10_000
"""Expressions in the large template, of which there are a tenth as many in the small one beside it."""


def _engines() -> dict[str, Callable[[], str]]:
    ours = compile_template(OURS)
    jinja = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined).from_string(JINJA)
    fluid = liquid.Environment().from_string(LIQUID)
    shown = {**SCOPE, "sender": {"shown": SCOPE["sender"]["name"].upper()}}
    return {
        "ours": lambda: str(ours.render(SCOPE)),
        "jinja2": lambda: jinja.render(SCOPE),
        "liquid": lambda: fluid.render(**SCOPE),
        "chevron": lambda: str(chevron.render(MUSTACHE, shown)),
    }


def _best_us(engines: dict[str, Callable[[], str]]) -> dict[str, float]:
    best = dict.fromkeys(engines, float("inf"))
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            best[name] = min(best[name], timeit.timeit(engine, number=CALLS) / CALLS * 1e6)
    return best


def _compile_ms(expressions: int) -> float:
    # Every one of them is different, so nothing is answered from a cache.
    source = "".join(f"{'x' * 80}{{{{ lead.name | upper }}}}{at}" for at in range(expressions))
    limits = Limits(source_chars=2_000_000, steps=100_000, output_chars=2_000_000)

    def run() -> None:
        compile_template(source, limits).render(SCOPE, limits)

    # Processor time: one call takes long enough for others to come in between.
    return min(timeit.repeat(run, timer=time.process_time, number=1, repeat=5)) * 1e3


def main() -> None:
    """Measure all of them in one run and print the figures."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    engines = _engines()
    texts = {name: engine() for name, engine in engines.items()}
    if len(set(texts.values())) != 1:
        raise SystemExit(f"the engines render different texts: {texts}")
    best = _best_us(engines)
    small, large = _compile_ms(LARGE // 10), _compile_ms(LARGE)
    print(
        table(
            ("engine", "µs a mail", "ours is"),
            [(name, f"{us:.2f}", f"{best['ours'] / us:.2f}") for name, us in best.items()],
        )
    )
    figures = {"render_us": round(best["ours"], 2)}
    for name, us in best.items():
        if name != "ours":
            figures |= {f"{name}_us": round(us, 2), f"ratio_to_{name}": round(best["ours"] / us, 3)}
    figures |= {
        "compile_and_render_ms_1000": round(small, 2),
        f"compile_and_render_ms_{LARGE}": round(large, 2),
        "growth_for_ten_times_the_length": round(large / small, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
