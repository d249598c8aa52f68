"""Webhooks: a workflow's own address, what senders prove themselves with, and making both anew."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from revolution_hub.access.rbac import decide, require
from revolution_hub.bus.secrets import HookSecrets, open_secrets, seal_secrets
from revolution_hub.errors import ConflictError, DefinitionError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Hook, OldAddress
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.principal import Principal
from revolution_hub.model.webhook import Webhook
from revolution_hub.model.workflow import Workflow
from revolution_hub.services.guard import require_on_workflow
from revolution_hub.services.signing import new_secret, require_secret
from revolution_hub.store import audit, hooks, workflows
from revolution_hub.store.tx import Tx
from revolution_sdk import Secret
from revolution_sdk.types import Json

SECRET, ADDRESS, TOKEN = "secret", "address", "token"
DRAFT, PUBLISHED = "draft", "published"
DEFAULT_OVERLAP_S: Final = 86_400.0
LONGEST_OVERLAP_S: Final = 30 * 86_400.0
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshHook:
    """A webhook as it will be once its workflow is published, and what of it is new and shown once.

    There is no `hook` for a workflow without a webhook. `seen` is the one it was made from, `family` what its
    secret must be good for, if there must be one.
    """

    family: str | None = None
    hook: Hook | None = None
    seen: Hook | None = None
    secret: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookState:
    """A workflow's webhook: what its trigger says, and what there is for it. Never a secret.

    `hook` is None before there is an address. `webhook` is what the published version says, or the draft.
    """

    webhook: Webhook
    published: bool
    hook: Hook | None
    secret_set: bool
    token_set: bool
    coming: bool
    shown: bool
    old_addresses: tuple[OldAddress, ...] = ()
    old_secrets: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What is made anew, and how long what was there before goes on working.

    `secret` and `token` are what a person hands in; without them the hub makes them. `of` says whether the
    secret is for the published version's trigger or the draft's; by default the published one's, if there is.
    """

    what: frozenset[str]
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    overlap_s: float = DEFAULT_OVERLAP_S
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A webhook after something of it was made anew; a secret that the hub made is shown this once."""

    state: WebhookState
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def fresh_hook(hub: Hub, tenant_id: str, workflow_id: str, document: Json) -> FreshHook:
    """Make beforehand what a workflow's webhook lacks: sealing has a transaction of its own.

    Raises DefinitionError if it asks for a secret that the provider makes and nobody has handed in.
    """
    workflow, _ = read(document)
    webhook = webhook_in(workflow)
    if webhook is None:
        return FreshHook()
    with hub.store.read(tenant_id) as tx:
        known = hooks.find(tx, workflow_id)
    hook = known or _new_hook(hub, tenant_id, workflow_id)
    auth, present = webhook.auth, open_secrets(hub, hook)
    secrets, made = present, None
    family = hook.family
    if auth.needs_secret and (family != auth.family or present.present is None):
        given = present.coming_for(auth.family)
        if given is None and auth.given:
            raise _missing(workflow)
        made = None if given else new_secret(auth)
        # What signed in another way is good for nothing here, not for a moment.
        secrets = HookSecrets(present=given or Secret(made or ""), token=present.token)
        family = auth.family
    token = None
    if webhook.challenge == "meta" and secrets.token is None:
        token = new_key()
        secrets = replace(secrets, token=Secret(token))
    if secrets is not present:
        hook = replace(hook, secret=seal_secrets(hub, hook, secrets), family=family)
    wanted = auth.family if auth.needs_secret else None
    return FreshHook(family=wanted, hook=hook, seen=known, secret=made, token=token)


def keep_hook(tx: Tx, workflow_id: str, fresh: FreshHook) -> FreshHook:
    """Keep the webhook of a workflow that is being published; returns it, with what is new about it.

    Raises ConflictError if somebody has changed it meanwhile so that it does not fit any more.
    """
    if fresh.hook is None:
        return fresh
    known, seen = hooks.find(tx, workflow_id), fresh.seen
    if known is None:
        hooks.add(tx, fresh.hook)
        return fresh
    made = seen is None or not _is_same(fresh.hook, seen)
    if made and seen is not None and _is_same(known, seen) and hooks.replace(tx, fresh.hook, known.revision):
        return fresh
    fits = fresh.family is None or (known.secret is not None and known.family == fresh.family)
    if not fits:
        raise ConflictError("the webhook was changed meanwhile; publish again", code="webhook_changed")
    # Nothing was missing, or somebody else has made it, and was shown it.
    return FreshHook(family=fresh.family, hook=known)


def _is_same(first: Hook, second: Hook) -> bool:
    return (first.key, first.secret) == (second.key, second.secret)


def webhook_in(workflow: Workflow) -> Webhook | None:
    """Return what a workflow's webhook trigger says, None if it has none."""
    return next((one.webhook for one in workflow.triggers if one.webhook is not None), None)


def get_webhook(hub: Hub, principal: Principal, workflow_id: str) -> WebhookState:
    """Return how a workflow's webhook stands; raises NotFoundError if it has none."""
    require_on_workflow(hub, principal, "workflow:read", workflow_id)
    with hub.store.read(principal.tenant_id) as tx:
        said = _said(tx, workflow_id)
        hook = hooks.find(tx, workflow_id)
        old = hooks.list_old(tx, workflow_id, hub.now())
    return _state(hub, principal, said, hook, old)


def rotate_webhook(hub: Hub, principal: Principal, workflow_id: str, rotation: Rotation) -> Rotated:
    """Make a new secret, address or verify token; what was there goes on working for as long as asked.

    Before the first publish it makes what publishing would. Raises InputError for a secret that cannot be
    used, or if the provider makes it and none is handed in.
    """
    require(principal, "workflow:publish")
    for _ in range(_TRIES):
        rotated = _rotated(hub, principal, workflow_id, rotation)
        if rotated is not None:
            return rotated
    raise ConflictError("the webhook was changed meanwhile; try again", code="webhook_changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the draft's and the published version's triggers say."""

    draft: Webhook | None
    published: Webhook | None

    def of(self, which: str | None) -> Webhook:
        found = {DRAFT: self.draft, PUBLISHED: self.published}.get(which or "", self.published or self.draft)
        if found is None:
            raise NotFoundError("the workflow has no webhook", code="no_webhook")
        return found


def _said(tx: Tx, workflow_id: str) -> _Said:
    stored = workflows.get(tx, workflow_id)
    published = None
    if stored.published_version is not None:
        version = workflows.get_version(tx, workflow_id, stored.published_version)
        published = webhook_in(read(version.document)[0])
    return _Said(draft=webhook_in(read(stored.document)[0]), published=published)


def _rotated(hub: Hub, principal: Principal, workflow_id: str, rotation: Rotation) -> Rotated | None:
    """Make anew what is asked for; None if somebody else was first and it has to be looked at again."""
    tenant_id, now = principal.tenant_id, hub.now()
    with hub.store.read(tenant_id) as tx:
        said = _said(tx, workflow_id)
        known = hooks.find(tx, workflow_id)
    webhook = said.of(rotation.of)
    hook = known or _new_hook(hub, tenant_id, workflow_id)
    until = now + timedelta(seconds=rotation.overlap_s)
    secrets = present = open_secrets(hub, hook)
    secret = token = None
    if SECRET in rotation.what:
        secret = _secret_for(webhook, rotation)
        secrets, hook = _with_secret(hook, secrets, webhook, said, _New(Secret(secret), now, until))
    if TOKEN in rotation.what:
        token = _token_for(webhook, rotation)
        secrets = replace(secrets, token=Secret(token))
    if secrets is not present:
        hook = replace(hook, secret=seal_secrets(hub, hook, secrets))
    if ADDRESS in rotation.what and known is not None:
        hook = replace(hook, key=new_key())
    with hub.store.begin(tenant_id) as tx:
        if not _keep(tx, known, hook, now, until):
            return None
        after = dict.fromkeys(rotation.what, True)
        audit.append(tx, entry_of(principal, "webhook.rotate", workflow_id, now, after=after))
        old = hooks.list_old(tx, workflow_id, now)
    return Rotated(
        state=_state(hub, principal, said, hook, old),
        secret=secret if rotation.secret is None else None,
        token=token if rotation.token is None else None,
    )


def _keep(tx: Tx, known: Hook | None, hook: Hook, now: datetime, until: datetime) -> bool:
    if known is None:
        if hooks.find(tx, hook.workflow_id) is not None:
            return False
        hooks.add(tx, hook)
        return True
    if not hooks.replace(tx, hook, known.revision):
        return False
    if hook.key != known.key:
        hooks.forget_old(tx, hook.workflow_id, now)
        if until > now:
            old = OldAddress(key=known.key, tenant_id=tx.tenant_id, workflow_id=hook.workflow_id, until=until)
            hooks.keep_old(tx, old)
        else:
            # It is to stop at once because somebody knows it who should not, and so may the earlier ones.
            hooks.forget_old(tx, hook.workflow_id)
    return True


class _New(NamedTuple):
    """A new secret, from when it is good, and until when the one before it is good beside it."""

    secret: Secret
    now: datetime
    until: datetime


def _with_secret(
    hook: Hook, secrets: HookSecrets, webhook: Webhook, said: _Said, new: _New
) -> tuple[HookSecrets, Hook]:
    family = webhook.auth.family
    in_use = said.published is not None and said.published.auth.family == hook.family
    if hook.family is not None and family != hook.family and in_use and secrets.present is not None:
        # It is for the version to come; until then the present one goes on.
        return replace(secrets, coming=(family, new.secret)), hook
    before = secrets if hook.family == family else HookSecrets(token=secrets.token)
    return before.rotated(*new), replace(hook, family=family)


def _secret_for(webhook: Webhook, rotation: Rotation) -> str:
    auth = webhook.auth
    if not auth.needs_secret:
        raise _refused("what", "the trigger asks for no secret: its auth is none")
    if rotation.secret is not None:
        require_secret(auth, rotation.secret)
        return rotation.secret
    if auth.given:
        raise _refused("secret", "the provider makes this secret: hand it in")
    return new_secret(auth)


def _token_for(webhook: Webhook, rotation: Rotation) -> str:
    if webhook.challenge != "meta":
        raise _refused("what", "the trigger asks for no verify token: its challenge is not meta")
    return new_key() if rotation.token is None else rotation.token


def _refused(path: str, message: str) -> InputError:
    return InputError("the request is not valid", [Problem(path=path, message=message)])


def _missing(workflow: Workflow) -> DefinitionError:
    path = next(one.path for one in workflow.triggers if one.webhook is not None)
    message = (
        "the provider makes the secret of this trigger, and nobody has handed it in: "
        "POST /api/workflows/{id}/webhook/rotate, or revolution webhooks rotate"
    )
    problem = Problem(path=f"{path}.webhook.auth", message=message, code="missing_secret")
    return DefinitionError("the workflow is not valid", [problem])


def _new_hook(hub: Hub, tenant_id: str, workflow_id: str) -> Hook:
    return Hook(
        id=new_id("hok"), tenant_id=tenant_id, workflow_id=workflow_id, key=new_key(), created_at=hub.now()
    )


def _state(
    hub: Hub, principal: Principal, said: _Said, hook: Hook | None, old: list[OldAddress]
) -> WebhookState:
    webhook = said.of(None)
    secrets = open_secrets(hub, hook) if hook is not None else HookSecrets()
    now = hub.now()
    fits = hook is not None and hook.family == webhook.auth.family
    return WebhookState(
        webhook=webhook,
        published=said.published is not None,
        hook=hook,
        secret_set=fits and secrets.present is not None,
        token_set=secrets.token is not None,
        coming=secrets.coming is not None,
        # Where nobody has to prove anything, whoever knows the address may start the workflow.
        shown=webhook.auth.needs_secret or decide(principal, "workflow:publish").allowed,
        old_addresses=tuple(old),
        old_secrets=tuple(one.until for one in secrets.earlier if one.until is not None and one.until > now),
    )
