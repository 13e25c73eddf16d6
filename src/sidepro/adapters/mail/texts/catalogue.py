"""The type of the texts of mails: all languages have the same members and placeholders."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkText:
    """A mail with a link: the paragraphs before it, what it does, and the paragraphs after it."""

    subject: str
    before: tuple[str, ...]
    label: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A mail that tells something."""

    subject: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DigestText:
    """A mail about unread things. Sentences are for one event and for several."""

    subject: str
    sentences: Mapping[str, tuple[str, str]]
    """By kind: `{name}`, `{count}`, `{title}`"""
    chat: tuple[str, str]
    """`{name}`, `{count}`"""
    nobody: str
    """The name of a person who withdrew."""
    more: str
    """`{count}`"""
    notifications: str
    """The label of the link to the notifications."""
    chats: str
    """The label of the link to the chats."""


@dataclass(frozen=True, slots=True)
class MailTexts:
    """All texts of mails in one language."""

    greeting: str
    """`{username}`"""
    verification: LinkText
    """`{address}`"""
    password_reset: LinkText
    password_changed: NoticeText
    """`{when}`"""
    email_change_requested: NoticeText
    """`{address}`, `{when}`"""
    email_changed: NoticeText
    """`{address}`, `{when}`"""
    digest: DigestText
    reset_link: str
    """The label of the link to the page for a forgotten password."""
    unsubscribe: str
    """The label of the link that switches such mails off."""
    signature: str
    date: str
    """`{year}`, `{month}`, `{month_name}`, `{day}`, `{half}`, `{hour}`, `{minute}`, `{zone}`"""
    months: tuple[str, ...]
    halves: tuple[str, str]
