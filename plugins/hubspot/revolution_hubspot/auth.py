"""How a HubSpot account is authorized: OAuth 2 with a refresh token, one hub_id per connection."""

from revolution_hubspot.client import API_URL, AUTHORIZE_URL, REVOKE_PATH, TOKEN_PATH
from revolution_sdk import OAuth2

READ_CONTACTS = "crm.objects.contacts.read"

AUTH = OAuth2(
    authorize_url=AUTHORIZE_URL,
    token_url=API_URL + TOKEN_PATH,
    revoke_url=API_URL + REVOKE_PATH,
    scopes=("oauth", READ_CONTACTS),
    account_field="hub_id",
)
"""Access tokens live 30 minutes. `hub_id` is what deliveries call `portalId`.

Source: HubSpot "Manage OAuth tokens" (2026-03), read 2026-11-22.
"""
