"""qualify_lead against the sandbox, over HTTP and through the openai library."""

from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from revolution_ai.actions.qualification import QUALIFICATION
from revolution_ai.connector import qualify_lead
from revolution_sdk import ActionContext, JsonObject, RetryableError
from revolution_sdk.sandbox import RunningSandbox

GOOD: JsonObject = {
    "score": 71,
    "bant": {"budget": True, "authority": False, "need": True, "timeline": True},
    "reasoning": "Money is there.",
    "next_actions": ["Call."],
}


def test_a_qualification_has_exactly_the_promised_fields(ctx: ActionContext, leads: list[JsonObject]) -> None:
    result = qualify_lead(ctx, {"lead": leads[0]["lead"]})

    assert set(result) == {"score", "bant", "reasoning", "next_actions"}
    assert set(result["bant"]) == {"budget", "authority", "need", "timeline"}
    assert list(Draft202012Validator(QUALIFICATION).iter_errors(result)) == []


def test_five_leads_get_five_scores_and_the_promising_ones_sixty_and_more(
    ctx: ActionContext, leads: list[JsonObject]
) -> None:
    results = [qualify_lead(ctx, {"lead": one["lead"]}) for one in leads]

    assert len({result["score"] for result in results}) == len(leads) == 5
    assert [result["score"] >= 60 for result in results] == [one["promising"] for one in leads]


def test_the_four_answers_follow_from_what_the_lead_wrote(
    ctx: ActionContext, leads: list[JsonObject]
) -> None:
    for one in leads:
        assert qualify_lead(ctx, {"lead": one["lead"]})["bant"] == one["bant"], one["name"]


def test_an_empty_lead_is_qualified_as_unpromising(ctx: ActionContext) -> None:
    result = qualify_lead(ctx, {"lead": {}})

    assert result["score"] < 60
    assert not any(result["bant"].values())


def test_without_criteria_the_reasons_are_english_whatever_the_lead_speaks(
    ctx: ActionContext, leads: list[JsonObject]
) -> None:
    assert leads[0]["lead"]["language"] == "de"

    assert "All four criteria are met" in qualify_lead(ctx, {"lead": leads[0]["lead"]})["reasoning"]


def test_leads_with_the_same_signals_are_told_apart(ctx: ActionContext) -> None:
    names = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gil", "Hal"]

    scores = {qualify_lead(ctx, {"lead": {"name": name, "job_title": "CEO"}})["score"] for name in names}

    assert len(scores) > 3


def test_criteria_in_german_are_answered_in_german(ctx: ActionContext, leads: list[JsonObject]) -> None:
    criteria = "Gut ist ein Lead, der ein Budget hat und bis zum Sommer kaufen will."

    result = qualify_lead(ctx, {"lead": leads[1]["lead"], "criteria": criteria})

    assert "erkennbar sind" in result["reasoning"]
    assert "anrufen" in result["next_actions"][0]


def test_criteria_are_not_taken_for_the_leads_own_words(ctx: ActionContext, leads: list[JsonObject]) -> None:
    criteria = "We need leads with a budget of $10,000 that decide next week."

    without = qualify_lead(ctx, {"lead": leads[2]["lead"]})

    assert qualify_lead(ctx, {"lead": leads[2]["lead"], "criteria": criteria})["score"] == without["score"]


@pytest.mark.parametrize(
    ("chosen", "config", "expected"),
    [
        ({"model": "gpt-5"}, {"model": "llama-4"}, "gpt-5"),
        ({}, {"model": "llama-4"}, "llama-4"),
        ({}, {}, "gpt-5-mini"),
    ],
)
def test_the_steps_model_goes_before_the_integrations_and_that_before_the_default(
    running: RunningSandbox,
    context: Callable[..., ActionContext],
    asked: Callable[[RunningSandbox], JsonObject],
    chosen: JsonObject,
    config: JsonObject,
    expected: str,
) -> None:
    qualify_lead(context(running, config=config), {"lead": {}, **chosen})

    assert asked(running)["model"] == expected


def test_a_whole_score_written_with_a_point_is_a_whole_number(
    scripted: Callable[..., ActionContext], completion: Callable[..., JsonObject]
) -> None:
    result = qualify_lead(scripted(completion({**GOOD, "score": 71.0})), {"lead": {}})

    assert result == GOOD
    assert isinstance(result["score"], int)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"score": 101}, "$.score"),
        ({"score": -1}, "$.score"),
        ({"score": 70.5}, "$.score"),
        ({"score": "70"}, "$.score"),
        ({"bant": {"budget": True}}, "$.bant"),
        ({"bant": {**GOOD["bant"], "need": "yes"}}, "$.bant.need"),
        ({"reasoning": ""}, "$.reasoning"),
        ({"next_actions": "Call."}, "$.next_actions"),
        ({"comment": "one field too many"}, "$"),
    ],
)
def test_an_answer_that_breaks_the_schema_is_asked_for_again(
    scripted: Callable[..., ActionContext],
    completion: Callable[..., JsonObject],
    wrong: JsonObject,
    place: str,
) -> None:
    with pytest.raises(RetryableError) as caught:
        qualify_lead(scripted(completion({**GOOD, **wrong})), {"lead": {}})

    assert caught.value.code == "answer_unreadable"
    assert caught.value.details["reason"].startswith(f"{place} breaks the rule")
