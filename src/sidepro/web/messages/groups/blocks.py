"""Texts of the frame and of the blocks that many screens share."""

from dataclasses import dataclass

from sidepro.web.texts import Plural


@dataclass(frozen=True, slots=True)
class BlockTexts:
    search: str
    """What the field in the header finds."""
    display: str
    """The name of the menu of language and colours."""
    account: str
    """The name of the menu of the viewer."""
    first_page: str
    unread: Plural
    nobody: str
    """The name of a person who withdrew."""
    skills: str
    choose_image: str
    """The button of a field for an image."""
    find_skill: str
    picked_skills: str
    """Before the names of the skills that are picked."""
    remove_filter: str
    views: str
    comments: str
    bookmark: str
