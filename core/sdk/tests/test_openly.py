"""What a connector declares beside its actions: how it is checked, and what it needs without HTTP."""

import pytest

from revolution_sdk import ActionContext, ApiKey, Connector, JsonObject
from revolution_sdk.testing import make_context


def look(ctx: ActionContext) -> JsonObject | None:
    return None


def test_a_connector_has_the_check_it_declares_and_one_alone() -> None:
    acme = Connector("acme", title="Acme")
    assert acme.checked_by is None
    assert acme.check(look) is look
    assert acme.checked_by is look
    with pytest.raises(ValueError, match="has a check already"):
        acme.check(look)


def test_secrets_are_members_of_the_credential() -> None:
    acme = Connector("acme", title="Acme", auth=ApiKey(), secrets=("api_key",), addresses=True)
    assert (acme.secrets, acme.addresses) == (("api_key",), True)
    with pytest.raises(ValueError, match=r"no 'api_kay'; did you mean 'api_key'\?"):
        Connector("acme", title="Acme", auth=ApiKey(), secrets=("api_kay",))
    with pytest.raises(ValueError, match="no 'password'"):
        Connector("acme", title="Acme", secrets=("password",))


def test_a_context_without_them_says_how_to_declare_them() -> None:
    ctx = make_context(Connector("acme", title="Acme"))
    with pytest.raises(LookupError, match="`secrets`"):
        ctx.secret("password")
    with pytest.raises(LookupError, match="addresses=True"):
        ctx.address("db.example.com", 5432)
    ctx.http.close()
