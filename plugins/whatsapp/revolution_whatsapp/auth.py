"""How a WhatsApp number is authorized: a system user's token, and the number and business it is for."""

from revolution_sdk import Bearer
from revolution_sdk.schema import string
from revolution_whatsapp.client import API_URL, API_VERSION

MESSAGING = "whatsapp_business_messaging"
MANAGEMENT = "whatsapp_business_management"

_ID = "^[0-9]{1,30}$"

AUTH = Bearer(
    title="System user's access token",
    account={
        "phone_number_id": string(
            pattern=_ID, describe="Id of the number that sends (not the number itself)"
        ),
        "business_account_id": string(
            pattern=_ID, describe="Id of the WhatsApp Business account it is part of"
        ),
    },
    account_field="phone_number_id",
    identity_url=f"{API_URL}/{API_VERSION}/{{phone_number_id}}?fields=id",
)
"""One connection per number. Deliveries name the `phone_number_id`, and are attributed by it.

A system user's token does not run out by itself; revoked or expired ones answer with code 190.
Source: Meta "WhatsApp Cloud API, Access tokens", read 2026-11-22.
"""
