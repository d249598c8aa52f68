"""Every way of asking for too much ends in an error that says which limit, and quickly."""

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.limits import DEFAULT, Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json


def refused(source: str, scope: dict[str, Json], limits: Limits = DEFAULT) -> str:
    with pytest.raises(TemplateLimitError) as caught:
        compile_template(source, limits).render(scope, limits)
    assert caught.value.code == "template_limit"
    return caught.value.message


def nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels - 1):
        value = [value]
    return value


def doubled(times: int) -> Json:
    """A small value that is huge once written out, as a careless `set` in a loop could build it."""
    value: Json = ["x"]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize("field", ["output_chars", "steps", "depth", "source_chars"])
def test_a_limit_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limits(**{field: 0})


def test_a_depth_beyond_what_python_can_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        Limits(depth=65)


def test_a_source_of_exactly_the_limit_is_read_and_one_more_is_not() -> None:
    limits = Limits(source_chars=10)
    assert compile_template("{{ '1' }}x", limits).render({}) == "1x"
    assert refused("{{ '1' }}xy", {}, limits) == "the template has more than 10 characters"


def test_a_template_of_one_megabyte_is_refused_before_it_is_read() -> None:
    assert "more than 100,000 characters" in refused("{{" * 500_000, {})


def test_steps_are_counted_before_anything_is_evaluated() -> None:
    limits = Limits(steps=3)
    assert compile_template("{{ a == 1 }}").render({"a": 1}, limits) is True
    assert refused("{{ not a == 1 }}", {}, limits) == "this takes more than 3 steps"
    assert "more than 10,000 steps" in refused("{{a}}" * 10_001, {"a": 1})


def test_output_of_exactly_the_limit_is_given_and_one_more_is_not() -> None:
    limits = Limits(output_chars=6)
    template = compile_template("ab{{ a }}c{{ b }}")
    assert template.render({"a": "x", "b": 12}, limits) == "abxc12"
    with pytest.raises(TemplateLimitError, match="more than 6 characters"):
        template.render({"a": "x", "b": 123}, limits)


def test_a_lone_text_counts_as_output() -> None:
    assert "more than 3 characters" in refused("{{ a }}", {"a": "abcd"}, Limits(output_chars=3))


def test_text_alone_counts_as_output() -> None:
    assert "more than 3 characters" in refused("abcd", {}, Limits(output_chars=3))


@pytest.mark.parametrize("source", ["{{ a }}", "x{{ a }}", "{{ a | json }}"])
def test_a_small_value_that_unfolds_to_a_huge_one_is_refused(source: str) -> None:
    assert "characters" in refused(source, {"a": doubled(60)})


def test_comparing_values_that_unfold_is_refused() -> None:
    assert "handles more data than" in refused("{{ a == b }}", {"a": doubled(60), "b": doubled(60)})
    assert "handles more data than" in refused("{{ a in b }}", {"a": doubled(60), "b": [doubled(60)]})


@pytest.mark.parametrize("source", ["{{ a }}", "x{{ a }}", "{{ a | json }}"])
def test_a_value_nested_too_deeply_is_refused_without_exhausting_the_stack(source: str) -> None:
    compile_template(source).render({"a": nested(64)})
    assert refused(source, {"a": nested(65)}) == "this value is nested deeper than 64 levels"
    assert "nested deeper" in refused(source, {"a": nested(100_000)})


def test_deep_values_are_compared_without_recursion() -> None:
    scope = {"a": nested(50_000), "b": nested(50_000), "c": nested(49_999)}
    assert compile_template("{{ a == b }}").render(scope) is True
    assert compile_template("{{ a == c }}").render(scope) is False


def test_texts_that_double_with_each_filter_are_refused() -> None:
    assert "characters" in refused("{{ a" + " | json" * 40 + " | length }}", {"a": '"'})


def test_work_in_between_adds_up_over_the_template() -> None:
    scope = {"a": "x" * 1_000}
    assert compile_template("{{ a | upper | length }}," * 900).render(scope).startswith("1000,1000,")
    for name in ["upper", "lower", "trim", "json"]:
        assert "more" in refused(("{{ a | " + name + " | length }},") * 1_001, scope)


def test_searching_adds_up_over_the_template() -> None:
    scope = {"text": "x" * 1_000_000, "list": [0] * 10_000, "same": "x" * 1_000_000}
    assert "handles more data than" in refused("{{ 'y' in text }}," * 20, scope)
    assert "handles more data than" in refused("{{ 1 in list }}," * 13, scope)
    assert "handles more data than" in refused("{{ text == same }}," * 20, scope)
    assert "handles more data than" in refused("{{ text < same }}," * 20, scope)


@pytest.mark.parametrize("source", ["x{{ a }}", "x{{ b }}"])
def test_a_number_too_long_to_write_is_refused_in_text_and_kept_alone(source: str) -> None:
    scope = {"a": 10**5_000, "b": [10**5_000]}
    assert "too many digits" in refused(source, scope)
    assert compile_template("{{ a }}").render(scope) == 10**5_000


def test_a_suggestion_among_a_hundred_thousand_keys_takes_no_time_to_speak_of() -> None:
    # Comparing with all of them takes a minute; the suite's patience is the clock.
    scope = {"a": {f"email_address_{at}": at for at in range(100_000)}}
    with pytest.raises(TemplateError, match=r"a\.email_adress is not there"):
        compile_template("{{ a.email_adress }}").render(scope)
