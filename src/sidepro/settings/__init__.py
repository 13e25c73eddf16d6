"""All settings, from environment variables and an optional `.env`. No other module reads them.

A setting is a variable `SIDEPRO_<NAME>`, or a file that `SIDEPRO_<NAME>_FILE` names, as container
secrets do. An empty variable counts as unset.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values

from sidepro.settings import parsers

PREFIX = "SIDEPRO_"
YEAR = 366 * 24 * 3600


class SettingError(Exception):
    """A setting is invalid. The message has its name and the rule."""


def _setting(
    parse: Callable[[str], Any],
    default: Any,
    description: str,
    shown_default: str | None = None,
) -> Any:
    """A field with its parser, its default, and its row in the README's table."""
    metadata = {"parse": parse, "description": description, "shown_default": shown_default}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """All settings. Times are `timedelta`; sizes are bytes."""

    data_dir: Path = _setting(
        parsers.path,
        Path("data"),
        "Folder of the embedded database, images and secret key.",
        "./data",
    )
    database_url: str | None = _setting(
        parsers.database,
        None,
        "`postgresql://user:password@host:port/name` or `sqlite:///path`, without driver names.",
        "SQLite in the data folder",
    )
    database_pool: int = _setting(
        parsers.integer(1, 500),
        10,
        "Connections of a process to PostgreSQL for reading, and as many for writing, but at "
        "least three. With those of views, jobs and locks a process has up to twice as many and "
        "four; multiply by `--workers`.",
    )
    start_timeout: int = _setting(
        parsers.integer(0, 3600),
        60,
        "Seconds that `serve`, `worker`, `scheduler` and `migrate` wait for PostgreSQL, and "
        "`worker` and `scheduler` for Redis, without which `serve` works.",
    )
    redis_url: str | None = _setting(
        parsers.redis,
        None,
        "`redis://host:port/number`: chat, presence, tickets, limits, revoked sessions and jobs "
        "that several processes share. With Redis Sentinel "
        "`redis+sentinel://host:port,host:port/service/number`.",
        "none: in-process",
    )
    redis_prefix: str = _setting(
        parsers.redis_prefix,
        "",
        "Start of all keys and channels in Redis, such as `sidepro:`, where programs share one. "
        "Change it only while nothing runs.",
        "none",
    )
    images_url: str | None = _setting(
        parsers.images,
        None,
        "A folder, or `s3://bucket/prefix` with the usual AWS variables.",
        "a folder in the data folder",
    )
    s3_endpoint: str | None = _setting(
        parsers.web_address,
        None,
        "URL of an S3-compatible store other than AWS.",
        "none",
    )
    s3_public_url: str | None = _setting(
        parsers.web_address,
        None,
        "Public base URL of the images of an S3 store.",
        "the URL of the bucket",
    )
    secret_key: tuple[str, ...] = _setting(
        parsers.list_of(parsers.secret),
        (),
        "Signs tokens and cursors; at least 16 characters. Several, separated by commas, for "
        "rotation: the first signs, all verify. Required with PostgreSQL.",
        "generated in the data folder",
    )
    public_url: str | None = _setting(
        parsers.public_address,
        None,
        "Public URL of the service, perhaps with a path.",
        "http://host:port of `sidepro serve`",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        parsers.list_of(parsers.host),
        (),
        "Host names by which the service may be addressed, besides that of the public URL, "
        "separated by commas. All names of the loopback are one. Others get 400 `bad-host`.",
        "none",
    )
    allowed_origins: tuple[str, ...] = _setting(
        parsers.list_of(parsers.origin),
        (),
        "Origins whose pages may call the API and open sockets, separated by commas; also those "
        "of apps (`capacitor://localhost`), and `null`.",
        "the origin of the public URL",
    )
    trusted_proxies: tuple[parsers.Network, ...] = _setting(
        parsers.list_of(parsers.network),
        (),
        "Addresses or networks whose `X-Forwarded-For` and `-Proto` are trusted.",
        "none",
    )
    access_token_ttl: timedelta = _setting(
        parsers.seconds(86_400), timedelta(seconds=900), "Lifetime of an access token, in seconds."
    )
    refresh_token_ttl: timedelta = _setting(
        parsers.seconds(YEAR),
        timedelta(days=14),
        "Idle time after which a session ends, in seconds.",
    )
    session_ttl: timedelta = _setting(
        parsers.seconds(10 * YEAR),
        timedelta(days=90),
        "Maximum lifetime of a session, in seconds.",
    )
    log_format: str = _setting(
        parsers.one_of("console", "json"), "console", "`console` or `json`."
    )
    rate_limits: bool = _setting(
        parsers.switch, True, "`on` or `off`: limits on requests and sockets."
    )
    smtp_url: parsers.SmtpServer | None = _setting(
        parsers.smtp,
        None,
        "`smtp://user:password@host:port`, encrypted by STARTTLS where the server offers it "
        "(`?starttls=required` insists; with a password it always does), or `smtps://…`.",
        "none: mails are files in the data folder",
    )
    mail_from: Address | None = _setting(
        parsers.mail_address,
        None,
        "Sender of mails, such as `SidePro <hello@example.com>`.",
        "noreply at the host of the public URL",
    )
    require_verified_email: bool | None = _setting(
        parsers.switch,
        None,
        "`on` or `off`: people must verify their email address before they publish, comment, "
        "upload, ask for a chat or send messages.",
        "on with `SIDEPRO_SMTP_URL`, else off",
    )
    keep_alive: int = _setting(
        parsers.integer(1, 3600),
        75,
        "Seconds after which an idle connection is closed; above the 60 of usual proxies.",
    )
    web: bool = _setting(
        parsers.switch, True, "`on` or `off`: the pages for people, besides the API."
    )
    docs: bool = _setting(
        parsers.switch, True, "`on` or `off`: the documentation page and the two API documents."
    )
    metrics: str | None = _setting(
        parsers.metrics,
        None,
        "`on`, `off`, or a token that `/metrics` requires as `Authorization: Bearer`.",
        "on with a local public URL or `SIDEPRO_METRICS_BIND`, else off",
    )
    metrics_bind: tuple[str, int] | None = _setting(
        parsers.bind_address,
        None,
        "`host:port` that serves `/metrics`, which is then not public.",
        "none: beside the API",
    )
    upload_max_bytes: int = _setting(
        parsers.integer(1, 2**30), 10 * 2**20, "Largest image file, in bytes."
    )
    image_max_pixels: int = _setting(
        parsers.integer(1, 10**9),
        40_000_000,
        "Largest image, in pixels; all frames of an animation may have twice as many.",
    )
    image_quota_bytes: int = _setting(
        parsers.integer(0, 2**50), 500 * 2**20, "Stored images of one user, in bytes."
    )
    sockets_per_user: int = _setting(
        parsers.integer(1, 10_000),
        20,
        "Open chat sockets of one user; needs `SIDEPRO_RATE_LIMITS`.",
    )
    socket_frame_max_bytes: int = _setting(
        parsers.integer(8 * 1024, 2**24), 128 * 1024, "Largest frame of a chat socket, in bytes."
    )

    @property
    def database(self) -> str:
        """The URL of the database."""
        path = (self.data_dir / "sidepro.sqlite3").absolute()
        return self.database_url or f"sqlite:///{quote(str(path))}"

    @property
    def images_folder(self) -> Path:
        """The folder of the images; unused with S3."""
        if self.images_url is None:
            return self.data_dir / "images"
        return parsers.path(self.images_url.removeprefix("file://"))

    @property
    def images_bucket(self) -> tuple[str, str] | None:
        """The bucket and key prefix of the images; `None` if they are in a folder."""
        parts = urlsplit(self.images_url or "")
        return (parts.netloc, parts.path.strip("/")) if parts.scheme == "s3" else None

    @property
    def mails_folder(self) -> Path:
        """The folder of mails without a mail server."""
        return self.data_dir / "mails"

    @property
    def requires_verified_email(self) -> bool:
        """Whether people must verify their address before they write."""
        if self.require_verified_email is None:
            return self.smtp_url is not None
        return self.require_verified_email

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a local SQLite file."""
        return self.database.startswith("sqlite:")

    @property
    def allows_several_processes(self) -> bool:
        """Whether several processes may serve: with PostgreSQL and Redis."""
        return self.redis_url is not None and not self.is_embedded


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_dotenv(path: Path = Path(".env")) -> dict[str, str]:
    """The variables of a file, if it exists. The parser warns of each malformed line.

    Raises:
        SettingError: the file is unreadable.
    """
    try:
        # A `$` in a password does not refer to another variable.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"cannot read {path}: {_reason(error)}") from error
    return {name: value for name, value in values.items() if value is not None}


def load(
    environment: Mapping[str, str] | None = None, dotenv: Mapping[str, str] | None = None
) -> Settings:
    """The settings of this process.

    `environment` defaults to the process environment and takes precedence over `dotenv`, which
    defaults to those of `.env` in the current folder.

    Raises:
        SettingError: a setting is invalid or unreadable.
    """
    texts = {
        **(read_dotenv() if dotenv is None else dotenv),
        **(os.environ if environment is None else environment),
    }
    values = {}
    for setting in fields(Settings):
        text = _read(variable(setting.name), texts)
        if text:
            values[setting.name] = _parse(setting.name, setting.metadata["parse"], text)
    settings = Settings(**values)
    if settings.images_bucket:
        aws_credentials(environment)  # fails now and not at the first image
    if not settings.is_embedded and not settings.secret_key:
        raise SettingError(
            f"{variable('secret_key')} must be set when the database is not embedded"
        )
    if settings.smtp_url and settings.allows_several_processes and not settings.public_url:
        raise SettingError(
            f"{variable('public_url')} must be set with {variable('smtp_url')}: mails of workers "
            "have links to it"
        )
    return settings


def unknown(
    environment: Mapping[str, str] | None = None, dotenv: Mapping[str, str] | None = None
) -> list[str]:
    """Variables with the prefix `SIDEPRO_` that are not settings, perhaps misspelled. The
    arguments are those of `load`.
    """
    known = {variable(setting.name) for setting in fields(Settings)}
    names = {
        *(os.environ if environment is None else environment),
        *(read_dotenv() if dotenv is None else dotenv),
    }
    return sorted(
        name
        for name in names
        if name.upper().startswith(PREFIX) and name.removesuffix("_FILE") not in known
    )


def aws_region(environment: Mapping[str, str] | None = None) -> str:
    """The region of S3, from the usual AWS variables."""
    variables = os.environ if environment is None else environment
    return variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or "us-east-1"


def aws_credentials(environment: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The access key and the secret key of S3, if the variables or files of them are set.

    Raises:
        SettingError: only one of them is set, or a file is unreadable.
    """
    variables = os.environ if environment is None else environment
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    key, secret = (_read(name, variables) for name in names)
    if bool(key) != bool(secret):
        raise SettingError(f"{names[0]} and {names[1]} must be set together")
    return (key, secret) if key else None


def table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in fields(Settings):
        default = setting.default
        if isinstance(default, bool):
            default = "on" if default else "off"
        elif isinstance(default, timedelta):
            default = int(default.total_seconds())
        shown = setting.metadata["shown_default"] or default
        rows.append(
            f"| `{variable(setting.name)}` | {shown} | {setting.metadata['description']} |"
        )
    return "\n".join(rows)


def _read(name: str, texts: Mapping[str, str]) -> str:
    text, file = texts.get(name, ""), texts.get(f"{name}_FILE", "")
    if not file:
        return text.strip()
    if text:
        raise SettingError(f"{name} and {name}_FILE are both set; only one of them may be")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}_FILE: cannot read {file}: {_reason(error)}") from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8 text"


def _parse(name: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        rule = str(error)
        # Secrets are not printed.
        is_secret = name in ("secret_key", "database_url", "redis_url", "metrics", "smtp_url")
        if not rule.startswith(("be ", "have ")):  # urllib's message, with a part of the URL
            rule = "be a valid URL" + ("" if is_secret else f" ({rule})")
        received = "" if is_secret else f"; it is {text!r}"
        raise SettingError(f"{variable(name)} must {rule}{received}") from error
