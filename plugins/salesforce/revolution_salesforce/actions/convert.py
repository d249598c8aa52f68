"""Converting a lead, which Salesforce's REST API cannot do by itself: a small class in the org does."""

from revolution_salesforce import client
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import RECORD_ID
from revolution_salesforce.soql import quoted
from revolution_sdk import ActionContext, Found, Json, JsonObject, RejectedError
from revolution_sdk.schema import boolean, nullable, object_, string

_SENT = {
    "lead_id": "leadId",
    "status": "convertedStatus",
    "account_id": "accountId",
    "contact_id": "contactId",
    "owner_id": "ownerId",
    "opportunity_name": "opportunityName",
    "create_opportunity": "createOpportunity",
}
_NOT_INSTALLED = 404


def was_converted(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look at the lead: it says itself whether it was converted, and into what."""
    soql = (
        "SELECT IsConverted, ConvertedAccountId, ConvertedContactId, ConvertedOpportunityId FROM Lead"  # noqa: S608
        f" WHERE Id = {quoted(value['lead_id'])}"
    )
    found = client.query(ctx, soql).records
    if not found:
        return Found.UNKNOWN
    lead = found[0]
    if lead.get("IsConverted") is not True:
        return Found.ABSENT
    return _result(
        value,
        lead.get("ConvertedAccountId"),
        lead.get("ConvertedContactId"),
        lead.get("ConvertedOpportunityId"),
    )


@salesforce.action(
    input=object_(
        lead_id=string(pattern=RECORD_ID, describe="The lead's id"),
        status=string(
            min_length=1,
            max_length=255,
            describe="The status it gets, one that counts as converted; the first if left out",
        ),
        account_id=string(pattern=RECORD_ID, describe="An account to merge it into, instead of a new one"),
        contact_id=string(
            pattern=RECORD_ID, describe="A contact of that account to merge it into, instead of a new one"
        ),
        owner_id=string(
            pattern=RECORD_ID, describe="The user the new records belong to; the lead's if left out"
        ),
        opportunity_name=string(
            min_length=1, max_length=80, describe="The opportunity's name; the company's if left out"
        ),
        create_opportunity=boolean(default=True, describe="Whether an opportunity is made as well"),
        optional=["status", "account_id", "contact_id", "owner_id", "opportunity_name", "create_opportunity"],
    ),
    output=object_(
        lead_id=string(describe="The lead's id"),
        account_id=string(describe="The account it became, or was merged into"),
        contact_id=string(describe="The contact it became, or was merged into"),
        opportunity_id=nullable(string(describe="The opportunity; null if none was made")),
    ),
    effect="once",
    scopes=(API,),
    confirm=was_converted,
    confirm_after_s=60.0,
)
def convert_lead(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Convert a lead into an account, a contact and, if wanted, an opportunity. There is no way back.

    Salesforce refuses to convert a lead twice. The org needs the Apex class that comes with this connector,
    because Salesforce's REST API has no such request; see the connector's page.
    """
    sent = {name: value[key] for key, name in _SENT.items() if key in value}
    try:
        answer = client.convert(ctx, {"createOpportunity": True, **sent})
    except RejectedError as error:
        if error.details.get("status") != _NOT_INSTALLED:
            raise
        told = "the org has no class RevolutionLeadConvert; install it as the connector's page says"
        raise RejectedError(told, code="convert_not_installed", details=error.details) from error
    return _result(value, answer.get("accountId"), answer.get("contactId"), answer.get("opportunityId"))


def _result(value: JsonObject, account: Json, contact: Json, opportunity: Json) -> JsonObject:
    return {
        "lead_id": value["lead_id"],
        "account_id": account,
        "contact_id": contact,
        "opportunity_id": opportunity or None,
    }
