"""Qualifying a lead by budget, authority, need and timeline."""

from revolution_ai.client import ask
from revolution_ai.declaration import ai
from revolution_ai.models import chosen_model, model_field
from revolution_ai.prompts import qualification
from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.schema import array, boolean, integer, object_, string

TIMEOUT_S = 120.0
"""Reasoning models take tens of seconds over one lead."""

QUALIFICATION = object_(
    score=integer(
        minimum=0, maximum=100, describe="How promising the lead is, 0 to 100; from 60: contact now"
    ),
    bant=object_(
        budget=boolean(describe="The lead has named money, a budget or an approved purchase"),
        authority=boolean(describe="The person decides, or decides together with others"),
        need=boolean(describe="The lead has a problem or wish a product could answer"),
        timeline=boolean(describe="The lead has named a date, a period or urgency"),
        describe="Budget, authority, need, timeline: what is known to be there",
    ),
    reasoning=string(min_length=1, max_length=4_000, describe="The evidence for and against"),
    next_actions=array(
        string(min_length=1, max_length=500),
        max_items=20,
        describe="Steps for the sales team, the most important first",
    ),
)


@ai.action(
    input=object_(
        lead=object_(open_=True, describe="What is known about the lead, for instance a contact from a CRM"),
        criteria=string(
            min_length=1,
            max_length=10_000,
            describe="What makes a good lead for your company, in your own words",
        ),
        model=model_field("The model that answers; without it the one of the integration's settings"),
        optional=["criteria", "model"],
    ),
    output=QUALIFICATION,
    effect="read",
    timeout_s=TIMEOUT_S,
)
def qualify_lead(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Judge how promising a sales lead is: a score from 0 to 100, the four BANT answers, reasons, next steps.

    Use it before writing to a new lead. Changes nothing; every call asks the model anew, costs tokens and may
    judge slightly differently. The lead's data is sent to the provider of the model.
    """
    answer = ask(
        ctx,
        qualification(lead=value["lead"], criteria=value.get("criteria")),
        model=chosen_model(value, ctx.config),
        name="lead_qualification",
        schema=QUALIFICATION,
    )
    return {**answer, "score": int(answer["score"])}
