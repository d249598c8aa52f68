"""Settings from a plain dict: defaults, every name, and all faults in one line."""

from pathlib import Path

import pytest

from revolution_hub.errors import SettingsError
from revolution_hub.settings import Settings


def fault(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.read({f"REVOLUTION_{name}": value for name, value in environ.items()})
    assert "\n" not in caught.value.message
    return caught.value.message


def read(**environ: str) -> Settings:
    return Settings.read({f"REVOLUTION_{name}": value for name, value in environ.items()})


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.read({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.lease_s) == ("127.0.0.1", 8400, 30)
    assert settings.database == f"sqlite:///{Path('.revolution/hub.db').absolute()}"
    assert settings.key_file == Path(".revolution/master.key")
    assert settings.public() == "http://127.0.0.1:8400"


def test_every_setting_is_read_from_its_name() -> None:
    settings = read(
        DATA_DIR="/srv/hub",
        DATABASE_URL="sqlite:////srv/other.db",
        HOST="0.0.0.0",
        PORT="0",
        PUBLIC_URL="https://hub.example.com/",
        MASTER_KEY="k" * 43,
        MASTER_KEY_FILE="/run/key",
        EGRESS_ALLOW="LocalHost:8080, [::1]:9000,",
        WORKER_THREADS="4",
        LEASE_S="2",
        DRAIN_S="5",
        REQUESTS_PER_MINUTE="60",
        BODY_BYTES="2048",
    )
    assert (settings.data_dir, settings.database) == (Path("/srv/hub"), "sqlite:////srv/other.db")
    assert (settings.host, settings.port) == ("0.0.0.0", 0)
    assert settings.public() == "https://hub.example.com"
    assert settings.key_file == Path("/run/key")
    assert settings.egress_allow == {("localhost", 8080), ("::1", 9000)}
    assert (settings.worker_threads, settings.lease_s, settings.drain_s) == (4, 2, 5)
    assert (settings.requests_per_minute, settings.body_bytes) == (60, 2048)


def test_the_master_key_is_masked_when_settings_are_printed() -> None:
    settings = read(MASTER_KEY="very-secret-indeed")
    assert settings.master_key is not None
    assert settings.master_key.reveal() == "very-secret-indeed"
    assert "very-secret-indeed" not in repr(settings)


def test_other_programs_variables_and_the_clients_own_are_left_alone() -> None:
    elsewhere = {"PATH": "/bin", "REVOLUTIONARY": "1", "revolution_port": "x"}
    ours = {"REVOLUTION_URL": "x", "REVOLUTION_API_KEY": "x", "REVOLUTION_CONTRACTS": "x"}
    assert Settings.read(elsewhere | ours) == Settings()


def test_an_unknown_name_is_refused_with_the_near_one() -> None:
    assert fault(PROT="1") == "REVOLUTION_PROT is not a setting (did you mean REVOLUTION_PORT?)"
    assert fault(XYZZY="1") == "REVOLUTION_XYZZY is not a setting"


def test_unknown_names_and_bad_values_come_all_together() -> None:
    text = fault(PORT="http", LEASE_S="1", WORKER_TREADS="4", EGRESS_ALLOW="nohost")
    assert text.count("; ") == 3
    for part in ("REVOLUTION_PORT cannot", "REVOLUTION_LEASE_S cannot", "WORKER_THREADS?", "'nohost' is not"):
        assert part in text


BAD = {
    "PORT": ["", "-1", "65536", "8o", "1.0", "٣", " 80", "9" * 5_000],
    "WORKER_THREADS": ["0", "513"],
    "LEASE_S": ["1", "3601"],
    "DRAIN_S": ["0"],
    "REQUESTS_PER_MINUTE": ["0", "1000001"],
    "BODY_BYTES": ["1023", "104857601"],
    "DATABASE_URL": [
        "",
        "mysql://x",
        "postgresql",
        "/srv/hub.db",
        "sqlite://hub.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://ada:secret@host:port/hub",
        "postgresql://ada:secret@host:1:2/hub",
        "postgresql://ada:se@cret@host/hub",
        "postgresql://ada:secret@host/hub/more",
    ],
    "BROKER_URL": ["", "redis", "amqp://ada:secret@host"],
    "PUBLIC_URL": [
        "",
        "hub.example.com",
        "ftp://x",
        "https://",
        "https://x?a=1",
        "https://x/#a",
        "http://[::1",
    ],
    "EGRESS_ALLOW": ["host", "host:", ":80", "host:0", "host:65536", "host:http", "a:1,b"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, row in BAD.items() for value in row])
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    said = fault(**{name: value})
    assert said.startswith(f"REVOLUTION_{name} cannot be used: ")
    assert "cret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host/hub",
        "postgresql://ada:s%40cret/#@db.example.com:5432/hub?sslmode=require",
        "postgresql://ada:secret@[::1]:5432/hub",
        "postgresql:///hub?host=/run/postgresql",
        "postgresql://ada@/hub?host=/run/postgresql",
        "sqlite:////srv/hub.db",
    ],
)
def test_an_address_of_a_database_is_kept_as_it_is(url: str) -> None:
    assert Settings.read({"REVOLUTION_DATABASE_URL": url}).database == url


def test_an_address_with_colons_gets_its_brackets_in_the_public_address() -> None:
    assert Settings(host="::1", port=80).public() == "http://[::1]:80"


PROVIDER = '[{"name": "corp", "issuer": "https://login.test", "client_id": "hub", "client_secret": "s3cret"}]'


def test_providers_are_read_and_their_secrets_not_shown() -> None:
    settings = read(OIDC=PROVIDER)
    assert [(one.name, one.issuer, one.title) for one in settings.oidc] == [
        ("corp", "https://login.test", "")
    ]
    assert settings.oidc[0].client_secret.reveal() == "s3cret"
    assert "s3cret" not in repr(settings.oidc) + repr(settings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "corp",
        "{}",
        "7",
        "[7]",
        '["corp"]',
        "[{}]",
        PROVIDER.replace('"hub"', "7"),
        PROVIDER.replace('"hub"', '""'),
        PROVIDER.replace('"s3cret"', "null"),
        PROVIDER.replace('"s3cret"', '["s3cret"]'),
        PROVIDER.replace('"corp"', '"Corp"'),
        PROVIDER.replace('"corp"', '"../x"'),
        PROVIDER.replace("https://login.test", "ftp://login.test"),
        PROVIDER.replace("https://login.test", "https://"),
        PROVIDER.replace("https://login.test", "https://login.test/?x=y"),
        PROVIDER.replace('"client_id"', '"client"'),
        PROVIDER[:-1] + "," + PROVIDER[1:],
    ],
)
def test_providers_that_cannot_be_are_refused_without_their_secrets(text: str) -> None:
    line = fault(OIDC=text)
    assert line.startswith("REVOLUTION_OIDC cannot be used: a JSON list such as")
    assert "s3cret" not in line


def test_plain_cookies_are_refused_beside_https() -> None:
    assert read(PLAIN_COOKIES="true").plain_cookies
    assert "the public address is https" in fault(PLAIN_COOKIES="true", PUBLIC_URL="https://hub.test")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hub.test/", "https://hub.test"),
        ("https://Hub.test:443/below", "https://hub.test"),
        ("https://hub.test:8443", "https://hub.test:8443"),
        ("http://[::1]:8400", "http://[::1]:8400"),
    ],
)
def test_the_origin_is_what_browsers_call_the_public_address(url: str, origin: str) -> None:
    assert read(PUBLIC_URL=url).origin == origin
