"""Google's consent page, token and revocation endpoints in the sandbox, and whose token one is.

A refresh answers without a new refresh token, and whoever takes consent back ends the access tokens as well.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from revolution_google.auth import IDENTITY_URL, auth
from revolution_google.sandbox.state import ACCOUNT_PREFIX, CLIENT_ID, CLIENT_SECRET, LIFETIME_S, World
from revolution_sdk import JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

FORM = "application/x-www-form-urlencoded"


def add_token_endpoint(box: Sandbox, world: World) -> None:
    """Serve everything that has to do with authorization."""
    page = urlsplit(auth.authorize_url).path
    box.operation("GET", page, "authorize")(world.consent.ask)
    box.operation("POST", page, "consent")(world.consent.decide)

    @box.operation("POST", "/token", "token")
    def token(call: Call) -> Answer:
        form = call.form() if call.headers.get("content-type", "").startswith(FORM) else {}
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        give = GRANTS.get(form.get("grant_type", ""))
        if give is None:
            return _refused(
                400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}"
            )
        with world.lock:
            return give(world, form)

    @box.operation("POST", "/revoke", "revoke")
    def revoke(call: Call) -> Answer:
        with world.lock:
            ended = world.consent.revoke(call.form().get("token", ""))
            if ended is None:
                return _refused(400, "invalid_token", "Token expired or revoked")
            world.tokens.expire(ended.account)
        return Answer(body={})

    @box.operation("GET", urlsplit(IDENTITY_URL).path, "userinfo")
    def userinfo(call: Call) -> Answer:
        with world.lock:
            name = world.tokens.account_of(call.bearer())
            if name is None:
                return _refused(401, "invalid_request", "Invalid Credentials")
            return Answer(body={"sub": name, "email": world.account(name).address})


def _by_code(world: World, form: dict[str, str]) -> Answer:
    found = world.consent.redeem(form)
    if found is None or not found[0].account.startswith(ACCOUNT_PREFIX):
        return _refused(400, "invalid_grant", "Bad Request")
    agreed, refresh_token = found
    return _given(world, agreed.account, agreed.scopes, {"refresh_token": refresh_token})


def _by_refresh_token(world: World, form: dict[str, str]) -> Answer:
    grant = form.get("refresh_token", "")
    if not grant:
        return _refused(400, "invalid_request", "Missing required parameter: refresh_token")
    renewed = world.consent.refresh(grant, rotate=False)
    if renewed is not None:
        return _given(world, renewed[0].account, renewed[0].scopes, {})
    if not grant.startswith(ACCOUNT_PREFIX):
        return _refused(400, "invalid_grant", "Token has been expired or revoked.")
    return _given(world, grant, world.granted(), {})


GRANTS: dict[str, Callable[[World, dict[str, str]], Answer]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


def _given(world: World, account: str, scopes: Iterable[str], more: JsonObject) -> Answer:
    world.account(account)
    body = {
        "access_token": world.tokens.mint(account),
        "expires_in": int(LIFETIME_S),
        "scope": " ".join(scopes),
        "token_type": "Bearer",
    }
    return Answer(body=body | more, headers={"cache-control": "no-store"})


def _refused(status: int, error: str, description: str) -> Answer:
    return Answer(status=status, body={"error": error, "error_description": description})
