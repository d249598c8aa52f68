"""What the sandbox's model writes, in German and English: reasons, next steps, mails. Pure."""

import re

from revolution_ai.sandbox.judging import Judgment
from revolution_ai.sandbox.reading import Facts

LONGEST_QUOTE = 140

_NAMES = {
    "de": {
        "budget": "Budget",
        "authority": "Entscheidungsbefugnis",
        "need": "Bedarf",
        "timeline": "Zeitplan",
    },
    "en": {"budget": "budget", "authority": "authority", "need": "need", "timeline": "timeline"},
}
_STEPS = {
    "de": {
        "budget": "Im Gespräch klären, welches Budget vorgesehen ist.",
        "authority": "Herausfinden, wer entscheidet, und diese Person einbeziehen.",
        "need": "Nach dem konkreten Problem fragen, bevor etwas angeboten wird.",
        "timeline": "Fragen, bis wann eine Lösung stehen soll.",
    },
    "en": {
        "budget": "Ask which budget is planned.",
        "authority": "Find out who decides and bring that person in.",
        "need": "Ask for the concrete problem before offering anything.",
        "timeline": "Ask by when a solution has to be in place.",
    },
}


def reasoning(facts: Facts, judgment: Judgment) -> str:
    """Name the evidence for each of the four answers and what is missing."""
    names = _NAMES[facts.language]
    given = [f"{names[part]} ({words})" for part, words in judgment.evidence.items() if words]
    missing = [names[part] for part, words in judgment.evidence.items() if not words]
    who = _who(facts)
    if facts.language == "de":
        sentences = [
            f"{who}: erkennbar sind {', '.join(given)}." if given else f"{who}: keine Kaufsignale erkennbar.",
            f"Nicht erkennbar: {', '.join(missing)}." if missing else "Alle vier Kriterien sind belegt.",
            "Die Adresse ist eine private Mailadresse." if judgment.free_mail else "",
        ]
    else:
        sentences = [
            f"{who}: shows {', '.join(given)}." if given else f"{who}: shows no sign of a purchase.",
            f"Nothing is known about {', '.join(missing)}." if missing else "All four criteria are met.",
            "The address is a private mailbox." if judgment.free_mail else "",
        ]
    return " ".join(sentence for sentence in sentences if sentence)


def next_actions(facts: Facts, judgment: Judgment) -> list[str]:
    """List what to do next: call or nurture, then ask for what is missing."""
    name = facts.name or ("den Lead" if facts.language == "de" else "the lead")
    if facts.language == "de":
        first = (
            f"{name} heute anrufen und einen Termin vereinbaren."
            if judgment.score >= 60
            else f"{name} in den Newsletter aufnehmen und in vier Wochen nachfassen."
        )
    else:
        first = (
            f"Call {name} today and agree on a meeting."
            if judgment.score >= 60
            else f"Add {name} to the newsletter and check in after four weeks."
        )
    missing = [part for part, given in judgment.bant.items() if not given]
    return [first, *[_STEPS[facts.language][part] for part in missing]]


def subject(facts: Facts) -> str:
    """Write a subject that names the company, or else the person."""
    whom = facts.company or facts.name
    if facts.language == "de":
        return (
            f"Ihre Anfrage – nächste Schritte für {whom}" if whom else "Ihre Anfrage – die nächsten Schritte"
        )
    return f"Your inquiry – next steps for {whom}" if whom else "Your inquiry – the next steps"


def body(facts: Facts, judgment: Judgment) -> str:
    """Write the mail: greeting, what the lead wrote, the goal, an invitation, the sender."""
    paragraphs = [_greeting(facts), _opening(facts), _middle(facts, judgment), _closing(facts)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def plain_answer(facts: Facts) -> str:
    """Answer without a format: say what was read."""
    if facts.name or facts.company:
        known = ", ".join(part for part in (_who(facts), facts.email) if part)
        return f"Gelesen habe ich: {known}." if facts.language == "de" else f"I have read about: {known}."
    asked = _quote(facts.asked)
    return f"Sie haben gefragt: „{asked}“" if facts.language == "de" else f"You asked: “{asked}”"


def _greeting(facts: Facts) -> str:
    casual = re.search(r"casual|informal|locker|du-form|persönlich", facts.tone, re.IGNORECASE)
    whom = facts.first_name if casual else facts.name
    if facts.language == "de":
        return f"{'Hallo' if casual else 'Guten Tag'}{' ' if whom else ''}{whom},"
    return f"{'Hi' if casual else 'Hello'}{' ' if whom else ''}{whom},"


def _opening(facts: Facts) -> str:
    company, wish = facts.company.rstrip("."), _wish(facts)
    if facts.language == "de":
        thanks = (
            f"danke, dass Sie sich für {company} gemeldet haben" if company else "danke für Ihre Nachricht"
        )
        first = "wie besprochen melde ich mich noch einmal" if facts.has_history else thanks
        return f"{first}." + (f" Sie schreiben: „{wish}“" if wish else "")
    thanks = (
        f"thank you for getting in touch on behalf of {company}" if company else "thank you for your message"
    )
    first = "as agreed, I am getting back to you" if facts.has_history else thanks
    return f"{first}." + (f" You wrote: “{wish}”" if wish else "")


def _middle(facts: Facts, judgment: Judgment) -> str:
    when = judgment.evidence["timeline"]
    role = facts.job_title if judgment.bant["authority"] else ""
    if facts.language == "de":
        parts = [
            f"Als {role} wissen Sie am besten, worauf es ankommt." if role else "",
            f"Ihr Zeitrahmen ({when}) ist notiert." if when else "",
            f"Mein Vorschlag: {facts.goal}"
            if facts.goal
            else "Gern zeige ich Ihnen in 30 Minuten, wie das geht.",
        ]
    else:
        parts = [
            f"As {role} you know best what matters." if role else "",
            f"Your time frame ({when}) is noted." if when else "",
            f"My suggestion: {facts.goal}"
            if facts.goal
            else "I would gladly show you in 30 minutes how it works.",
        ]
    return " ".join(part for part in parts if part)


def _closing(facts: Facts) -> str:
    lines = ["Viele Grüße" if facts.language == "de" else "Best regards", facts.sender, facts.sender_company]
    return "\n".join(line for line in lines if line)


def _wish(facts: Facts) -> str:
    """Return the sentence of the lead that says most: the longest of the first three."""
    sentences = re.split(r"(?<=[.!?])\s+", facts.written)
    return _quote(max(sentences[:3], key=len, default=""))


def _who(facts: Facts) -> str:
    unknown = "Der Lead" if facts.language == "de" else "The lead"
    return ", ".join(part for part in (facts.name or unknown, facts.job_title, facts.company) if part)


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1].rstrip() + "…"
