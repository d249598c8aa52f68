"""Writing e-mails to a lead. Nothing here sends one."""

import unicodedata

from revolution_ai.client import ask
from revolution_ai.declaration import ai
from revolution_ai.models import chosen_model, model_field
from revolution_ai.prompts import follow_up
from revolution_ai.structured import checked
from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.schema import array, object_, string

TIMEOUT_S = 120.0
LONGEST_SUBJECT = 200
LONGEST_BODY = 20_000
DEFAULT_LANGUAGE = "en"

MAIL = object_(
    subject=string(min_length=1, max_length=LONGEST_SUBJECT, describe="The subject, one line"),
    body=string(min_length=1, max_length=LONGEST_BODY, describe="The text, plain, lines ended by \\n"),
)
_WRITTEN = object_(subject=string(describe="The subject"), body=string(describe="The text, plain"))

SENDER = object_(
    name=string(max_length=200, describe="Who signs the mail"),
    company=string(max_length=200, describe="The sender's company"),
    job_title=string(max_length=200, describe="The sender's job title"),
    email=string(max_length=320, describe="The sender's address"),
    phone=string(max_length=50, describe="The sender's phone number"),
    optional=["name", "company", "job_title", "email", "phone"],
    describe="Who writes; without it the mail is not signed with a name",
)


@ai.action(
    input=object_(
        lead=object_(open_=True, describe="What is known about the lead, for instance a contact from a CRM"),
        qualification=object_(open_=True, describe="The result of qualify_lead, as background"),
        history=array(
            string(max_length=20_000),
            max_items=100,
            describe="Earlier communication with the lead, oldest first",
        ),
        goal=string(
            min_length=1, max_length=2_000, describe="What the mail shall achieve: book a first call"
        ),
        language=string(
            pattern="^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$",
            default=DEFAULT_LANGUAGE,
            describe="Language of the mail as a BCP 47 tag: de, en, de-CH",
        ),
        sender=SENDER,
        tone=string(min_length=1, max_length=200, describe="How it shall sound: formal, casual, short"),
        model=model_field("The model that answers; without it the one of the integration's settings"),
        optional=["qualification", "history", "goal", "language", "sender", "tone", "model"],
    ),
    output=MAIL,
    effect="read",
    timeout_s=TIMEOUT_S,
)
def generate_follow_up(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Write a personal follow-up e-mail to a sales lead, with subject and plain text body. Sends nothing.

    Give the text to a mail action to send it. Every call asks the model anew, costs tokens and writes a
    different mail. The lead's data is sent to the provider of the model.
    """
    assignment = {name: value.get(name) for name in ("goal", "tone", "sender")}
    written = ask(
        ctx,
        follow_up(
            assignment={"language": value.get("language") or DEFAULT_LANGUAGE, **assignment},
            data={name: value.get(name) for name in ("lead", "qualification", "history")},
        ),
        model=chosen_model(value, ctx.config),
        name="follow_up_mail",
        schema=_WRITTEN,
    )
    return checked({"subject": _one_line(written["subject"]), "body": _plain_text(written["body"])}, MAIL)


def _one_line(text: str) -> str:
    """Collapse blanks and line breaks: a line break in a subject would begin a new mail header."""
    line = _without_controls(" ".join(text.split()))
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _plain_text(text: str) -> str:
    lines = [_without_controls(line.expandtabs(4)).rstrip() for line in text.splitlines()]
    return "\n".join(lines).strip()


def _without_controls(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cs"))
