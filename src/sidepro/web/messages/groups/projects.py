"""Texts of a project's page."""

from dataclasses import dataclass

from sidepro.web.texts import Plural


@dataclass(frozen=True, slots=True)
class ProjectTexts:
    menu: str
    edit: str
    delete: str
    edited: str
    author: str
    ask: str
    log_in_to_ask: str
    more_by_author: str
    repository: str
    comments: str
    no_comments: str
    comment_menu: str
    comment_edited: str
    write_comment: str
    post_comment: str
    log_in_to_comment: str
    no_comment: str
    """In the place of the form, while one of viewer and author blocks the other."""
    new_comments: Plural
    """A button that shows them."""
    edit_comment: str
    save: str
    cancel: str
    delete_comment_title: str
    delete_comment_text: str
    delete_title: str
    delete_text: str
    labels: dict[str, str]
    """The fields of the form of a comment."""
