"""No error of any filter tells data, and what is no JSON goes nowhere: every filter, every kind of value."""

from itertools import product

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.filters.filter import EXAMPLES_AT, Filter
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.render import compile_template, evaluate_condition
from revolution_sdk.types import JsonObject

CANARY = "tok-live-canary"
CANARY_NUMBER = 918_273_645_546
MOST_ARGUMENTS = 3

# Every kind of value, each holding the canary; half a surrogate pair is what no encoding takes.
KINDS: JsonObject = {
    "text": CANARY,
    "half": f"{CANARY}\ud800",
    "template": "{{ " + CANARY,
    "date": f"2026-11-23T{CANARY}",
    "pattern": f"(?{CANARY}",
    "long": CANARY * 100,
    "number": CANARY_NUMBER,
    "fraction": CANARY_NUMBER / 1_000,
    "huge": CANARY_NUMBER * 10**30,
    "flag": True,
    "nothing": None,
    "texts": [CANARY, f"a {CANARY}"],
    "mixed": [1, CANARY, None, [CANARY], {CANARY: CANARY}],
    "rows": [{"id": CANARY, CANARY: CANARY_NUMBER}, {"id": CANARY_NUMBER}],
    "object": {CANARY: CANARY, "id": [CANARY], "dateTime": CANARY, "timeZone": CANARY},
    "meeting": {"dateTime": "2026-11-23T14:30:00", "timeZone": CANARY},
    "nested": {"id": {CANARY: [[{CANARY: CANARY}]]}},
}
USUAL = (("'id'", "'id'", "'id'"), ("1", "'days'", "'UTC'"), ("'EUR'", "'de'", "1"), ("'a'", "1", "1"))
"""Arguments that some filter takes, so that it looks at the canary in the place of one of them."""


def calls(one: Filter) -> list[str]:
    """Write calls of the filter with every kind in every place, beside arguments it may well take."""
    arguments: set[tuple[str, ...]] = {()} if one.least_arguments == 0 else set()
    for count in range(max(one.least_arguments, 1), min(one.most_arguments, MOST_ARGUMENTS) + 1):
        for place, kind, usual in product(range(count), KINDS, USUAL):
            arguments.add((*usual[:place], kind, *usual[place + 1 : count]))
    return sorted(one.name + ":" * bool(chosen) + ", ".join(chosen) for chosen in arguments)


def tells(error: BaseException | None) -> str:
    """Write all that an error may show to anybody, with those it came from."""
    shown = []
    while error is not None:
        shown += [str(error), repr(error.args)]
        if isinstance(error, TemplateError):
            shown += [error.pointed(), repr(error.details), repr(error.problems)]
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    return "\n".join(shown)


def told_by(source: str) -> str:
    """Render a template in the scope of canaries; return what its error tells, or nothing if there is none.

    What is not a TemplateError comes through.
    """
    try:
        compile_template(source).render(KINDS, now=EXAMPLES_AT)
    except TemplateError as error:
        return tells(error)
    return ""


def assert_no_canary(told: str) -> None:
    assert CANARY not in told
    assert str(CANARY_NUMBER) not in told


@pytest.mark.parametrize("name", FILTERS)
def test_no_error_of_a_filter_tells_what_it_was_given(name: str) -> None:
    errors = [
        told_by(f"{{{{ {kind} | {call} }}}}") for call in calls(FILTERS[name]) for kind in [*KINDS, "absent"]
    ]
    for told in errors:
        assert_no_canary(told)
    assert any(errors) or name == "default"


def test_a_canary_in_an_error_would_be_seen() -> None:
    try:
        int(CANARY)
    except ValueError as cause:
        error = TemplateError("something is wrong")
        error.__cause__ = cause
    assert CANARY in tells(error)


@pytest.mark.parametrize("sign", [*COMPARISONS, "+", "-", "*", "/", "%", "and", "or", "??"])
def test_no_error_of_an_operator_tells_what_it_was_given(sign: str) -> None:
    for one, other in product([*KINDS, "absent"], repeat=2):
        for source in [f"{{{{ {one} {sign} {other} }}}}", f"x{{{{ ({one} {sign} {other}) | upper }}}}"]:
            assert_no_canary(told_by(source))


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_of_a_path_or_a_block_tells_what_it_was_given(kind: str) -> None:
    sources = [f"{{{{ {kind}{part} }}}}" for part in [".id", "[0]", "[9]", "['x']", ".id.id", "[0].id[0]"]]
    sources += [
        f"x{{{{ {kind} }}}}",
        f"{{{{ -{kind} }}}}",
        f"{{{{#each {kind}}}}}{{{{ this.id.x }}}}{{{{/each}}}}",
    ]
    sources += [f"{{{{#each {kind}}}}}{{{{ @key }}}}{{{{/each}}}}", f"{{{{#if {kind}.id}}}}x{{{{/if}}}}"]
    errors = [told_by(source) for source in sources]
    for told in errors:
        assert_no_canary(told)
    assert any(errors)


class Sealed:
    """A secret before the runner opens it: an object that tells itself to whoever makes it text."""

    def __str__(self) -> str:
        return CANARY

    __repr__ = __str__

    def __format__(self, _spec: str) -> str:
        return CANARY

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> object:
        return iter([CANARY])


SEALED = Sealed()
SCOPES: list[JsonObject] = [
    {"v": SEALED, "w": "x"},
    {"v": [SEALED], "w": SEALED},
    {"v": {"id": SEALED}, "w": [SEALED]},
    {"v": [{"id": SEALED}], "w": {"id": SEALED}},
    {"v": "x", "w": SEALED},
]


@pytest.mark.parametrize("name", FILTERS)
def test_a_sealed_secret_passes_no_filter(name: str) -> None:
    one = FILTERS[name]
    for count, scope in product(range(one.least_arguments, min(one.most_arguments, 3) + 1), SCOPES):
        arguments = ", ".join(["w"] * count)
        for form in ["{{{{ {} }}}}", "x{{{{ {} }}}}", "x{{{{ {} | json }}}}"]:
            source = form.format(f"v | {name}:{arguments}" if count else f"v | {name}")
            try:
                rendered = repr(compile_template(source).render(scope, now=EXAMPLES_AT))
            except TemplateError as error:
                rendered = tells(error)
            assert CANARY not in rendered


@pytest.mark.parametrize("scope", SCOPES[:4])
@pytest.mark.parametrize(
    "source",
    [
        "{{ v }}",
        "x{{ v }}",
        "{{ v ?? 1 }}",
        "{{ v | 'x' }}",
        "{{ v or 1 }}",
        "{{#each v}}{{ this }}{{/each}}",
    ],
)
def test_a_sealed_secret_is_written_nowhere(source: str, scope: JsonObject) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source).render(scope)
    assert CANARY not in tells(caught.value)


def test_a_sealed_secret_may_be_asked_for() -> None:
    assert evaluate_condition(compile_template("{{ v != null and v != 'x' }}"), {"v": SEALED})
    assert not evaluate_condition(compile_template("{{ v == w }}"), {"v": SEALED, "w": CANARY})
