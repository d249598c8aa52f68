"""generate_follow_up against the sandbox, and what becomes of careless texts."""

from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from revolution_ai.actions.mails import LONGEST_BODY, LONGEST_SUBJECT
from revolution_ai.connector import generate_follow_up, qualify_lead
from revolution_sdk import ActionContext, JsonObject, RetryableError
from revolution_sdk.sandbox import RunningSandbox


def test_five_leads_get_five_different_mails_that_name_them(
    ctx: ActionContext, leads: list[JsonObject]
) -> None:
    mails = [generate_follow_up(ctx, {"lead": one["lead"], "language": one["language"]}) for one in leads]

    assert len({mail["body"] for mail in mails}) == len({mail["subject"] for mail in mails}) == 5
    for mail, name in zip(mails, ["Schmidt", "Miller", "Weber", "Natarajan", "Yılmaz"], strict=True):
        assert name in mail["body"]


@pytest.mark.parametrize(
    ("language", "greeting", "closing"),
    [
        ("de", "Guten Tag", "Viele Grüße"),
        ("de-AT", "Guten Tag", "Viele Grüße"),
        ("en", "Hello", "Best regards"),
    ],
)
def test_a_mail_is_in_the_language_asked_for_whatever_the_lead_speaks(
    ctx: ActionContext, leads: list[JsonObject], language: str, greeting: str, closing: str
) -> None:
    for one in leads:
        mail = generate_follow_up(ctx, {"lead": one["lead"], "language": language})

        assert mail["body"].startswith(greeting)
        assert closing in mail["body"]


def test_a_mail_without_a_language_is_english(ctx: ActionContext, leads: list[JsonObject]) -> None:
    assert generate_follow_up(ctx, {"lead": leads[0]["lead"]})["body"].startswith("Hello Anna Schmidt")


def test_a_mail_serves_the_goal_and_carries_the_sender(ctx: ActionContext, leads: list[JsonObject]) -> None:
    sender = {"name": "Eva Klein", "company": "Acme GmbH"}

    mail = generate_follow_up(ctx, {"lead": leads[1]["lead"], "goal": "a call on Friday", "sender": sender})

    assert "a call on Friday" in mail["body"]
    assert mail["body"].endswith("Eva Klein\nAcme GmbH")


def test_a_mail_continues_an_earlier_conversation(ctx: ActionContext, leads: list[JsonObject]) -> None:
    first = generate_follow_up(ctx, {"lead": leads[1]["lead"]})
    second = generate_follow_up(ctx, {"lead": leads[1]["lead"], "history": ["We talked on the phone."]})

    assert "as agreed" in second["body"]
    assert "as agreed" not in first["body"]


def test_everything_given_reaches_the_model(
    running: RunningSandbox, ctx: ActionContext, asked: Callable[[RunningSandbox], JsonObject]
) -> None:
    value = {
        "lead": {"name": "canary-lead"},
        "qualification": {"reasoning": "canary-qualification"},
        "history": ["canary-history"],
        "goal": "canary-goal",
        "tone": "canary-tone",
        "sender": {"phone": "canary-phone"},
        "language": "fr",
    }

    generate_follow_up(ctx, value)

    text = asked(running)["messages"][1]["content"]
    for canary in ("lead", "qualification", "history", "goal", "tone", "phone"):
        assert f"canary-{canary}" in text
    assert '"language": "fr"' in text


def test_a_qualification_can_be_handed_on_to_the_mail(ctx: ActionContext, leads: list[JsonObject]) -> None:
    qualification = qualify_lead(ctx, {"lead": leads[0]["lead"]})

    mail = generate_follow_up(ctx, {"lead": leads[0]["lead"], "qualification": qualification})

    assert str(qualification["score"]) not in mail["body"]


def test_line_breaks_and_control_characters_never_stay_in_a_subject(
    scripted: Callable[..., ActionContext], completion: Callable[..., JsonObject]
) -> None:
    subject = "  Your inquiry\r\nBcc: victim@example.com\u2028 and\tmore\x00 "

    mail = generate_follow_up(scripted(completion({"subject": subject, "body": "Hello"})), {"lead": {}})

    assert mail["subject"] == "Your inquiry Bcc: victim@example.com and more"


def test_a_long_subject_is_shortened(
    scripted: Callable[..., ActionContext], completion: Callable[..., JsonObject]
) -> None:
    mail = generate_follow_up(scripted(completion({"subject": "a" * 5_000, "body": "Hello"})), {"lead": {}})

    assert len(mail["subject"]) == LONGEST_SUBJECT
    assert mail["subject"].endswith("a…")


def test_a_body_is_plain_text_with_unix_line_ends(
    scripted: Callable[..., ActionContext], completion: Callable[..., JsonObject]
) -> None:
    body = "\r\nHello,\r\n\r\n\tone\x07 line  \r\nLove 👩‍👩‍👧\n\n"

    mail = generate_follow_up(scripted(completion({"subject": "x", "body": body})), {"lead": {}})

    assert mail["body"] == "Hello,\n\n    one line\nLove 👩‍👩‍👧"


@pytest.mark.parametrize(
    "written",
    [
        {"subject": " \n ", "body": "Hello"},
        {"subject": "Hello", "body": "\n \n"},
        {"subject": "Hello", "body": "a" * (LONGEST_BODY + 1)},
        {"subject": "Hello"},
        {"subject": "Hello", "body": None},
    ],
)
def test_an_empty_or_endless_mail_is_asked_for_again(
    scripted: Callable[..., ActionContext], completion: Callable[..., JsonObject], written: JsonObject
) -> None:
    with pytest.raises(RetryableError) as caught:
        generate_follow_up(scripted(completion(written)), {"lead": {}})

    assert caught.value.code == "answer_unreadable"


@pytest.mark.parametrize("language", ["de", "en", "de-CH", "pt_BR", "zh-Hant-TW"])
def test_language_tags_are_accepted(language: str) -> None:
    assert Draft202012Validator(generate_follow_up.input).is_valid({"lead": {}, "language": language})


@pytest.mark.parametrize(
    "wrong",
    [{"language": "German, please"}, {"language": ""}, {"subject": "mine"}, {"sender": {"nmae": "Eva"}}],
)
def test_misspelt_input_is_refused_by_the_schema(wrong: JsonObject) -> None:
    assert not Draft202012Validator(generate_follow_up.input).is_valid({"lead": {}, **wrong})
