"""Texts of the board."""

from dataclasses import dataclass

from sidepro.web.texts import Plural


@dataclass(frozen=True, slots=True)
class BoardTexts:
    title: str
    search: str
    search_hint: str
    total: Plural
    nothing: str
    nothing_hint: str
    everything: str
    views: Plural
    bookmarks: Plural
    comments: Plural
