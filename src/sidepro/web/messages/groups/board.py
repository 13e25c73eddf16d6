"""Texts of the board."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.web.texts import Plural


@dataclass(frozen=True, slots=True)
class BoardTexts:
    title: str
    welcome: tuple[str, ...]
    """Lines of manuscript paper: few letters each."""
    welcome_text: str
    hello: str
    """The heading for somebody who is logged in."""
    no_profile: str
    write_profile: str
    similar: str
    """The heading of recommended projects by people with similar skills."""
    popular: str
    """The heading of recommended projects that only are popular."""
    shuffle: str
    also_uses: str
    also_uses_more: Plural
    is_popular: str
    found: str
    """The heading of the projects that match filters."""
    total: Plural
    sorting: str
    sorts: Mapping[str, str]
    """By the value of `sort`."""
    pick_skills: str
    matching: str
    matches: Mapping[str, str]
    """By the value of `match`."""
    apply: str
    filters: str
    text_filter: str
    author_filter: str
    unknown_author: str
    clear: str
    nothing: str
    nothing_hint: str
    drop: str
    """A link that leaves a filter out."""
    nothing_yet: str
    nothing_yet_hint: str
    labels: Mapping[str, str]
    """The names of the filters in errors, by parameter."""
