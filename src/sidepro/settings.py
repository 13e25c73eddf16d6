"""All settings, from environment variables and an optional `.env`. No other module reads them.

A setting is a variable `SIDEPRO_<NAME>`, or a file that `SIDEPRO_<NAME>_FILE` names, for secrets
of containers. An empty variable counts as unset.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import idna
from dotenv import dotenv_values
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

PREFIX = "SIDEPRO_"
MIN_SECRET_LENGTH = 16
MIN_SECRET_CHARACTERS = 8
YEAR = 366 * 24 * 3600

Network = IPv4Network | IPv6Network


class SettingError(Exception):
    """A setting is invalid. The message names it and says what it must be."""


# ------------------------------------------------------------------------------------- parsers
#
# Each parses the text of a variable. Its ValueError completes the sentence "SIDEPRO_X must …".


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _split(text: str) -> SplitResult:
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError unless it is a number up to 65535
    return parts


def _database(text: str) -> str:
    rule = "be postgresql://user:password@host:port/name or sqlite:///path"
    if text.startswith("postgres://"):
        text = text.replace("postgres://", "postgresql://", 1)
    parts = _split(text)
    if parts.scheme == "sqlite" and text.startswith("sqlite:///") and len(text) > 10:
        # Each connection would have an in-memory database of its own.
        if parts.query or ":memory:" in parts.path:
            raise ValueError(rule)
        return text
    if parts.scheme == "postgresql" and parts.hostname and parts.path.strip("/"):
        try:
            conninfo_to_dict(text)
        except ProgrammingError as error:
            raise ValueError(rule) from error
        return text
    raise ValueError(rule)


def _redis(text: str) -> str:
    parts = _split(text)
    if (parts.scheme in ("redis", "rediss") and parts.hostname) or (
        parts.scheme == "unix" and parts.path
    ):
        return text
    raise ValueError("be redis://host:port/number, rediss://… or unix:///path")


def _images(text: str) -> str:
    parts = urlsplit(text)
    if (
        not parts.scheme
        or (parts.scheme == "file" and parts.path)
        or (parts.scheme == "s3" and parts.netloc)
    ):
        return text
    raise ValueError("be a folder or s3://bucket/prefix")


def _web_address(text: str) -> str:
    parts = _split(text)
    if parts.scheme in ("http", "https") and parts.hostname:
        ascii_host(parts.hostname)
        return text.rstrip("/")
    raise ValueError("be an http or https URL")


def _public_address(text: str) -> str:
    address = _web_address(text)
    parts = urlsplit(address)
    if parts.query or parts.fragment or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", parts.path):
        raise ValueError("be an http or https URL, perhaps with a plain path, without a query")
    return address


def ascii_host(host: str) -> str:
    """A host in the form that browsers send: lower case, labels of other scripts in Punycode.

    Raises:
        ValueError: it is not a host name.
    """
    if host.isascii():
        return host.lower().rstrip(".")
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError("be a URL with a valid host name") from error


def _host(text: str) -> str:
    host = text.strip("[]")
    if not re.fullmatch(r"[^\s/:@\[\]?#\\]+|[0-9a-fA-F:.]+", host):
        raise ValueError("be host names such as example.com, without scheme and port")
    return ascii_host(host)


def _origin(text: str) -> str:
    address = _web_address(text)
    if urlsplit(address).path or urlsplit(address).query:
        raise ValueError("be origins such as https://example.com, without a path")
    return origin_of(address)


def origin_of(address: str) -> str:
    """The origin of a URL as browsers send it (RFC 6454, section 6.1)."""
    parts = urlsplit(address.lower())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = ascii_host(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, default) else f":{parts.port}")


def _list_of(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def parse_all(text: str) -> tuple[Any, ...]:
        items = tuple(parse(item.strip()) for item in text.split(",") if item.strip())
        if not items:
            raise ValueError("have at least one item")
        return items

    return parse_all


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("be IP addresses or networks such as 10.0.0.0/8") from error


def _secret(text: str) -> str:
    if len(text) < MIN_SECRET_LENGTH:
        raise ValueError(f"have at least {MIN_SECRET_LENGTH} characters in each key")
    if len(set(text)) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"have at least {MIN_SECRET_CHARACTERS} different characters in each key")
    return text


def _integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"be an integer from {minimum} to {maximum}")
        return int(text)

    return parse


def _seconds(maximum: int) -> Callable[[str], timedelta]:
    parse = _integer(1, maximum)
    return lambda text: timedelta(seconds=parse(text))


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"be {' or '.join(words)}")
        return text

    return parse


_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{8,512}=*")  # RFC 6750, section 2.1


def _metrics(text: str) -> str:
    if text in ("on", "off") or _TOKEN.fullmatch(text):
        return text
    raise ValueError("be on, off, or a token of at least 8 characters (A-Z a-z 0-9 . _ ~ + / -)")


def _bind_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("be host:port, such as 127.0.0.1:9090")
    return host, int(port)


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


# ------------------------------------------------------------------------------------ settings


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
        _path, Path("data"), "Folder of the embedded database, images and secret key.", "./data"
    )
    database_url: str | None = _setting(
        _database,
        None,
        "`postgresql://user:password@host:port/name` or `sqlite:///path`, without driver names.",
        "SQLite in the data folder",
    )
    redis_url: str | None = _setting(
        _redis,
        None,
        "`redis://host:port/number`: chat, presence, tickets, limits, revoked sessions and jobs "
        "that several processes share.",
        "none: in-process",
    )
    images_url: str | None = _setting(
        _images,
        None,
        "A folder, or `s3://bucket/prefix` with the usual AWS variables.",
        "a folder in the data folder",
    )
    s3_endpoint: str | None = _setting(
        _web_address,
        None,
        "URL of an S3-compatible store other than AWS.",
        "none",
    )
    s3_public_url: str | None = _setting(
        _web_address,
        None,
        "Public base URL of the images of an S3 store.",
        "the URL of the bucket",
    )
    secret_key: tuple[str, ...] = _setting(
        _list_of(_secret),
        (),
        "Signs tokens and cursors; at least 16 characters. Several, separated by commas, for "
        "rotation: the first signs, all verify. Required with PostgreSQL.",
        "generated in the data folder",
    )
    public_url: str | None = _setting(
        _public_address,
        None,
        "Public URL of the service, perhaps with a path.",
        "http://host:port of `sidepro serve`",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        _list_of(_host),
        (),
        "Host names by which the service may be addressed, besides that of the public URL, "
        "separated by commas. All names of the loopback are one. Others get 400 `bad-host`.",
        "none",
    )
    allowed_origins: tuple[str, ...] = _setting(
        _list_of(_origin),
        (),
        "Origins whose pages may call the API and open sockets, separated by commas.",
        "the origin of the public URL",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        _list_of(_network),
        (),
        "Addresses or networks whose `X-Forwarded-For` and `-Proto` are trusted.",
        "none",
    )
    access_token_ttl: timedelta = _setting(
        _seconds(86_400), timedelta(seconds=900), "Lifetime of an access token, in seconds."
    )
    refresh_token_ttl: timedelta = _setting(
        _seconds(YEAR),
        timedelta(days=14),
        "Idle time after which a session ends, in seconds.",
    )
    session_ttl: timedelta = _setting(
        _seconds(10 * YEAR), timedelta(days=90), "Maximum lifetime of a session, in seconds."
    )
    log_format: str = _setting(_one_of("console", "json"), "console", "`console` or `json`.")
    rate_limits: bool = _setting(_switch, True, "`on` or `off`: limits on requests and sockets.")
    keep_alive: int = _setting(
        _integer(1, 3600),
        75,
        "Seconds after which an idle connection is closed; above the 60 of usual proxies.",
    )
    docs: bool = _setting(
        _switch, True, "`on` or `off`: the documentation page and the two API documents."
    )
    metrics: str | None = _setting(
        _metrics,
        None,
        "`on`, `off`, or a token that `/metrics` requires as `Authorization: Bearer`.",
        "on with a local public URL or `SIDEPRO_METRICS_BIND`, else off",
    )
    metrics_bind: tuple[str, int] | None = _setting(
        _bind_address,
        None,
        "`host:port` that serves `/metrics`, which is then not public.",
        "none: beside the API",
    )
    upload_max_bytes: int = _setting(
        _integer(1, 2**30), 10 * 2**20, "Largest image file, in bytes."
    )
    image_max_pixels: int = _setting(
        _integer(1, 10**9),
        40_000_000,
        "Largest image, in pixels; all frames of an animation may have twice as many.",
    )
    image_quota_bytes: int = _setting(
        _integer(0, 2**50), 500 * 2**20, "Stored images of one user, in bytes."
    )
    sockets_per_user: int = _setting(
        _integer(1, 10_000), 20, "Open chat sockets of one user; needs `SIDEPRO_RATE_LIMITS`."
    )
    socket_frame_max_bytes: int = _setting(
        _integer(8 * 1024, 2**24), 64 * 1024, "Largest frame of a chat socket, in bytes."
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
        return _path(self.images_url.removeprefix("file://"))

    @property
    def images_bucket(self) -> tuple[str, str] | None:
        """The bucket and key prefix of the images; `None` if they are in a folder."""
        parts = urlsplit(self.images_url or "")
        return (parts.netloc, parts.path.strip("/")) if parts.scheme == "s3" else None

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


def load(environment: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """The settings of this process.

    `environment` defaults to the process environment and takes precedence over `dotenv`, which
    defaults to `.env` in the current folder.

    Raises:
        SettingError: a setting is invalid or unreadable.
    """
    texts = {
        **_read_dotenv(dotenv or Path(".env")),
        **(os.environ if environment is None else environment),
    }
    values = {}
    for setting in fields(Settings):
        text = _read(variable(setting.name), texts)
        if text:
            values[setting.name] = _parse(setting.name, setting.metadata["parse"], text)
    settings = Settings(**values)
    if not settings.is_embedded and not settings.secret_key:
        raise SettingError(
            f"{variable('secret_key')} must be set when the database is not embedded"
        )
    return settings


def unknown(environment: Mapping[str, str] | None = None) -> list[str]:
    """Variables with the prefix of settings that are none, perhaps misspelled."""
    known = {variable(setting.name) for setting in fields(Settings)}
    names = os.environ if environment is None else environment
    return sorted(
        name
        for name in names
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in known
    )


def aws_region(environment: Mapping[str, str] | None = None) -> str:
    """The region of S3, from the usual AWS variables."""
    variables = os.environ if environment is None else environment
    return variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or "us-east-1"


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


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        # A `$` in a password does not refer to another variable.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"cannot read {path}: {_reason(error)}") from error
    return {name: value for name, value in values.items() if value is not None}


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
        if not rule.startswith(("be ", "have ")):  # urllib's message about a port
            rule = f"be a valid URL ({rule})"
        # Secrets are not printed.
        is_secret = name in ("secret_key", "database_url", "redis_url", "metrics")
        received = "" if is_secret else f"; it is {text!r}"
        raise SettingError(f"{variable(name)} must {rule}{received}") from error
