"""What a request has used of the org's daily allowance, as each answer says."""

import re

import httpx2

from revolution_sdk import ActionContext

LIMIT_HEADER = "sforce-limit-info"
WARN_FROM = 0.8
"""From this part of the day's requests on it is said in the log. Source: header `Sforce-Limit-Info`,
REST API guide headers_api_usage, read 2026-11-22."""

_API_USAGE = re.compile(r"(?:^|[\s,;])api-usage=([0-9]{1,12})/([0-9]{1,12})")


def watch_limit(ctx: ActionContext, response: httpx2.Response) -> None:
    """Say so in the log when the org's allowance of 24 hours comes to its end."""
    found = api_usage(response.headers.get(LIMIT_HEADER, ""))
    if found is None:
        return
    used, most = found
    if used >= most * WARN_FROM:
        ctx.log.warning("the Salesforce org has used %d of its %d requests in 24 hours", used, most)


def api_usage(text: str) -> tuple[int, int] | None:
    """Read `api-usage=18/5000`: requests used, and how many there are; None if it is not said."""
    found = _API_USAGE.search(text)
    return (int(found.group(1)), int(found.group(2))) if found and int(found.group(2)) > 0 else None
