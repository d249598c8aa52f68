"""Whether an account can be reached: asks for its own address."""

from revolution_google.client import own_address
from revolution_google.declaration import google
from revolution_sdk import ActionContext, CredentialError, JsonObject


@google.check
def check_account(ctx: ActionContext) -> JsonObject:
    """Read the account's address. A grant that is for the calendar alone may not be asked, and holds."""
    try:
        return {"email": own_address(ctx.http)}
    except CredentialError as error:
        if error.code != "missing_scopes":
            raise
        return {}
