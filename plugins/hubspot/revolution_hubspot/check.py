"""Whether an account can be reached: asks for one contact, and does not mind if there is none."""

from revolution_hubspot.client import read_contact
from revolution_hubspot.declaration import hubspot
from revolution_sdk import ActionContext, CredentialError, JsonObject, RejectedError

ANY_CONTACT = "1"
_REACHED = frozenset({"contact_not_found", "missing_scopes"})
"""Refusals that only a grant that holds is given."""


@hubspot.check
def check_account(ctx: ActionContext) -> JsonObject:
    """Read a contact that may not be there. Nothing of it is shown."""
    try:
        read_contact(ctx.http, ANY_CONTACT, ("email",))
    except (CredentialError, RejectedError) as error:
        if error.code not in _REACHED:
            raise
    return {}
