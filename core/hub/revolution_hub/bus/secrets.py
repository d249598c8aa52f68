"""secrets: what is sealed with a hook, for the door that checks by it and for the services that make it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from revolution_hub.bus.proof import Keyed
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Hook, Sealed
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_sdk import Secret
from revolution_sdk.types import JsonObject

MOST_EARLIER: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSecrets:
    """The secret senders prove themselves with, earlier ones that are still good, and the verify token.

    There is no `present` one if nothing but a token was ever made. `coming` is one for a version that is not
    published yet, and the family it is of.
    """

    present: Secret | None = None
    earlier: tuple[Keyed, ...] = ()
    token: Secret | None = None
    coming: tuple[str, Secret] | None = None

    @property
    def keys(self) -> Sequence[Keyed]:
        """Everything a delivery may be signed with, each until its time is over."""
        return (*([Keyed(secret=self.present)] if self.present else ()), *self.earlier)

    def coming_for(self, family: str) -> Secret | None:
        """Return the secret that was handed in for a version of this family before it is published."""
        return self.coming[1] if self.coming is not None and self.coming[0] == family else None

    def rotated(self, secret: Secret, now: datetime, until: datetime) -> "HookSecrets":
        """Return the secrets with a new one, beside which the present one is good until then."""
        kept = [one for one in self.earlier if one.until is not None and now < one.until]
        if self.present is not None and until > now:
            kept.insert(0, Keyed(secret=self.present, until=until))
        return replace(self, present=secret, earlier=tuple(kept[:MOST_EARLIER]))


def open_secrets(hub: Hub, hook: Hook) -> HookSecrets:
    """Open what is sealed with a hook; nothing if nothing is."""
    if hook.secret is None:
        return HookSecrets()
    document = hub.vault.open(hook.tenant_id, hook.id, hook.secret)
    present, token = document.get("signing_secret"), document.get("verify_token")
    coming = document.get("coming")
    return HookSecrets(
        present=Secret(str(present)) if present else None,
        earlier=tuple(
            Keyed(secret=Secret(one["secret"]), until=parse_moment(one["until"]))
            for one in document.get("earlier", ())
        ),
        token=Secret(str(token)) if token else None,
        coming=(coming["family"], Secret(coming["secret"])) if coming else None,
    )


def seal_secrets(hub: Hub, hook: Hook, secrets: HookSecrets) -> Sealed:
    """Seal secrets for a hook alone. Has a transaction of its own."""
    document: JsonObject = {"signing_secret": secrets.present.reveal() if secrets.present else None}
    if secrets.earlier:
        document["earlier"] = [
            {"secret": one.secret.reveal(), "until": rfc3339(one.until)}
            for one in secrets.earlier
            if one.until is not None
        ]
    if secrets.token is not None:
        document["verify_token"] = secrets.token.reveal()
    if secrets.coming is not None:
        document["coming"] = {"family": secrets.coming[0], "secret": secrets.coming[1].reveal()}
    return hub.vault.seal(hook.tenant_id, hook.id, document)
