"""Texts that every page has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommonTexts:
    site: str
    tagline: str
    skip: str
    menu: str
    browse: str
    feed: str
    publish: str
    chats: str
    my_page: str
    operator: str
    log_in: str
    log_out: str
    sign_up: str
    language: str
    languages: dict[str, str]
    """Each in its own language, by its code."""
    colours: str
    colour_names: dict[str, str]
    """By the value of the cookie: `auto`, `light`, `dark`."""
    previous: str
    next: str
    pages: str
    """The name of the navigation between the pages of a list."""
    optional: str
    away: str
    """Nothing was sent, since there is no network or the server is down."""
    form_errors: str
    """The heading of the summary of a form's errors."""
    done: dict[str, str]
    """What was done before this page, by its code."""
