"""People as values: what an e-mail address is, and when an invitation or a session is over."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.person import Invitation, Session, clean_email

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
IDLE = timedelta(hours=12)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+hub@Example.COM", "ada.lovelace+hub@example.com"),
        ("root@localhost", "root@localhost"),
        ("zoë@exämple.com", "zoë@exämple.com"),
        ("ADA@EXAMPLE.COM", "ada@example.com"),
    ],
)
def test_an_address_is_kept_in_one_case(given: str, kept: str) -> None:
    assert clean_email(given) == kept


NONE = ["", "@", "a@", "@b", "a", "a b@c", "a@b c", "a@b@c", " a@b", "a@b ", "a@b\n", "a\0@b", "a\u200b@b"]
TWINS = ["\uff41@b.c", "a@\uff42.c", "\u212a@b.c", "\ufb01@b.c", "zoe\u0308@b.c"]


@pytest.mark.parametrize("text", [*NONE, *TWINS, "x" * 251 + "@b.c"])
def test_what_is_none_or_looks_like_another_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ada@example\.com"):
        clean_email(text)


@given(st.text(max_size=40))
def test_what_is_kept_is_kept_the_same_again_and_is_in_normal_form(text: str) -> None:
    try:
        kept = clean_email(text)
    except ValueError:
        return
    assert unicodedata.normalize("NFKC", text) == text
    assert kept == text.lower()
    assert kept.count("@") == 1


def test_an_invitation_is_open_until_it_is_used_revoked_or_old() -> None:
    made = {"id": "inv_1", "tenant_id": "ten_a", "link_hash": "h", "role": "viewer", "created_by": "usr_1"}
    open_until = NOW + timedelta(days=7)
    invitation = Invitation(**made, created_at=NOW, expires_at=open_until)
    assert invitation.is_open(NOW)
    assert invitation.is_open(open_until - timedelta(microseconds=1))
    assert not invitation.is_open(open_until)
    for over in ({"accepted_at": NOW}, {"revoked_at": NOW}):
        assert not Invitation(**made, created_at=NOW, expires_at=open_until, **over).is_open(NOW)
    assert "link_hash" not in repr(invitation)


@given(seen_s=st.integers(0, 1_000_000), now_s=st.integers(0, 1_000_000), ends_s=st.integers(1, 1_000_000))
def test_a_session_is_over_when_it_is_old_or_idle(seen_s: int, now_s: int, ends_s: int) -> None:
    session = Session(
        id="ses_1",
        cookie_hash="h",
        user_id="usr_1",
        active_tenant_id=None,
        created_at=NOW,
        seen_at=NOW + timedelta(seconds=seen_s),
        expires_at=NOW + timedelta(seconds=ends_s),
        way="password",
    )
    over = now_s >= ends_s or now_s - seen_s >= IDLE.total_seconds()
    assert session.is_over(NOW + timedelta(seconds=now_s), IDLE) == over
