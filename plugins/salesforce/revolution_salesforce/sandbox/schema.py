"""The objects of the sandbox's org and their fields."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from revolution_sdk import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `required` ones a new record needs; `own` ones the org keeps itself."""

    name: str
    type: str = "string"
    length: int = 0
    required: bool = False
    own: bool = False
    external_id: bool = False
    options: tuple[str, ...] = ()
    refers_to: str = ""

    def described(self) -> JsonObject:
        """Return the field as a describe has it, as far as anybody here reads it."""
        picked: list[Json] = [
            {"value": one, "label": one, "active": True, "defaultValue": False} for one in self.options
        ]
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length,
            "createable": not self.own,
            "updateable": not self.own,
            "nillable": not self.required,
            "defaultedOnCreate": False,
            "externalId": self.external_id,
            "unique": self.external_id,
            "picklistValues": picked,
            "referenceTo": [self.refers_to] if self.refers_to else [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SObject:
    """One object: its name, what its ids begin with, its fields."""

    name: str
    prefix: str
    fields: dict[str, Field]

    def find(self, name: str) -> Field | None:
        """Return the field of this name, however it is written."""
        return self.fields.get(name.lower())


def _text(name: str, length: int = 255, *, required: bool = False) -> Field:
    return Field(name=name, length=length, required=required)


_SYSTEM = (
    Field(name="Id", type="id", length=18, own=True),
    Field(name="CreatedDate", type="datetime", own=True),
    Field(name="LastModifiedDate", type="datetime", own=True),
    Field(name="SystemModstamp", type="datetime", own=True),
    Field(name="IsDeleted", type="boolean", own=True),
    Field(name="OwnerId", type="reference", length=18, refers_to="User"),
    Field(name="Description", type="textarea", length=32_000),
    Field(name="External_Id__c", length=64, external_id=True),
    Field(name="Hub_Key__c", length=64, external_id=True),
    Field(name="Region__c", type="picklist", length=255, options=("North", "South")),
)
_EMAIL, _PHONE = Field(name="Email", type="email", length=80), Field(name="Phone", type="phone", length=40)
_INDUSTRY = Field(name="Industry", type="picklist", length=255, options=("Engineering", "Technology"))
_ACCOUNT = Field(name="AccountId", type="reference", length=18, refers_to="Account")
_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
CONVERTED_STATUSES: Final = ("Closed - Converted",)

_LEAD = (
    _text("LastName", 80, required=True),
    _text("FirstName", 40),
    _text("Company", required=True),
    _EMAIL,
    _PHONE,
    _text("Title", 128),
    Field(name="Website", type="url", length=255),
    Field(name="Status", type="picklist", length=255, options=_STATUSES),
    Field(name="LeadSource", type="picklist", length=255, options=("Web", "Phone Inquiry")),
    _INDUSTRY,
    Field(name="IsConverted", type="boolean", own=True),
    replace(_ACCOUNT, name="ConvertedAccountId", own=True),
    Field(name="ConvertedContactId", type="reference", length=18, own=True, refers_to="Contact"),
    Field(name="ConvertedOpportunityId", type="reference", length=18, own=True, refers_to="Opportunity"),
)
_CONTACT = (
    _text("LastName", 80, required=True),
    _text("FirstName", 40),
    _EMAIL,
    _PHONE,
    _text("Title", 128),
    _ACCOUNT,
)
_ACCOUNTS = (
    _text("Name", required=True),
    Field(name="Website", type="url", length=255),
    _PHONE,
    _INDUSTRY,
    Field(name="Type", type="picklist", length=255, options=("Customer", "Prospect")),
)
_OPPORTUNITY = (
    _text("Name", 120, required=True),
    Field(
        name="StageName", type="picklist", length=255, required=True, options=("Prospecting", "Closed Won")
    ),
    Field(name="CloseDate", type="date", required=True),
    Field(name="Amount", type="currency"),
    Field(name="Probability", type="percent"),
    _ACCOUNT,
)
_INVOICE = (_text("Name", 80, required=True), Field(name="Total__c", type="double"))


def _sobject(name: str, prefix: str, fields: tuple[Field, ...]) -> SObject:
    return SObject(name=name, prefix=prefix, fields={one.name.lower(): one for one in (*_SYSTEM, *fields)})


_ALL = (
    _sobject("Lead", "00Q", _LEAD),
    _sobject("Contact", "003", _CONTACT),
    _sobject("Account", "001", _ACCOUNTS),
    _sobject("Opportunity", "006", _OPPORTUNITY),
    _sobject("Invoice__c", "a01", _INVOICE),
)
OBJECTS: Final = MappingProxyType({one.name.lower(): one for one in _ALL})
