"""The words and figures by which the sandbox's model tells budget, authority, need, timeline. Data only."""

import re


def _any_of(*phrases: str) -> re.Pattern[str]:
    """Match one of the phrases as whole words; they are expressions, upper and lower case alike."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


_MONTH = (
    "januar|january|februar|february|märz|march|april|mai|may|juni|june|juli|july|august|september|"
    "oktober|october|november|dezember|december"
)
_AMOUNT = r"\d[\d.,]*\s?(?:k|tsd\.?|mio\.?|million)?"

MONEY = _any_of(rf"(?:€|EUR|USD|CHF|\$|£)\s?{_AMOUNT}", rf"{_AMOUNT}\s?(?:€|EUR|Euro|USD|dollars?|CHF|£)")
BUDGET = _any_of(
    "budgets?", "etat", "funding", "funded", r"investition\w*", "freigegeben", "genehmigt", "approved"
)
NO_BUDGET = _any_of(
    r"(?:no|without|not any|zero|keine?n?|ohne)\s+(?:\w+\s+)?(?:budget|etat|money|geld)",
    r"kostenlos\w*",
    "gratis",
    "for free",
    "free (?:version|plan|of charge)",
)

_TITLES = (
    "C[ETFOIM]O",
    "CPO",
    "VP",
    "(?:vice )?president",
    "(?:co-)?founder",
    "owner",
    "partner",
    "(?:managing )?director",
    "head of",
    "chief",
    r"geschäftsführ\w+",
    r"inhaber\w*",
    r"(?:mit)?gründer\w*",
    r"vorst[aä]nd\w*",
    r"prokurist\w*",
    r"(?!begleit)\w*leiter(?:in)?",
    "leitung",
)
DECIDING_TITLE = _any_of(*_TITLES)
DECIDES = _any_of(
    "i decide",
    "my decision",
    "ich entscheide",
    rf"(?:i am|i'm|as|ich bin|als)\s+(?:\w+\s+)?(?:{'|'.join(_TITLES)})",
)
LEARNS = _any_of(
    r"student\w*",
    r"studier\w*",
    "intern",
    "internship",
    r"praktikant\w*",
    r"werkstudent\w*",
    "trainee",
    "azubi",
    r"auszubildende\w*",
    r"schüler\w*",
    "pupil",
)

NEED = _any_of(
    "(?:we|i) need",
    "needs?",
    "looking for",
    r"struggl\w+",
    r"problem\w*",
    "pain",
    r"replac\w+",
    "searching",
    r"requir\w+",
    "interested",
    "demo",
    "quote",
    "offer",
    "manually",
    r"brauch\w*",
    r"benötig\w+",
    "such(?:e|en|t)",
    r"ablös\w+",
    r"ersetz\w+",
    r"interess\w+",
    r"angebot\w*",
    "vorführung",
    "händisch",
    "umständlich",
    r"automat\w+",
)
NO_NEED = _any_of(
    "just (?:looking|browsing|curious)",
    "no (?:real |urgent )?need",
    "homework",
    "thesis",
    "term paper",
    r"(?:bachelor|master|haus|seminar)arbeit",
    "nur (?:mal )?(?:schauen|informieren|umsehen)",
    "kein(?:en)? bedarf",
)

WHEN = _any_of(
    r"\d{4}-\d{2}-\d{2}",
    r"\d{1,2}\.\s?\d{1,2}\.(?:\s?\d{4})?",
    "Q[1-4]",
    "asap",
    "urgent(?:ly)?",
    "(?:this|next) (?:week|month|quarter|year)",
    r"(?:with)?in \w+ (?:days?|weeks?|months?)",
    r"by (?:the )?end of(?: \w+)?",
    r"(?:in|innerhalb von) \w+ (?:tagen|wochen|monaten)",
    "(?:diese|nächste)[nrms]? (?:woche|monat|quartal|jahr)",
    r"bis (?:ende|mitte|anfang|zum)(?: \w+)?",
    f"(?:by|in|from|bis|ab|im) (?:{_MONTH})",
    "kurzfristig",
    "sofort",
    "schnellstmöglich",
    r"dringend\w*",
)
NO_HURRY = _any_of(
    "no (?:hurry|rush|timeline)", "some ?day", "irgendwann", "keine eile", "(?:es )?eilt nicht"
)

FREE_MAIL = re.compile(
    r"@(?:gmail|googlemail|gmx|web|yahoo|hotmail|outlook|icloud|t-online|freenet|proton|protonmail|aol)\.",
    re.IGNORECASE,
)
