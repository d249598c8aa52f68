"""A sandbox asks for consent: PKCE is compulsory, codes are good once, a stolen token ends a grant."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from revolution_sdk.sandbox import Agreed, Call, Consent

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BACK = "https://hub.test/callback?kept=1"
ASKED = {
    "client_id": "client",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "read <write>",
    "state": "s&t",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def call(query: dict[str, str], **form: str) -> Call:
    return Call(
        operation="consent",
        method="POST" if form else "GET",
        path="/authorize",
        params={},
        query=query,
        headers={},
        body=urlencode(form).encode(),
    )


def made() -> Consent:
    return Consent(client_id="client", accounts=("ada", "bob"))


def sent_back(consent: Consent, **form: str) -> dict[str, str]:
    answer = consent.decide(call(ASKED, **form))
    assert answer.status == 302
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://hub.test/callback"
    return {name: texts[0] for name, texts in parse_qs(address.query).items()}


def shown(code: str, **other: str) -> dict[str, str]:
    return {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **other}


def test_the_page_shows_what_is_asked_for_and_whom_one_can_be() -> None:
    page = made().ask(call(ASKED))
    assert page.status == 200
    assert page.text is not None
    assert "<li>&lt;write&gt;</li>" in page.text
    assert "<option>ada</option><option>bob</option>" in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": "javascript:x"},
        {"redirect_uri": ""},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
def test_what_is_asked_wrongly_is_no_page_and_sends_nobody_anywhere(wrong: dict[str, str]) -> None:
    consent, asked = made(), ASKED | wrong
    assert consent.ask(call(asked)).status == 400
    assert consent.decide(call(asked, action="accept", account="ada")).status == 400


def test_a_refusal_goes_back_with_the_state() -> None:
    assert sent_back(made(), action="deny") == {"kept": "1", "error": "access_denied", "state": "s&t"}


def test_a_code_is_good_once() -> None:
    consent = made()
    code = sent_back(consent, action="accept", account="bob")["code"]
    agreed = consent.redeem(shown(code))
    assert agreed is not None
    assert agreed[0] == Agreed(account="bob", scopes=("read", "<write>"))
    assert consent.redeem(shown(code)) is None


@pytest.mark.parametrize("wrong", [{"code_verifier": "w" * 64}, {"redirect_uri": "https://evil.test"}])
def test_a_code_without_its_proof_is_worth_nothing_and_used_up(wrong: dict[str, str]) -> None:
    consent = made()
    code = sent_back(consent, action="accept")["code"]
    assert consent.redeem(shown(code, **wrong)) is None
    assert consent.redeem(shown(code)) is None


def test_who_shows_a_rotated_token_again_ends_the_whole_grant() -> None:
    consent = made()
    agreed = consent.redeem(shown(sent_back(consent, action="accept")["code"]))
    assert agreed is not None
    second = consent.refresh(agreed[1], rotate=True)
    assert second is not None
    assert second[1] != agreed[1]
    assert consent.refresh(agreed[1], rotate=True) is None
    assert consent.refresh(second[1], rotate=True) is None


def test_without_rotation_the_token_stays_until_it_is_revoked() -> None:
    consent = made()
    agreed = consent.redeem(shown(sent_back(consent, action="accept")["code"]))
    assert agreed is not None
    assert consent.refresh(agreed[1], rotate=False) == agreed
    assert consent.revoke(agreed[1]) == agreed[0]
    assert consent.refresh(agreed[1], rotate=False) is None
    assert consent.revoke(agreed[1]) is None
