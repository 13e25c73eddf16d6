"""Texts of the pages of people."""

from dataclasses import dataclass

from sidepro.web.texts import Text


@dataclass(frozen=True, slots=True)
class PeopleTexts:
    description: Text
    """What other sites show about a person without a bio: `name`."""
    ask: str
    ask_hint: str
    joined: Text
    """When the person signed up: `date`."""
    edit: str
    menu: str
    """What can be done about this person."""
    sections: str
    """The name of the navigation between projects and bookmarks."""
    projects: str
    bookmarks: str
    no_projects: str
    no_bookmarks: str
    browse: str
    no_profile: Text
    """`name`"""
    region: str
    meet_time: str
    github: str
    choices: dict[str, str]
    """The names of the catalogue's regions and times to meet."""
