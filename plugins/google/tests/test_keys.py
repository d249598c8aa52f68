"""The names of a mail and a meeting: stable, different, and of the syntax the wire asks for."""

import re

from revolution_google.keys import event_id, mail_key, message_id

KEYS = ["exe_1.send", "exe_1.send2", "exe_2.send", "", "ü\n<>@", "k" * 10_000]


def test_the_message_id_of_a_step_never_changes() -> None:
    # Written down, not computed: a release that changes it would no longer find what an older one sent.
    assert message_id(mail_key("exe_1.send")) == "<3bd11a8e1e2c75325e239e0126a08801@revolution-hub.invalid>"


def test_the_event_id_of_a_step_never_changes() -> None:
    assert event_id("exe_1.book") == "qmlvn0mml38nn8a57es8aekb05or5fmc55m782jf8st1fm95vqgg"


def test_different_keys_have_different_names() -> None:
    assert len({mail_key(key) for key in KEYS}) == len(KEYS)
    assert len({event_id(key) for key in KEYS}) == len(KEYS)


def test_names_have_the_syntax_of_the_wire_whatever_the_key_is() -> None:
    for key in KEYS:
        assert re.fullmatch(r"<[0-9a-f]{32}@revolution-hub\.invalid>", message_id(mail_key(key)))
        assert re.fullmatch(r"[a-v0-9]{5,1024}", event_id(key))


def test_a_mail_and_a_meeting_of_one_key_share_nothing() -> None:
    assert mail_key("exe_1.x")[:8] not in event_id("exe_1.x")
