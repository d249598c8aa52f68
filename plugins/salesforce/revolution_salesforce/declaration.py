"""The connector object itself; the actions and polls declare themselves on it."""

from revolution_salesforce.auth import JWT, OAUTH
from revolution_salesforce.client import LOGIN_URL
from revolution_salesforce.fields import API_NAME
from revolution_sdk import Connector
from revolution_sdk.schema import object_, string

salesforce = Connector(
    "salesforce",
    title="Salesforce",
    description="Reads, writes and watches leads, contacts, accounts, opportunities and any other object.",
    auth=(OAUTH, JWT),
    base_url=LOGIN_URL,
    settings=object_(
        reference_field=string(
            pattern=API_NAME,
            describe="API name of a text field of 64 characters, unique and external id, on each object"
            " that is created here: the hub keeps its own key in it and finds by it what was created",
        ),
        optional=["reference_field"],
    ),
)
