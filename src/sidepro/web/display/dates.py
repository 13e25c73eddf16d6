"""Dates and times in the language and the time zone of the viewer."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sidepro.domain.language import Language
from sidepro.web.display.markup import new_markup
from sidepro.web.texts import Plural, fill

SEOUL = timezone(timedelta(hours=9), "Asia/Seoul")
"""The default. Korea has had no summer time since 1988."""

MAX_ZONE_NAME = 64

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WEEK = 7 * _DAY


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """The words for times of one language."""

    now: str
    minutes: Plural
    hours: Plural
    days: Plural
    day: str
    date: str
    time: str
    months: tuple[str, ...]
    halves: tuple[str, str]


_WORDS = {
    Language.KOREAN: _Words(
        now="방금",
        minutes=Plural("{count}분 전"),
        hours=Plural("{count}시간 전"),
        days=Plural("{count}일 전"),
        day="{month}월 {day}일",
        date="{year}년 {month}월 {day}일",
        time="{half} {hour}:{minute}",
        months=tuple(map(str, range(1, 13))),
        halves=("오전", "오후"),
    ),
    Language.ENGLISH: _Words(
        now="just now",
        minutes=Plural("{count} min ago"),
        hours=Plural("{count} hours ago", "{count} hour ago"),
        days=Plural("{count} days ago", "{count} day ago"),
        day="{month} {day}",
        date="{month} {day}, {year}",
        time="{hour}:{minute} {half}",
        months=(
            *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
            *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        ),
        halves=("AM", "PM"),
    ),
}


@lru_cache(maxsize=100)
def time_zone(name: str | None) -> tzinfo:
    """The time zone with this IANA name; Seoul's for an unknown one."""
    if name is None or len(name) > MAX_ZONE_NAME:
        return SEOUL
    try:
        return ZoneInfo(name)
    # Unknown names, names with `..`, names of folders, and machines without a zone database.
    except (ValueError, OSError, LookupError):
        return SEOUL


@dataclass(frozen=True, slots=True)
class Dates:
    """Formats moments for one viewer. `now` is the time of the request."""

    language: Language
    zone: tzinfo
    now: datetime

    @property
    def today(self) -> str:
        """The date at the viewer's place (ISO 8601)."""
        return self.now.astimezone(self.zone).date().isoformat()

    def ago(self, moment: datetime) -> Markup:
        """A `<time>`: how long ago, or the date after a week. The current year is left out."""
        words = _WORDS[self.language]
        seconds = (self.now - moment).total_seconds()
        if seconds < _MINUTE:
            text = words.now
        elif seconds < _HOUR:
            text = fill(words.minutes, count=int(seconds // _MINUTE))
        elif seconds < _DAY:
            text = fill(words.hours, count=int(seconds // _HOUR))
        elif seconds < _WEEK:
            text = fill(words.days, count=int(seconds // _DAY))
        else:
            texts = _texts(moment, self.zone, words)
            is_this_year = texts.year == self.now.astimezone(self.zone).year
            text = texts.day if is_this_year else texts.date
        return self._element(moment, text)

    def date(self, moment: datetime) -> Markup:
        """A `<time>`: the date."""
        return self._element(moment, self.date_text(moment))

    def time(self, moment: datetime) -> Markup:
        """A `<time>`: the time of day."""
        return self._element(moment, self.time_text(moment))

    def date_text(self, moment: datetime) -> str:
        """The date."""
        return _texts(moment, self.zone, _WORDS[self.language]).date

    def time_text(self, moment: datetime) -> str:
        """The time of day, to the minute."""
        return _texts(moment, self.zone, _WORDS[self.language]).time

    def _element(self, moment: datetime, text: str) -> Markup:
        start = _texts(moment, self.zone, _WORDS[self.language]).start
        # All parts are made of numbers and the words above.
        return new_markup(f"{start}{text}</time>")


class _Texts(NamedTuple):
    """A moment for people, and the start of its element."""

    year: int
    day: str
    date: str
    time: str
    start: str


@lru_cache(maxsize=4_000)
def _texts(moment: datetime, zone: tzinfo, words: _Words) -> _Texts:
    local = moment.astimezone(zone)
    month = words.months[local.month - 1]
    day = words.day.format(month=month, day=local.day)
    date = words.date.format(year=local.year, month=month, day=local.day)
    time = words.time.format(
        half=words.halves[local.hour // 12],
        hour=local.hour % 12 or 12,
        minute=f"{local.minute:02}",
    )
    machine = moment.isoformat(timespec="seconds")
    return _Texts(
        local.year, day, date, time, f'<time datetime="{machine}" title="{date} {time}">'
    )
