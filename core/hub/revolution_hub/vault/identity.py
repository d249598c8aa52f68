"""identity: whose account a token is that a person has handed in, proven at the provider."""

from urllib.parse import quote

import httpx2

from revolution_hub.vault.token_endpoint import account_of
from revolution_sdk import CredentialError, RejectedError, RetryableError
from revolution_sdk.auth import Auth, Bearer
from revolution_sdk.errors import ConnectorError
from revolution_sdk.types import JsonObject


def attributes(auth: Auth) -> bool:
    """Tell whether deliveries are attributed by an id that is handed in with the credential."""
    return isinstance(auth, Bearer) and auth.account_field is not None


def ids_of(auth: Auth, document: JsonObject) -> JsonObject:
    """Return the ids of the account that an opened credential names; none of them is a secret."""
    names = auth.account if isinstance(auth, Bearer) else {}
    return {name: document[name] for name in names if name in document}


def proven(http: httpx2.Client, auth: Auth, credential: JsonObject) -> str | None:
    """Return the account a token was proven to reach; None if its connector attributes nothing by it.

    Raises CredentialError if the provider refuses the token or names another account, RetryableError if it
    cannot be asked now.
    """
    if not isinstance(auth, Bearer) or auth.account_field is None or auth.identity_url is None:
        return None
    ids = ids_of(auth, credential)
    url = auth.identity_url.format(**{name: quote(str(value), safe="") for name, value in ids.items()})
    try:
        answer = http.get(url, headers={"authorization": f"Bearer {credential['token']}"})
        body = answer.json() if answer.status_code == 200 else None
    except RejectedError:
        raise
    except (ConnectorError, ValueError, RecursionError) as error:
        told = "the provider could not be asked whose account this is"
        raise RetryableError(told, code="token_endpoint") from error
    if answer.status_code == 429 or answer.status_code >= 500:
        raise RetryableError("the provider could not be asked whose account this is", code="token_endpoint")
    if answer.status_code != 200:
        told = f"the provider did not let the token reach this account (status {answer.status_code})"
        raise CredentialError(told, code="credential_refused")
    account = account_of(body, auth.identity_field) if isinstance(body, dict) else None
    if account is None or account != str(ids[auth.account_field]):
        raise CredentialError("the token belongs to another account", code="other_account")
    return account
