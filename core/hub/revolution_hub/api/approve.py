"""/approve/{token}: one person's link to one approval. Looking decides nothing, nor does prefetching."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from revolution_hub.api.approval_views import approval_detail_json, approval_json, approval_page
from revolution_hub.api.approvals import DecisionBody
from revolution_hub.api.client_address import client_of
from revolution_hub.api.doors import public_route, raw_body
from revolution_hub.api.problems import problem_of
from revolution_hub.api.who import HubDep
from revolution_hub.errors import InputError
from revolution_hub.model.approval import Approval, Decision
from revolution_hub.model.principal import Origin
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.services import approval_links
from revolution_hub.services.approvals import LINK, Answer

router = APIRouter(tags=["approvals"])

_FORM = "application/x-www-form-urlencoded"
_WHY = "an unguessable link of one person to one approval, used once"
_POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex",
}


@public_route(router, ("GET", "HEAD"), "/approve/{token}", why=_WHY)
def show_approval(token: str, request: Request, hub: HubDep) -> Response:
    """Show what is to be agreed to, as a page or as JSON. Decides nothing."""
    approval = approval_links.read_link(hub, token)
    if _wants_json(request):
        return _json(approval, detail=True)
    return Response(approval_page(approval), 200, _POLICY, media_type="text/html; charset=utf-8")


@public_route(router, "POST", "/approve/{token}", why=_WHY)
async def answer_approval(token: str, request: Request, hub: HubDep) -> Response:
    """Approve or reject, in the name of the person the link was made for. The link is worth nothing then."""
    raw = await raw_body(request, hub.settings)
    body = _body(raw, request.headers.get("content-type", ""), hub.settings.body_bytes)
    answer = Answer(decision=Decision(body.decision), comment=body.comment, way=LINK)
    origin = Origin(
        address=client_of(request, hub.settings.trusted_proxies),
        request_id=getattr(request.state, "request_id", ""),
    )
    approval = await run_in_threadpool(approval_links.answer_link, hub, token, answer, origin)
    if _wants_json(request):
        return _json(approval, detail=False)
    return Response(approval_page(approval), 200, _POLICY, media_type="text/html; charset=utf-8")


def _body(raw: bytes, content_type: str, most: int) -> DecisionBody:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == _FORM:
        given = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
        value = {name: texts[-1] for name, texts in given.items()}
    elif kind == "application/json":
        value = strict_json(raw, max_bytes=most)
    else:
        raise InputError("the body must be a form or application/json", code="content_type")
    try:
        return DecisionBody.model_validate(value)
    except ValidationError as error:
        problems = [
            problem_of(fault["loc"], fault["msg"], fault["type"])
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise InputError("the answer is not valid", problems) from error


def _wants_json(request: Request) -> bool:
    return "text/html" not in request.headers.get("accept", "")


def _json(approval: Approval, *, detail: bool) -> Response:
    shown = approval_detail_json(approval) if detail else approval_json(approval)
    return Response(dump_json(shown), 200, media_type="application/json")
