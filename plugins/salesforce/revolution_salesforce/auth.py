"""How a Salesforce account is authorized: a person agrees, or a certificate signs for a user.

Both answers name the org's own address in `instance_url`, which is where its API is. Access tokens live as
long as the org's session setting says, which nobody tells: a 401 does.
"""

from revolution_salesforce.client import AUTHORIZE_PATH, LOGIN_URL, REVOKE_PATH, TOKEN_PATH, USERINFO_PATH
from revolution_sdk import JwtBearer, OAuth2

API = "api"

OAUTH = OAuth2(
    authorize_url=LOGIN_URL + AUTHORIZE_PATH,
    token_url=LOGIN_URL + TOKEN_PATH,
    revoke_url=LOGIN_URL + REVOKE_PATH,
    scopes=(API, "refresh_token", "id"),
    identity_url=LOGIN_URL + USERINFO_PATH,
    identity_field="organization_id",
    base_url_field="instance_url",
)
"""`id` lets the hub ask whose token it is; that `api` alone would not do is unconfirmed."""

JWT = JwtBearer(
    token_url=LOGIN_URL + TOKEN_PATH,
    audience=LOGIN_URL,
    scope_claim=False,
    needs_subject=True,
    lifetime_s=180,
    title="Certificate (JWT bearer)",
    issuer_title="Consumer key of the app",
    subject_title="User name to act for",
    base_url_field="instance_url",
)
"""An assertion lives three minutes at most, and its scopes are those of the app. For sandboxes of Salesforce
the audience is https://test.salesforce.com. Unconfirmed: no specification of this flow is at hand.
"""
