"""How the sandbox's model qualifies a lead: by signals in its fields and words, German and English. Pure."""

import hashlib
import re
from dataclasses import dataclass

from revolution_ai.sandbox import signals
from revolution_ai.sandbox.reading import Facts

_BASE = 10
_WEIGHTS = {"budget": 20, "authority": 20, "need": 16, "timeline": 14}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """The four answers, the words each yes rests on, and a score from 0 to 100; 60 is worth a call."""

    bant: dict[str, bool]
    evidence: dict[str, str]
    score: int
    free_mail: bool


def judge(facts: Facts) -> Judgment:
    """Judge a lead by what it wrote and who wrote it. The same facts get the same judgment."""
    evidence = {
        "budget": _budget(facts),
        "authority": _authority(facts),
        "need": _shown(signals.NEED, signals.NO_NEED, facts.written),
        "timeline": _timeline(facts),
    }
    bant = {name: bool(words) for name, words in evidence.items()}
    free_mail = bool(signals.FREE_MAIL.search(facts.email))
    return Judgment(
        bant=bant, evidence=evidence, score=_score(facts, bant, free_mail=free_mail), free_mail=free_mail
    )


def _budget(facts: Facts) -> str:
    if signals.NO_BUDGET.search(facts.written):
        return ""
    stated = next((value for name, value in facts.fields if "budget" in name), "")
    if stated and stated.strip("0 ").lower() not in ("", "no", "none", "nein", "kein", "keins"):
        return stated[:80]
    found = signals.MONEY.search(facts.written) or signals.BUDGET.search(facts.written)
    return found.group(0).strip() if found else ""


def _authority(facts: Facts) -> str:
    if signals.LEARNS.search(f"{facts.job_title}. {facts.written}"):
        return ""
    if signals.DECIDING_TITLE.search(facts.job_title):
        return facts.job_title
    found = signals.DECIDES.search(facts.written)
    return found.group(0).strip() if found else ""


def _timeline(facts: Facts) -> str:
    stated = next((value for name, value in facts.fields if "timeline" in name or "zeitplan" in name), "")
    return _shown(signals.WHEN, signals.NO_HURRY, f"{facts.written} {stated}")


def _shown(yes: re.Pattern[str], no: re.Pattern[str], text: str) -> str:
    found = yes.search(text)
    return found.group(0).strip() if found and not no.search(text) else ""


def _score(facts: Facts, bant: dict[str, bool], *, free_mail: bool) -> int:
    points = _BASE + sum(_WEIGHTS[name] for name, given in bant.items() if given)
    points += 4 if facts.company else 0
    points += 4 if facts.email and not free_mail else 0
    points -= 8 if free_mail else 0
    points += min(len(facts.written.split()) // 12, 4)
    points += _shade(facts)
    return max(0, min(points, 100))


def _shade(facts: Facts) -> int:
    """A few points that only tell leads with the same signals apart."""
    text = f"{facts.name}\n{facts.company}\n{facts.email}\n{facts.written}"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] % 8
