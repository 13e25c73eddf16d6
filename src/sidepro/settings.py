"""All settings: read from the environment (and an optional `.env`) here and nowhere else.

Every setting is a variable `SIDEPRO_<NAME>`, or the path of a file with its value in
`SIDEPRO_<NAME>_FILE`, as container secrets come. An empty variable counts as not set.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

PREFIX = "SIDEPRO_"
SECRET_SHORTEST = 16
YEAR = 366 * 24 * 3600

Network = IPv4Network | IPv6Network


class SettingError(Exception):
    """A setting is wrong. The message names it and says what it should be."""


# ------------------------------------------------------------------------------------- parsers
#
# Each takes the text of a variable, and raises ValueError with the end of the sentence
# "SIDEPRO_X must …".


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _database(text: str) -> str:
    rule = "be postgresql://user:password@host:port/name or sqlite:///path"
    parts = urlsplit(text)
    if parts.scheme == "sqlite" and text.startswith("sqlite:///") and len(text) > 10:
        # A database in memory would be another one for each connection.
        if parts.query or ":memory:" in parts.path:
            raise ValueError(rule)
        return text
    if parts.scheme == "postgresql" and parts.hostname and parts.path.strip("/"):
        _ = parts.port  # raises ValueError when it is no number
        try:
            conninfo_to_dict(text)
        except ProgrammingError as error:
            raise ValueError(rule) from error
        return text
    raise ValueError(rule)


def _redis(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in ("redis", "rediss") and parts.hostname:
        _ = parts.port
        return text
    if parts.scheme == "unix" and parts.path:
        return text
    raise ValueError("be redis://host:port/number, rediss://… or unix:///path")


def _images(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme == "s3" and parts.netloc:
        return text
    if not parts.scheme or (parts.scheme == "file" and parts.path):
        return text
    raise ValueError("be a folder or s3://bucket/prefix")


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in ("http", "https") and parts.hostname:
        _ = parts.port
        return text.rstrip("/")
    raise ValueError("be an http or https address")


def _origin(text: str) -> str:
    address = _web_address(text)
    if urlsplit(address).path or urlsplit(address).query:
        raise ValueError("be origins such as https://example.com, without a path")
    return origin_of(address)


def origin_of(address: str) -> str:
    """The origin of a web address as browsers write it (RFC 6454, section 6.1)."""
    parts = urlsplit(address.lower())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, default) else f":{parts.port}")


def _several(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def parse_all(text: str) -> tuple[Any, ...]:
        parsed = tuple(parse(part.strip()) for part in text.split(",") if part.strip())
        if not parsed:
            raise ValueError("have something between its commas")
        return parsed

    return parse_all


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("be IP addresses or networks such as 10.0.0.0/8") from error


def _secret(text: str) -> str:
    if len(text) < SECRET_SHORTEST:
        raise ValueError(f"have at least {SECRET_SHORTEST} characters in each key")
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not least <= int(text) <= most:
            raise ValueError(f"be a whole number from {least} to {most}")
        return int(text)

    return parse


def _seconds(most: int) -> Callable[[str], timedelta]:
    whole = _whole(1, most)
    return lambda text: timedelta(seconds=whole(text))


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"be {' or '.join(words)}")
        return text

    return parse


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


# ------------------------------------------------------------------------------------ settings


def _setting(
    parse: Callable[[str], Any],
    default: Any,
    about: str,
    shown: str | None = None,
) -> Any:
    """A field: how its text is read, its default, and its line in the README's table."""
    return field(default=default, metadata={"parse": parse, "about": about, "shown": shown})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Times are `timedelta`, sizes bytes."""

    data_dir: Path = _setting(
        _path, Path("data"), "Where embedded data lives: database, images, secret key.", "./data"
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
        "`redis://host:port/number`: where processes share chat, presence, tickets, limits, "
        "ended sessions and jobs.",
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
        "Address of an S3-compatible store other than AWS.",
        "none",
    )
    s3_public_url: str | None = _setting(
        _web_address,
        None,
        "Where people reach the images of an S3 store, up to their names.",
        "the bucket's own address",
    )
    secret_key: tuple[str, ...] = _setting(
        _several(_secret),
        (),
        "What tokens and cursors are signed with, at least 16 characters. Several, separated by "
        "commas, for rotation: the first signs, all verify. Required with PostgreSQL.",
        "made and kept in the data folder",
    )
    public_url: str | None = _setting(
        _web_address,
        None,
        "Where people reach the platform.",
        "http://host:port of `sidepro serve`",
    )
    allowed_origins: tuple[str, ...] = _setting(
        _several(_origin),
        (),
        "Origins whose pages may call the API and open sockets, separated by commas.",
        "the public address alone",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        _several(_network),
        (),
        "Addresses or networks whose `X-Forwarded-For` and `-Proto` are believed.",
        "none",
    )
    access_token_ttl: timedelta = _setting(
        _seconds(86_400), timedelta(seconds=900), "Life of an access token, in seconds."
    )
    refresh_token_ttl: timedelta = _setting(
        _seconds(YEAR),
        timedelta(days=14),
        "Idle time after which a session ends, in seconds.",
    )
    session_ttl: timedelta = _setting(
        _seconds(10 * YEAR), timedelta(days=90), "Life of a session in all, in seconds."
    )
    log_format: str = _setting(_one_of("console", "json"), "console", "`console` or `json`.")
    rate_limits: bool = _setting(
        _switch, True, "`on` or `off`: limits of requests and sockets.", "on"
    )
    keep_alive: int = _setting(
        _whole(1, 3600),
        75,
        "Seconds after which an idle connection is closed; above the 60 of usual proxies.",
    )
    docs: bool = _setting(
        _switch, True, "`on` or `off`: the documentation page and the two API documents.", "on"
    )
    metrics: bool = _setting(
        _switch, True, "`on` or `off`: `/metrics`, which everybody may read.", "on"
    )
    upload_max_bytes: int = _setting(_whole(1, 2**30), 10 * 2**20, "Largest image file, in bytes.")
    image_max_pixels: int = _setting(
        _whole(1, 10**9), 40_000_000, "Largest image, in pixels of all its frames together."
    )
    image_quota_bytes: int = _setting(
        _whole(0, 2**50), 500 * 2**20, "Images of a user in all, in bytes as they are stored."
    )
    sockets_per_user: int = _setting(
        _whole(1, 10_000), 20, "Chat sockets of a user at once, with `SIDEPRO_RATE_LIMITS`."
    )
    socket_frame_max_bytes: int = _setting(
        _whole(8 * 1024, 2**24), 64 * 1024, "Largest frame that a chat socket takes."
    )

    @property
    def database(self) -> str:
        """The address of the database."""
        path = (self.data_dir / "sidepro.sqlite3").absolute()
        return self.database_url or f"sqlite:///{quote(str(path))}"

    @property
    def images_folder(self) -> Path:
        """The folder of the images, when they are not in S3."""
        if self.images_url is None:
            return self.data_dir / "images"
        return _path(self.images_url.removeprefix("file://"))

    @property
    def images_bucket(self) -> tuple[str, str] | None:
        """The bucket of the images and the prefix in it; `None` when they are in a folder."""
        parts = urlsplit(self.images_url or "")
        return (parts.netloc, parts.path.strip("/")) if parts.scheme == "s3" else None

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database.startswith("sqlite:")

    @property
    def may_be_served_by_several(self) -> bool:
        """Whether several processes may serve: Redis brings what PostgreSQL does not tell."""
        return self.redis_url is not None and not self.is_embedded


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load(environment: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """The settings of this process.

    `environment` is the process' own by default, `dotenv` the file `.env` in the current folder;
    what the environment says goes before what the file says.

    Raises:
        SettingError: a setting is wrong, or cannot be read.
    """
    sources = {
        **_dotenv(dotenv or Path(".env")),
        **(os.environ if environment is None else environment),
    }
    found = {}
    for setting in fields(Settings):
        text = _text_of(variable(setting.name), sources)
        if text:
            found[setting.name] = _parsed(setting.name, setting.metadata["parse"], text)
    settings = Settings(**found)
    if not settings.is_embedded and not settings.secret_key:
        raise SettingError(
            f"{variable('secret_key')} must be set when the database is not embedded"
        )
    return settings


def unknown(environment: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like settings and are none: perhaps mistyped."""
    known = {variable(setting.name) for setting in fields(Settings)}
    names = os.environ if environment is None else environment
    return sorted(
        name
        for name in names
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in known
    )


def aws_region(environment: Mapping[str, str] | None = None) -> str:
    """The region of S3, by the usual AWS variables."""
    sources = os.environ if environment is None else environment
    return sources.get("AWS_REGION") or sources.get("AWS_DEFAULT_REGION") or "us-east-1"


def _dotenv(path: Path) -> dict[str, str]:
    try:
        # As it stands: a `$` in a password is no reference to another variable.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingError(f"cannot read {path}: {reason}") from error
    return {name: value for name, value in values.items() if value is not None}


def table() -> str:
    """The settings as a Markdown table, for the README."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in fields(Settings):
        shown = setting.metadata["shown"] or _shown(setting.default)
        lines.append(f"| `{variable(setting.name)}` | {shown} | {setting.metadata['about']} |")
    return "\n".join(lines)


def _shown(default: Any) -> str:
    if isinstance(default, timedelta):
        return str(int(default.total_seconds()))
    return str(default)


def _text_of(name: str, sources: Mapping[str, str]) -> str:
    text, file = sources.get(name, ""), sources.get(f"{name}_FILE", "")
    if not file:
        return text.strip()
    if text:
        raise SettingError(f"{name} and {name}_FILE are both set; only one of them may be")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingError(f"{name}_FILE: cannot read {file}: {reason}") from error


def _parsed(name: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        rule = str(error)
        # Secrets do not belong on a screen; what urllib says of a port is no rule of ours.
        if not rule.startswith("be ") and not rule.startswith("have "):
            rule = f"be a valid address ({rule})"
        secret = name in ("secret_key", "database_url", "redis_url")
        given = "" if secret else f"; it is {text!r}"
        raise SettingError(f"{variable(name)} must {rule}{given}") from error
