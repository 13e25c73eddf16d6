"""Settings are validated; an invalid one is a one-line error that names its variable."""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields
from datetime import timedelta
from email.headerregistry import Address
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidepro import bootstrap as composition
from sidepro import settings as configuration
from sidepro.settings import SettingError, Settings, variable
from sidepro.settings.parsers import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

README = Path(__file__).parents[2] / "README.md"
KEY = "0123456789abcdef"
POSTGRESQL = "postgresql://user:password@host:5432/name"

# Texts of each setting and the parsed values.
VALID: dict[str, list[tuple[str, Any]]] = {
    "data_dir": [("/var/lib/sidepro", Path("/var/lib/sidepro")), ("데이터", Path("데이터"))],
    "database_url": [
        ("sqlite:///a", "sqlite:///a"),
        ("sqlite:////var/lib/sidepro.sqlite3", "sqlite:////var/lib/sidepro.sqlite3"),
    ],
    "redis_url": [
        ("redis://localhost", "redis://localhost"),
        ("redis://:secret@localhost:6379/1", "redis://:secret@localhost:6379/1"),
        ("rediss://localhost:6380", "rediss://localhost:6380"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+sentinel://one/chat", "redis+sentinel://one/chat"),
        (
            "rediss+sentinel://app:secret@one:26379,[::1]:26380/chat/1?sentinel_password=other",
            "rediss+sentinel://app:secret@one:26379,[::1]:26380/chat/1?sentinel_password=other",
        ),
    ],
    "images_url": [
        ("pictures", "pictures"),
        ("/var/pictures", "/var/pictures"),
        ("s3://b/p",) * 2,
    ],
    "s3_endpoint": [("http://minio:9000/", "http://minio:9000")],
    "s3_public_url": [("https://pictures.example/b/", "https://pictures.example/b")],
    "secret_key": [(KEY, (KEY,)), (f"{KEY}, {KEY}2", (KEY, f"{KEY}2"))],
    "public_url": [
        ("https://sidepro.example", "https://sidepro.example"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("https://커피.example/side/", "https://xn--ve7b29i.example/side"),
        ("HTTPS://A.example:443", "https://a.example"),
        ("http://[::1]:80/a", "http://[::1]/a"),
    ],
    "allowed_origins": [
        (
            "https://a.example, http://B.example:8080",
            ("https://a.example", "http://b.example:8080"),
        ),
        ("capacitor://localhost,null", ("capacitor://localhost", "null")),
    ],
    "allowed_hosts": [
        ("api.example.com", ("api.example.com",)),
        ("A.example,bücher.example, [::1]", ("a.example", "xn--bcher-kva.example", "::1")),
    ],
    "trusted_proxies": [
        ("10.0.0.0/8, 127.0.0.1,::1", tuple(map(ip_network, ("10.0.0.0/8", "127.0.0.1", "::1")))),
        ("::ffff:10.0.0.1,::ffff:0:0/96", tuple(map(ip_network, ("10.0.0.1", "0.0.0.0/0")))),
    ],
    "access_token_ttl": [("1", timedelta(seconds=1)), ("86400", timedelta(days=1))],
    "refresh_token_ttl": [("60", timedelta(minutes=1)), ("7776000", timedelta(days=90))],
    "session_ttl": [("1209600", timedelta(days=14))],
    "log_format": [("json", "json"), ("console", "console")],
    "rate_limits": [("on", True), ("off", False)],
    "smtp_url": [
        ("smtp://mail.example", SmtpServer("mail.example", 25, None, None, False, None)),
        ("smtp://localhost:2525", SmtpServer("localhost", 2525, None, None, False, None)),
        (
            "smtp://us%40er:p%2Fw@mail.example",
            SmtpServer("mail.example", 587, "us@er", "p/w", False, True),
        ),
        (
            "smtp://user:pw@localhost:25",
            SmtpServer("localhost", 25, "user", "pw", False, None),
        ),
        (
            "smtp://mail.example?starttls=required",
            SmtpServer("mail.example", 25, None, None, False, True),
        ),
        (
            "smtp://user:pw@mail.example/?starttls=off",
            SmtpServer("mail.example", 587, "user", "pw", False, False),
        ),
        ("smtps://u:p@mail.example", SmtpServer("mail.example", 465, "u", "p", True, False)),
    ],
    "mail_from": [
        ("hello@a.example", Address("", addr_spec="hello@a.example")),
        ("SidePro 팀 <no-reply@a.example>", Address("SidePro 팀", addr_spec="no-reply@a.example")),
    ],
    "require_verified_email": [("on", True), ("off", False)],
    "database_pool": [("1", 1)],
    "start_timeout": [("0", 0)],
    "redis_prefix": [("sidepro:", "sidepro:")],
    "keep_alive": [("1", 1), ("3600", 3600)],
    "web": [("on", True), ("off", False)],
    "docs": [("on", True), ("off", False)],
    "metrics": [("on", "on"), ("off", "off"), ("s3cret.token_~+/-==", "s3cret.token_~+/-==")],
    "metrics_bind": [("127.0.0.1:9090", ("127.0.0.1", 9090)), ("[::1]:1", ("::1", 1))],
    "upload_max_bytes": [("1", 1), ("1073741824", 2**30)],
    "image_max_pixels": [("1000000", 1_000_000)],
    "image_quota_bytes": [("0", 0)],
    "sockets_per_user": [("1", 1), ("10000", 10_000)],
    "socket_frame_max_bytes": [("8192", 8192), (" 65536 ", 65536)],
}

NUMBERS = ["-1", "1.5", "ten", "1e3", "٣", "99999999999999999999", "0x10", "1 2"]
SWITCHES = ["yes", "ON", "1", "true"]

INVALID: dict[str, list[str]] = {
    "database_url": [
        "sidepro.sqlite3",
        "sqlite://",
        "sqlite:///",
        "sqlite:////",
        "sqlite:///.",
        "sqlite:///data/..",
        "sqlite:///a%00b",
        "sqlite:///%3Amemory:",
        "sqlite+aiosqlite:///a",
        "mysql://user@host/name",
        "postgresql+psycopg://user@host/name",
        "postgresql://",
        "postgresql://user:hunter2@/name",
        "postgresql://user:hunter2@host",
        "postgresql://user:hunter2@host/",
        "postgresql://user:hunter2@host:port/name",
        "postgresql://user:hunter2@host:99999/name",
        "postgresql://user:hunter2@host,other:x/name",
        "postgresql://user:pass@hunter2@host/name",
        "postgresql://user:hunter2/word@host/name",
        "postgresql://user:1/hunter2@host/name",
        "postgresql://user:hunter2\u2100@host/name%",
        "postgresql://user:hunter2@host/name?port=x",
        "postgresql://user:hunter2@host/name?connect_timeout=soon",
        "postgresql://user:hunter2@host/name?keepalives_idle=",
        "postgresql://user:hunter2@host/name?no_such_option=1",
    ],
    "redis_url": [
        *("localhost", "redis://", "http://host", "redis://:hunter2@host:x", "unix://"),
        *("redis://:hunter2#@host", "redis://:hunter2/@host", "redis://:hunter2\u2100@host"),
        *("redis://host/chat", "redis://host/0/1", "redis://host/-1"),
        *("redis+sentinel://one", "redis+sentinel://one,/chat", "redis+sentinel://one:x/chat"),
        *("redis+sentinel://user:1/hunter2@one", "redis+sentinel://user:1/hunter2@one/0"),
        *("redis+sentinel://one/chat/x", "redis+sentinel://one/chat?sentinel_hosts=two"),
    ],
    "images_url": ["s3://", "ftp://host/folder", "file://", "https://bucket"],
    "s3_endpoint": ["minio:9000", "s3://host", "http://", "http://host:x"],
    "s3_public_url": ["pictures.example", "ftp://host"],
    "secret_key": ["hunter2", f"{KEY},hunter2", "x" * 32, "hunter2" * 5],
    "public_url": [
        "sidepro.example",
        "ftp://host",
        "https://",
        "//host",
        "http://host:99999",
        "http://a b",
    ],
    "allowed_origins": [
        "*",
        "a.example",
        "https://a.example/path",
        "https://a.example?q",
        "a://",
        "https://*.a.example",
    ],
    "allowed_hosts": [
        "https://example.com",
        "example.com:80",
        "a b",
        "a/b",
        ",",
        "*",
        "*.example.com",
        ".example.com",
    ],
    "trusted_proxies": ["proxy", "10.0.0.0/33", "10.0.0.256", "127.0.0.1 ::1"],
    "access_token_ttl": [*NUMBERS, "0", "86401"],
    "refresh_token_ttl": [*NUMBERS, "0", "31622401"],
    "session_ttl": [*NUMBERS, "0", "316224001"],
    "log_format": ["JSON", "text", "none"],
    "rate_limits": SWITCHES,
    "smtp_url": [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example/path",
        "smtp://user@mail.example",
        "smtp://user:hunter2@mail.example:x",
        "smtp://user:hunter2#@mail.example",
        "smtp://mail.example?starttls=perhaps",
        "smtps://mail.example?starttls=off",
    ],
    "mail_from": ["hello", "hello@", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"],
    "require_verified_email": SWITCHES,
    "web": SWITCHES,
    "docs": SWITCHES,
    "metrics": [*SWITCHES, "short", "with blank", "열쇠열쇠열쇠열쇠열쇠"],
    "metrics_bind": ["9090", ":9090", "localhost", "localhost:0", "localhost:99999", "a:b"],
    "upload_max_bytes": [*NUMBERS, "0", str(2**30 + 1)],
    "image_max_pixels": [*NUMBERS, "0", str(10**9 + 1)],
    "image_quota_bytes": [*NUMBERS, str(2**50 + 1)],
    "database_pool": ["0", "501"],
    "start_timeout": ["-1", "soon"],
    "redis_prefix": ["a b", "x" * 65],
    "keep_alive": [*NUMBERS, "0", "3601"],
    "sockets_per_user": [*NUMBERS, "0", "10001"],
    "socket_frame_max_bytes": [*NUMBERS, "8191", str(2**24 + 1)],
}


def load(**environment: str) -> Settings:
    return configuration.load(environment, {})


# --------------------------------------------------------------------- valid and invalid values


def test_every_setting_has_good_and_bad_values_here() -> None:
    every = {setting.name for setting in fields(Settings)}
    assert VALID.keys() == every
    assert every - INVALID.keys() == {"data_dir"}, "any text is a valid folder"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [(name, text, value) for name, cases in VALID.items() for text, value in cases],
)
def test_a_valid_value_is_parsed(name: str, text: str, value: object) -> None:
    assert getattr(load(**{variable(name): text}), name) == value


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in INVALID.items() for text in texts]
)
def test_an_invalid_value_is_a_one_line_error_that_names_the_variable(
    run_here: Callable[..., Outcome], name: str, text: str
) -> None:
    line = run_here("migrate", "--check", **{variable(name): text}).error_line()
    assert variable(name) in line
    assert "hunter2" not in line
    assert len(line) < 300


def test_an_empty_list_of_secret_keys_is_an_error() -> None:
    with pytest.raises(SettingError, match="SIDEPRO_SECRET_KEY"):
        load(SIDEPRO_SECRET_KEY=" , ")


@pytest.mark.parametrize("command", ["serve", "migrate", "seed"])
def test_an_invalid_setting_fails_every_command(
    run_here: Callable[..., Outcome], command: str
) -> None:
    line = run_here(command, SIDEPRO_DOCS="perhaps").error_line()
    assert line == "SIDEPRO_DOCS must be on or off; it is 'perhaps'"


def test_an_invalid_setting_fails_the_process(run: Callable[..., Outcome]) -> None:
    outcome = run("serve", SIDEPRO_LOG_FORMAT="xml")
    assert outcome.error_line() == "SIDEPRO_LOG_FORMAT must be console or json; it is 'xml'"
    assert outcome.code == 1


def test_unset_and_empty_variables_have_defaults() -> None:
    assert load() == Settings()
    assert load().is_embedded
    assert load().database == f"sqlite:///{Path('data/sidepro.sqlite3').absolute()}"
    empty = {variable(setting.name): "" for setting in fields(Settings)}
    assert load(**empty) == Settings(), "an empty variable counts as not set"


def test_postgresql_needs_a_secret_key() -> None:
    settings = load(SIDEPRO_DATABASE_URL=POSTGRESQL, SIDEPRO_SECRET_KEY=KEY)
    assert (settings.database, settings.is_embedded) == (POSTGRESQL, False)
    with pytest.raises(SettingError, match="SIDEPRO_SECRET_KEY must be set") as refused:
        load(SIDEPRO_DATABASE_URL=POSTGRESQL)
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://sidepro.example", "https://sidepro.example"),
        ("https://Sidepro.Example:443/app", "https://sidepro.example"),
    ],
)
def test_the_origin_of_the_public_url_is_allowed(address: str, origin: str) -> None:
    settings = load(SIDEPRO_PUBLIC_URL=address, SIDEPRO_SECRET_KEY=KEY)
    container = composition.build(settings, settings.public_url or "")
    assert tuple(container.api.allowed_origins) == (origin,)
    asyncio.run(container.close())


# ------------------------------------------------------------------------------- files and .env


def test_the_short_scheme_of_postgresql_is_taken() -> None:
    short = POSTGRESQL.replace("postgresql:", "postgres:")
    settings = load(SIDEPRO_DATABASE_URL=short, SIDEPRO_SECRET_KEY=KEY)
    assert settings.database_url == POSTGRESQL


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("postgresql://u:p@%2Frun%2Fpg:5433/n", "postgresql://u:p@/n?host=%2Frun%2Fpg&port=5433"),
        ("postgresql:///n?host=/run/pg", "postgresql:///n?host=/run/pg"),
        (
            "postgres://u:p@one:1,[::1]:2/n?target_session_attrs=read-write",
            "postgresql://u:p@/n?host=one%2C%3A%3A1&port=1%2C2&target_session_attrs=read-write",
        ),
        ("postgresql://u:p:#?@[::1]:5433/n", "postgresql://u:p:#?@[::1]:5433/n"),
        ("postgresql://u@h/n?password=a+b", "postgresql://u@h/n?password=a%2Bb"),
    ],
)
def test_hosts_of_postgresql_are_taken_as_libpq_takes_them(url: str, taken: str) -> None:
    assert load(SIDEPRO_DATABASE_URL=url, SIDEPRO_SECRET_KEY=KEY).database_url == taken


def test_every_variable_can_come_from_a_file(tmp_path: Path) -> None:
    for name, cases in VALID.items():
        for text, value in cases:
            file = tmp_path / name
            file.write_text(f"{text}\n", "utf-8")
            assert getattr(load(**{f"{variable(name)}_FILE": str(file)}), name) == value


def test_an_invalid_value_in_a_file_is_an_error_that_names_the_variable(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n", "utf-8")
    line = run_here("serve", SIDEPRO_SECRET_KEY_FILE=str(file)).error_line()
    assert "SIDEPRO_SECRET_KEY" in line
    assert "hunter2" not in line


def test_a_variable_and_its_file_together_are_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(KEY, "utf-8")
    line = run_here(
        "serve", SIDEPRO_SECRET_KEY="hunter2-hunter2-hunter2", SIDEPRO_SECRET_KEY_FILE=str(file)
    ).error_line()
    assert "SIDEPRO_SECRET_KEY and SIDEPRO_SECRET_KEY_FILE" in line
    assert "hunter2" not in line


def test_an_unreadable_file_is_an_error_that_names_it(
    run_here: Callable[..., Outcome], tmp_path: Path, unwritable_folder: Path
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "missing", tmp_path, unwritable_folder, binary):
        line = run_here("serve", SIDEPRO_SECRET_KEY_FILE=str(file)).error_line()
        assert "SIDEPRO_SECRET_KEY_FILE" in line
        assert str(file) in line


def test_a_dotenv_in_the_current_folder_is_read(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("# settings\nSIDEPRO_DOCS=perhaps\nSIDEPRO_METRICS\n", "utf-8")
    assert "SIDEPRO_DOCS" in run_here("serve").error_line()

    # The environment has precedence.
    line = run_here("serve", SIDEPRO_DOCS="on", SIDEPRO_METRICS="never").error_line()
    assert "SIDEPRO_METRICS" in line

    dotenv.write_text('SIDEPRO_PUBLIC_URL="https://sidepro.example"\n', "utf-8")
    assert configuration.read_dotenv(dotenv) == {"SIDEPRO_PUBLIC_URL": "https://sidepro.example"}


def test_a_binary_dotenv_is_a_one_line_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(b"SIDEPRO_DOCS=\xff\xfe\n")
    assert ".env" in run_here("serve").error_line()


def test_a_malformed_line_of_a_dotenv_is_warned_of_once(
    run_here: Callable[..., Outcome], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").write_text("SIDEPRO_DOCS=on\nnot a setting\n", "utf-8")
    assert run_here("migrate").code == 0
    (message,) = (each.getMessage() for each in caplog.records if each.levelname == "WARNING")
    assert "line 2" in message


def test_values_of_a_dotenv_are_not_interpolated(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SIDEPRO_SECRET_KEY=a-key-with-${A}-dollar-sign", "utf-8")
    values = configuration.read_dotenv(tmp_path / ".env")
    assert values == {"SIDEPRO_SECRET_KEY": "a-key-with-${A}-dollar-sign"}


# ------------------------------------------------------------------------------------- the table


def test_the_readme_contains_the_settings_table() -> None:
    table = configuration.table()
    rows = re.findall(r"^\| `(SIDEPRO_\w+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert [row[0] for row in rows] == [variable(setting.name) for setting in fields(Settings)]
    assert table in README.read_text("utf-8"), "put `settings.table()` into README.md"


# ------------------------------------------------------------------------------------- mail


def test_verified_addresses_are_required_where_mail_is_configured() -> None:
    assert not load().requires_verified_email
    assert load(SIDEPRO_SMTP_URL="smtp://mail.example").requires_verified_email
    without = load(SIDEPRO_SMTP_URL="smtp://mail.example", SIDEPRO_REQUIRE_VERIFIED_EMAIL="off")
    assert not without.requires_verified_email
    assert load(SIDEPRO_REQUIRE_VERIFIED_EMAIL="on").requires_verified_email


def test_workers_that_send_mails_need_the_public_url() -> None:
    cluster = {
        "SIDEPRO_DATABASE_URL": POSTGRESQL,
        "SIDEPRO_REDIS_URL": "redis://localhost",
        "SIDEPRO_SECRET_KEY": KEY,
        "SIDEPRO_SMTP_URL": "smtp://mail.example",
    }
    with pytest.raises(SettingError, match="SIDEPRO_PUBLIC_URL must be set"):
        load(**cluster)
    load(**cluster, SIDEPRO_PUBLIC_URL="https://sidepro.example")


def test_the_credentials_of_s3_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("AKIA\n", "utf-8")
    (tmp_path / "secret").write_text("s3cret\n", "utf-8")
    files = {
        "AWS_ACCESS_KEY_ID_FILE": str(tmp_path / "key"),
        "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret"),
    }
    assert configuration.aws_credentials(files) == ("AKIA", "s3cret")
    assert configuration.aws_credentials({}) is None


def test_half_of_the_credentials_of_s3_is_an_error() -> None:
    environment = {"SIDEPRO_IMAGES_URL": "s3://images", "AWS_ACCESS_KEY_ID": "AKIA"}
    with pytest.raises(configuration.SettingError, match="AWS_SECRET_ACCESS_KEY"):
        configuration.load(environment, {})
