"""Google's token endpoint in the sandbox: refresh only, and no new refresh token in the answer."""

from revolution_google.sandbox.state import ACCOUNT_PREFIX, CLIENT_ID, CLIENT_SECRET, LIFETIME_S, World
from revolution_sdk.sandbox import Answer, Call, Sandbox

FORM = "application/x-www-form-urlencoded"


def add_token_endpoint(box: Sandbox, world: World) -> None:
    """Serve `POST /token`."""

    @box.operation("POST", "/token", "token")
    def token(call: Call) -> Answer:
        form = call.form() if call.headers.get("content-type", "").startswith(FORM) else {}
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        if form.get("grant_type") != "refresh_token":
            return _refused(
                400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}"
            )
        grant = form.get("refresh_token", "")
        if not grant:
            return _refused(400, "invalid_request", "Missing required parameter: refresh_token")
        if not grant.startswith(ACCOUNT_PREFIX):
            return _refused(400, "invalid_grant", "Token has been expired or revoked.")
        with world.lock:
            world.account(grant)
            body = {
                "access_token": world.tokens.mint(grant),
                "expires_in": int(LIFETIME_S),
                "scope": " ".join(world.granted()),
                "token_type": "Bearer",
            }
        return Answer(body=body, headers={"cache-control": "no-store"})


def _refused(status: int, error: str, description: str) -> Answer:
    return Answer(status=status, body={"error": error, "error_description": description})
