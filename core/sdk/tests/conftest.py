"""A small provider: its connector, and a sandbox that speaks its protocol."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from revolution_sdk import ActionContext, AppWebhook, Connector, Delivery, Emitted, JsonObject, OAuth2, Secret
from revolution_sdk.sandbox import Answer, Call, RunningSandbox, Sandbox, Tokens, run_sandbox
from revolution_sdk.schema import object_, string
from revolution_sdk.webhooks import verify_standard

CONTACT = object_(id=string(), email=string())


def _verify(delivery: Delivery, secret: Secret) -> None:
    verify_standard(delivery, secret)


def _parse(delivery: Delivery) -> list[Emitted]:
    return []


@pytest.fixture
def declare() -> Callable[..., Connector]:
    """Make a good connector; keyword arguments replace what it declares."""

    def make(**changes: object) -> Connector:
        given: JsonObject = {
            "title": "Acme CRM",
            "description": "Keeps contacts.",
            "auth": OAuth2(
                authorize_url="https://id.acme.com/authorize", token_url="https://id.acme.com/oauth/token"
            ),
            "base_url": "https://api.acme.com/v1",
            "hosts": ("id.acme.com",),
            "webhook": AppWebhook(verify=_verify, parse=_parse),
        }
        acme = Connector("acme", **{**given, **changes})
        acme.event("contact.created", title="Contact created", data=object_(id=string()))

        @acme.action(
            input=object_(email=string(format="email", describe="The contact's address")),
            output=CONTACT,
            effect="once",
        )
        def create_contact(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Create a contact. Calling twice creates two."""
            answer: JsonObject = ctx.http.post("/contacts", json=value).json()
            return answer

        return acme

    return make


@pytest.fixture
def acme(declare: Callable[..., Connector]) -> Connector:
    """The good connector as it is."""
    return declare()


@pytest.fixture
def make_box() -> Callable[[], Sandbox]:
    """Make Acme's sandbox, each time a new one."""

    def make() -> Sandbox:
        contacts: list[JsonObject] = []
        tokens = Tokens(lifetime_s=3600)
        box = Sandbox(
            "acme",
            port=9999,
            error_shape=lambda status: {"error": {"status": status}},
            connection={"refresh_token": "grant"},
            base_path="/v1",
        )

        @box.operation("POST", "/oauth/token", "token")
        def token(call: Call) -> Answer:
            if call.form().get("refresh_token") != "grant":
                return Answer(status=400, body={"error": "invalid_grant"})
            return Answer(body={"access_token": tokens.mint("a1"), "token_type": "bearer"})

        @box.operation("POST", "/v1/contacts", "create_contact")
        def create_contact(call: Call) -> Answer:
            if tokens.account_of(call.bearer()) is None:
                return Answer(status=401, body={"error": "unauthorized"})
            contacts.append({"id": secrets.token_hex(4), "email": call.json()["email"]})
            return Answer(status=201, body=contacts[-1], headers={"x-kept": "yes"})

        @box.control("GET", "contacts")
        def list_contacts(call: Call) -> Answer:
            return Answer(body=contacts)

        return box

    return make


@pytest.fixture
def running(make_box: Callable[[], Sandbox]) -> Iterator[RunningSandbox]:
    """Acme's sandbox, served on a free port."""
    with run_sandbox(make_box()) as one:
        yield one
