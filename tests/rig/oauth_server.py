"""A real OAuth 2 authorization server, Authlib's, as a process of its own: `python -m rig.oauth_server PORT`.

Authorization code with PKCE (S256, always), refresh with rotation, client credentials, JWT bearer,
revocation, and `iss` in what it answers browsers with. Who shows a refresh token a second time kills every
token of that authorization. Below `/_rig` a test changes how it behaves and sees what was asked of it.
"""

import secrets
import sys
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from joserfc.jwk import RSAKey

from rig.oauth_state import CLIENT, STATE, Client, Code, Token

METHODS = ["client_secret_post", "client_secret_basic"]
PAGE = (
    "<!doctype html><title>Consent</title><form method=post><input name=account value=ada>"
    "<button name=action value=accept>Accept</button><button name=action value=deny>Deny</button></form>"
)


class CodeGrant(grants.AuthorizationCodeGrant):
    """The authorization code, whose second use is refused."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload
        STATE.codes[code] = Code(
            code=code,
            account=request.user,
            scope=STATE.behavior["granted_scope"] or asked.scope or "",
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.data.get("code_challenge"),
            code_challenge_method=asked.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return STATE.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        STATE.count("exchanged")
        del STATE.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.account


class RefreshGrant(grants.RefreshTokenGrant):
    """Refresh, with rotation unless told otherwise."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = next((one for one in STATE.tokens if one.refresh_token == refresh_token), None)
        if found is None or found.revoked:
            STATE.count("refused")
            return None
        if found.used:
            # Two hold this token, and one of them is a thief.
            STATE.count("reused")
            STATE.revoke(found.family)
            return None
        return found

    def issue_token(self, user: str, refresh_token: Token) -> dict[str, Any]:
        self.INCLUDE_NEW_REFRESH_TOKEN = STATE.behavior["rotate"]
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def authenticate_user(self, refresh_token: Token) -> str:
        return refresh_token.account

    def revoke_old_credential(self, refresh_token: Token) -> None:
        STATE.count("refreshed")
        refresh_token.used = bool(STATE.behavior["rotate"])


class MachineGrant(grants.ClientCredentialsGrant):
    """The client in its own name."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class AssertionGrant(JWTBearerGrant):
    """Whoever signs with a key the test has registered for the issuer."""

    def resolve_issuer_client(self, issuer: str) -> Client | None:
        self.issuer = issuer
        return CLIENT if issuer in STATE.keys else None

    def resolve_client_public_key(self, client: Client) -> RSAKey:
        return RSAKey.import_key(STATE.keys[self.issuer])

    def authenticate_user(self, subject: str) -> str:
        return subject

    def has_granted_permission(self, client: Client, user: str) -> bool:
        return True

    def get_audiences(self) -> list[str]:
        return [f"{request.host_url}token", request.host_url.rstrip("/")]

    def process_assertion_claims(self, assertion: str) -> Any:
        claims = super().process_assertion_claims(assertion)
        STATE.assertions.append(dict(claims))
        return claims


class Revocation(RevocationEndpoint):
    """Revoking either token of an authorization ends all of it."""

    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return next(
            (one for one in STATE.tokens if token_string in (one.access_token, one.refresh_token)), None
        )

    def revoke_token(self, token: Token, request: Any) -> None:
        STATE.count("revoked")
        STATE.revoke(token.family)


class Issuer(IssuerParameter):
    """Says who answers, or what a test wants it to say."""

    def get_issuer(self) -> str:
        return str(STATE.behavior["iss"] or request.host_url.rstrip("/"))


def keep_token(token: dict[str, Any], asked: Any) -> None:
    """Keep what was issued. A refresh without rotation goes on with the refresh token it came with."""
    old = asked.refresh_token
    token["expires_in"] = STATE.behavior["expires_in"]
    if token["expires_in"] is None:
        del token["expires_in"]
    refresh_token = token.get("refresh_token") or (old.refresh_token if old else "")
    made = Token(
        access_token=token["access_token"],
        refresh_token=refresh_token if token.get("refresh_token") else "",
        account=str(asked.user or asked.client.client_id),
        scope=token.get("scope", ""),
        family=old.family if old else secrets.token_hex(8),
        expires_at=time.time() + (token.get("expires_in") or 3600),
    )
    STATE.tokens.append(made)
    token["account"] = made.account
    token.update(STATE.behavior["extra"])


def make_app() -> Flask:
    """Return the server."""
    app = Flask(__name__)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    server = AuthorizationServer(app, lambda id: CLIENT if id == CLIENT.client_id else None, keep_token)
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    for one in (RefreshGrant, MachineGrant, AssertionGrant):
        server.register_grant(one)
    server.register_endpoint(Revocation)
    server.register_extension(Issuer())
    add_protocol(app, server)
    add_resources(app)
    add_controls(app)
    add_knowledge(app)
    return app


def add_protocol(app: Flask, server: AuthorizationServer) -> None:
    """Serve what has to do with authorization: consent, tokens, and their end."""

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> ResponseReturnValue:
        with STATE.lock:
            if request.args.get("code_challenge_method") != "S256":
                return "PKCE with S256 is needed", 400
            try:
                grant = server.get_consent_grant(end_user=None)
            except OAuth2Error as error:
                return f"{error.error}: {error.description}", 400
            if request.method == "GET":
                return PAGE
            agreed = request.form.get("action") != "deny"
            user = request.form.get("account", "ada") if agreed else None
            made: ResponseReturnValue = server.create_authorization_response(grant_user=user, grant=grant)
            return made

    @app.post("/token")
    def token() -> ResponseReturnValue:
        time.sleep(STATE.behavior["delay_s"])
        with STATE.lock:
            STATE.count("asked")
            garbage = STATE.behavior["garbage"]
            if garbage is not None:
                return garbage["body"], garbage["status"], {"content-type": garbage["type"]}
            made: ResponseReturnValue = server.create_token_response()
            return made

    @app.post("/revoke")
    def revoke() -> ResponseReturnValue:
        with STATE.lock:
            if STATE.behavior["revoke_status"]:
                return "", STATE.behavior["revoke_status"]
            made: ResponseReturnValue = server.create_endpoint_response("revocation")
            return made


def add_resources(app: Flask) -> None:
    """Serve who somebody is, and one thing to read, to whoever has a good token."""

    @app.get("/userinfo")
    def userinfo() -> ResponseReturnValue:
        with STATE.lock:
            shown = request.headers.get("authorization", "").removeprefix("Bearer ")
            found = next((one for one in STATE.tokens if one.access_token == shown), None)
            if found is None or found.revoked or found.is_expired():
                return {"error": "invalid_token"}, 401
            return {"sub": found.account, "email": f"{found.account}@example.com", "scope": found.scope}

    @app.get("/contacts")
    def contacts() -> ResponseReturnValue:
        STATE.count("contacts")
        return userinfo()


def add_controls(app: Flask) -> None:
    """Serve what tests change and look at."""

    @app.get("/_rig")
    def state() -> ResponseReturnValue:
        with STATE.lock:
            alive = sum(1 for one in STATE.tokens if not one.revoked and not one.is_expired())
            return jsonify(counts=STATE.counts, assertions=STATE.assertions, alive=alive)

    @app.delete("/_rig")
    def reset() -> ResponseReturnValue:
        with STATE.lock:
            STATE.reset()
            return "", 204

    @app.patch("/_rig/behavior")
    def behave() -> ResponseReturnValue:
        with STATE.lock:
            STATE.behavior.update(request.get_json())
            return "", 204


def add_knowledge(app: Flask) -> None:
    """Serve what a test lets the server know, and what happens there without a browser."""

    @app.put("/_rig/redirects")
    def redirects() -> ResponseReturnValue:
        CLIENT.redirect_uris.add(request.get_json()["uri"])
        return "", 204

    @app.put("/_rig/keys/<path:issuer>")
    def key(issuer: str) -> ResponseReturnValue:
        with STATE.lock:
            STATE.keys[issuer] = request.get_json()["pem"]
            return "", 204

    @app.post("/_rig/authorizations")
    def authorized() -> ResponseReturnValue:
        with STATE.lock:
            asked = request.get_json()
            made = Token(
                access_token=secrets.token_urlsafe(24),
                refresh_token=secrets.token_urlsafe(24),
                account=asked.get("account", "ada"),
                scope=asked.get("scope", "read"),
                family=secrets.token_hex(8),
                expires_at=time.time() + STATE.behavior["expires_in"],
            )
            STATE.tokens.append(made)
            return jsonify(access_token=made.access_token, refresh_token=made.refresh_token), 201

    @app.post("/_rig/revoke")
    def revoke_account() -> ResponseReturnValue:
        with STATE.lock:
            for one in STATE.tokens:
                one.revoked = one.revoked or one.account == request.get_json()["account"]
            return "", 204


if __name__ == "__main__":
    make_app().run("127.0.0.1", int(sys.argv[1]), threaded=True)
