"""How long rendering one short follow-up mail takes, as a ratio to Python's own str.format on the same text.

Run: python benchmarks/template.py. The last line is one JSON object; times are microseconds, best of five.
"""

import argparse
import json
import timeit

from revolution_hub.template.render import compile_template

SCOPE = {
    "lead": {"name": "Greta Lindner", "company": "Lindner Logistik GmbH", "city": "Berlin", "score": 95},
    "sender": {"name": "Ada"},
}
SOURCE = (
    "Guten Tag {{ lead.name }},\n\nvielen Dank für Ihr Interesse an {{ lead.company }} "
    "in {{ lead.city|'der Stadt' }}. Mit {{ lead.score }} Punkten sprechen wir gern.\n\n"
    "Viele Grüße\n{{ sender.name }}"
)
PLAIN = (
    "Guten Tag {0[name]},\n\nvielen Dank für Ihr Interesse an {0[company]} in {0[city]}. "
    "Mit {0[score]} Punkten sprechen wir gern.\n\nViele Grüße\n{1[name]}"
)
ROUNDS = 20_000


def _best_us(function: object) -> float:
    return min(timeit.repeat(function, number=ROUNDS, repeat=5)) / ROUNDS * 1e6  # type: ignore[arg-type]


def main() -> None:
    """Measure both in one run and print the figures."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    template = compile_template(SOURCE)
    expected = PLAIN.format(SCOPE["lead"], SCOPE["sender"])
    if template.render(SCOPE) != expected:
        raise SystemExit("the template renders something else than it should")
    ours = _best_us(lambda: template.render(SCOPE))
    plain = _best_us(lambda: PLAIN.format(SCOPE["lead"], SCOPE["sender"]))
    print(f"rendering five placeholders: {ours:.1f} µs, str.format {plain:.1f} µs")
    print(json.dumps({"render_us": round(ours, 2), "ratio_to_str_format": round(ours / plain, 2)}))


if __name__ == "__main__":
    main()
