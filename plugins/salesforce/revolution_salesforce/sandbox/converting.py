"""What the class `RevolutionLeadConvert` does in an org that has it, with the records of the sandbox."""

from datetime import UTC, datetime, timedelta

from revolution_salesforce.sandbox.provider import Provider
from revolution_salesforce.sandbox.records import sobject_of
from revolution_salesforce.sandbox.schema import CONVERTED_STATUSES
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import Json, JsonObject

_TAKEN = frozenset(
    {"leadId", "convertedStatus", "accountId", "contactId", "ownerId", "opportunityName", "createOpportunity"}
)


def convert(provider: Provider, body: Json) -> JsonObject:
    """Convert a lead and return what became of it; raises RefusedError as the class does."""
    if not provider.apex:
        raise RefusedError(404, "NOT_FOUND", "Could not find a match for URL")
    if not isinstance(body, dict) or set(body) - _TAKEN or not isinstance(body.get("leadId"), str):
        raise RefusedError(400, "JSON_PARSER_ERROR", "leadId must be given, and nothing that is not known")
    status = body.get("convertedStatus", CONVERTED_STATUSES[0])
    if status not in CONVERTED_STATUSES:
        told = f"ConvertLead failed: invalid convertedStatus: {status}"
        raise RefusedError(400, "INVALID_STATUS", told, ["convertedStatus"])
    provider.require_writable()
    try:
        with provider.records.unit(undo=True):
            return _converted(provider, body, str(status))
    except RefusedError as error:
        # The class answers whatever it refuses with 400; 404 says that there is no such class.
        error.status = 400
        raise


def _converted(provider: Provider, body: JsonObject, status: str) -> JsonObject:
    records = provider.records
    leads, accounts, contacts, deals = (
        sobject_of(one) for one in ("Lead", "Account", "Contact", "Opportunity")
    )
    lead = records.get(leads, str(body["leadId"]))
    if lead["IsConverted"]:
        raise RefusedError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    account_id, contact_id = body.get("accountId"), body.get("contactId")
    account = str(account_id) if account_id else records.create(accounts, {"Name": lead["Company"]})
    records.get(accounts, account)
    person = {name: lead[name] for name in ("FirstName", "LastName", "Email", "Phone", "Title")}
    contact = str(contact_id) if contact_id else records.create(contacts, {**person, "AccountId": account})
    records.get(contacts, contact)
    deal = None
    if body.get("createOpportunity", True) is not False:
        name = body.get("opportunityName") or f"{lead['Company']}-"
        closing = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
        fields = {"Name": name, "StageName": "Prospecting", "CloseDate": closing, "AccountId": account}
        deal = records.create(deals, fields)
    marks: JsonObject = {"ConvertedAccountId": account, "ConvertedContactId": contact}
    records.change(
        leads,
        str(lead["Id"]),
        {**marks, "ConvertedOpportunityId": deal, "IsConverted": True, "Status": status},
    )
    return {"accountId": account, "contactId": contact, "opportunityId": deal}
