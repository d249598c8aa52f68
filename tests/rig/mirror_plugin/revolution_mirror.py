"""Two connectors to a provider that sends back whatever it is sent, secrets included, and that pass it on."""

import threading
from typing import Any

from revolution_sdk import (
    ActionContext,
    ApiKey,
    Connector,
    JsonObject,
    OAuth2,
    RejectedError,
    UnknownOutcomeError,
    hookimpl,
)
from revolution_sdk.schema import object_, string

BASE = "https://api.mirror.test"
_ANYTHING = object_(open_=True)
_HOW = object_(how=string())


def shown(ctx: ActionContext, how: str) -> JsonObject:
    """Return what the provider says in this way, as a connector that thinks nothing of it does."""
    answer = ctx.http.get("/reflect", params={"how": how})
    return {"text": answer.text, "headers": dict(answer.headers), "url": str(answer.url)}


def show_mirror(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Do something with what the provider has sent back."""
    how = value["how"]
    if how in ("body", "header", "redirect", "refused", "failed", "encoded"):
        return shown(ctx, how)
    seen = shown(ctx, "body")
    acts: dict[str, Any] = {
        "rejected": lambda: _raise(RejectedError(f"no: {seen['text']}", details={"answer": seen})),
        "unknown": lambda: _raise(UnknownOutcomeError(f"who knows: {seen['text']}", details={"a": seen})),
        "bug": lambda: _raise(RuntimeError(seen["text"])),
        "log": lambda: ctx.log.error("the provider says %s", seen["text"]),
        "thread": lambda: _in_thread(lambda: ctx.log.error("the provider says %s", seen["text"])),
        "record": lambda: ctx.record("kept", lambda: seen),
        "emit": lambda: ctx.emit("thing.seen", seen),
    }
    return {"did": acts[how]()}


def _raise(error: Exception) -> None:
    raise error


def _in_thread(act: Any) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def made(name: str, auth: ApiKey | OAuth2) -> Connector:
    """Return a connector of this name with that way of showing who one is."""
    connector = Connector(name, title=name.title(), base_url=BASE, auth=auth)
    connector.event("thing.seen", title="A thing was seen", data=_ANYTHING)
    connector.action(input=_HOW, output=_ANYTHING, effect="repeatable")(show_mirror)
    return connector


def connectors() -> list[Connector]:
    """Return both: one with a key, one with OAuth."""
    oauth = OAuth2(authorize_url=f"{BASE}/authorize", token_url=f"{BASE}/token")
    return [made("mirror", ApiKey(header="X-Api-Key", prefix="")), made("mirrored", oauth)]


@hookimpl
def revolution_plugins() -> list[Connector]:
    return connectors()
