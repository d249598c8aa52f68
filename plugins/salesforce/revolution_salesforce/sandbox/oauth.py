"""OAuth as Salesforce's login hosts speak it: consent with PKCE, tokens, revocation, who it is."""

import hmac
import time
from functools import partial
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from revolution_salesforce.client import AUTHORIZE_PATH, REVOKE_PATH, TOKEN_PATH, USERINFO_PATH
from revolution_salesforce.sandbox.grants import CLIENT_ID, CLIENT_SECRET, ORG_ID, USER_ID, USER_NAME
from revolution_salesforce.sandbox.provider import Provider
from revolution_salesforce.sandbox.rsa import claims_of
from revolution_salesforce.sandbox.shapes import oauth_refused, page, session_expired
from revolution_sdk import JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = frozenset({"https://login.salesforce.com", "https://test.salesforce.com"})
LONGEST_ASSERTION_S = 300
_FORM = "application/x-www-form-urlencoded"


def add_oauth(box: Sandbox, provider: Provider) -> None:
    """Serve the consent page and the token endpoints."""
    box.operation("GET", AUTHORIZE_PATH, "authorize")(ask)
    box.operation("POST", AUTHORIZE_PATH, "consent")(partial(decide, provider))
    box.operation("POST", TOKEN_PATH, "token")(partial(give_token, provider))
    box.operation("POST", REVOKE_PATH, "revoke")(partial(revoke, provider))
    box.operation("GET", USERINFO_PATH, "userinfo")(partial(tell_user, provider))


def ask(call: Call) -> Answer:
    """Show the consent page."""
    fault = _fault(call)
    if fault:
        return page(400, f"<h1>{escape(fault)}</h1>")
    scopes = "".join(f"<li>{escape(one)}</li>" for one in call.query.get("scope", "api").split())
    return page(
        200,
        f"<h1>Allow access?</h1><p>{escape(CLIENT_ID)} asks {escape(USER_NAME)} for</p><ul>{scopes}</ul>"
        '<form method="post"><button name="action" value="accept">Allow</button>'
        '<button name="action" value="deny">Deny</button></form>',
    )


def decide(provider: Provider, call: Call) -> Answer:
    """Send the browser back with a code, or with the refusal."""
    fault, action = _fault(call), call.form().get("action")
    if fault or action not in ("accept", "deny"):
        return page(400, f"<h1>{escape(fault or 'Allow or deny')}</h1>")
    redirect_uri, told = call.query["redirect_uri"], {"state": call.query.get("state", "")}
    if action == "deny":
        return _back(
            redirect_uri,
            {"error": "access_denied", "error_description": "end-user denied authorization", **told},
        )
    scope = call.query.get("scope", "api")
    code = provider.grants.give_code(redirect_uri, call.query["code_challenge"], scope)
    return _back(redirect_uri, {"code": code, **told})


def give_token(provider: Provider, call: Call) -> Answer:
    """Trade a code, a refresh token or an assertion for tokens."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return oauth_refused("invalid_request", f"content type must be {_FORM}")
    form = call.form()
    kind = form.get("grant_type", "")
    if kind == JWT_BEARER:
        return _by_assertion(provider, call, form.get("assertion", ""))
    if form.get("client_id") != CLIENT_ID:
        return oauth_refused("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
        return oauth_refused("invalid_client", "invalid client credentials")
    if kind == "refresh_token":
        found = provider.grants.refresh(form.get("refresh_token", ""))
        refusal = "expired access/refresh token"
    elif kind == "authorization_code":
        found, refusal = provider.grants.redeem(form), "expired authorization code"
    else:
        return oauth_refused("unsupported_grant_type", "grant type not supported")
    if found is None:
        return oauth_refused("invalid_grant", refusal)
    return Answer(body={**found, **_places(provider, call)})


def revoke(provider: Provider, call: Call) -> Answer:
    """End a token."""
    if not provider.grants.revoke(call.form().get("token", "")):
        return oauth_refused("invalid_request", "invalid token")
    return Answer(status=200)


def tell_user(provider: Provider, call: Call) -> Answer:
    """Say whose token it is."""
    if not provider.grants.good(call.bearer()):
        refusal = session_expired()
        return Answer(status=refusal.status, body=refusal.body)
    return Answer(
        body={
            "sub": f"{_origin(call)}/id/{ORG_ID}/{USER_ID}",
            "user_id": USER_ID,
            "organization_id": ORG_ID,
            "preferred_username": USER_NAME,
            "email": USER_NAME,
            "name": "Sandbox User",
        }
    )


def _by_assertion(provider: Provider, call: Call, assertion: str) -> Answer:
    key = provider.grants.public_key
    claims = claims_of(assertion, *key) if key else None
    now = time.time()
    if claims is None or claims.get("iss") != CLIENT_ID:
        return oauth_refused("invalid_grant", "invalid assertion")
    if claims.get("aud") not in AUDIENCES:
        return oauth_refused("invalid_grant", "audience is invalid")
    if claims.get("sub") != USER_NAME:
        return oauth_refused("invalid_grant", "user hasn't approved this consumer")
    expires = claims.get("exp")
    if not isinstance(expires, int) or not now < expires <= now + LONGEST_ASSERTION_S:
        return oauth_refused("invalid_grant", "expired assertion")
    return Answer(body={**provider.grants.assert_user(), **_places(provider, call)})


def _places(provider: Provider, call: Call) -> JsonObject:
    origin = _origin(call)
    return {"instance_url": provider.instance_url or origin, "id": f"{origin}/id/{ORG_ID}/{USER_ID}"}


def _origin(call: Call) -> str:
    return f"http://{call.headers.get('host', '127.0.0.1')}"


def _fault(call: Call) -> str:
    query = call.query
    target = urlsplit(query.get("redirect_uri", ""))
    if query.get("client_id") != CLIENT_ID:
        return "invalid_client_id: client identifier invalid"
    if target.scheme not in ("http", "https") or not target.netloc or target.fragment:
        return "redirect_uri_mismatch: redirect_uri must match configuration"
    if query.get("response_type") != "code":
        return "unsupported_response_type: response type not supported"
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "invalid_request: required code challenge"
    return ""


def _back(redirect_uri: str, told: dict[str, str]) -> Answer:
    parts = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(parts.query), *told.items()])
    return Answer(status=302, headers={"location": urlunsplit(parts._replace(query=query))})
