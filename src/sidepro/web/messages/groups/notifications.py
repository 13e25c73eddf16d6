"""Texts of notifications."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.web.texts import Plural, Text


@dataclass(frozen=True, slots=True)
class NotificationTexts:
    title: str
    unread: Plural
    """The badge in the header, for screen readers."""
    mark_read: str
    new: str
    """The mark of an unread entry."""
    none: str
    none_hint: str
    sentences: Mapping[str, Text]
    """What happened, by kind: `name` of the last person, `count`, `more` than one, `title`."""
    settings: str
    settings_text: str
    kinds: Mapping[str, str]
    """The names of the settings, by kind."""
    deliveries: Mapping[str, str]
