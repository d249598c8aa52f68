"""The connector object itself; the actions declare themselves on it."""

from revolution_ai.auth import AUTH
from revolution_ai.client import BASE_URL
from revolution_ai.models import DEFAULT_MODEL, model_field
from revolution_sdk import Connector
from revolution_sdk.schema import object_

ai = Connector(
    "ai",
    title="AI",
    description="Qualifies leads and writes e-mails with a language model of OpenAI or a compatible server.",
    auth=AUTH,
    base_url=BASE_URL,
    settings=object_(
        model=model_field(f"The model used where a step names none; without it {DEFAULT_MODEL}"),
        optional=["model"],
    ),
)
