"""Texts of the chats."""

from dataclasses import dataclass

from sidepro.web.texts import Plural, Text


@dataclass(frozen=True, slots=True)
class ChatsTexts:
    title: str
    none: str
    none_hint: str
    find_people: str
    nobody: str
    """The name of a person who withdrew."""
    no_message: str
    mine: Text
    """The last message of a room, sent by the viewer: `body`."""
    unread: Plural
    with_person: Text
    """The title of a room: `name`."""
    back: str
    here: str
    away: str
    log: str
    """The name of the list of messages."""
    older: str
    newest: str
    newer: str
    me: str
    read: str
    typing: Text
    write: str
    hint: str
    send: str
    sending: str
    unverified: str
    refused: str
    again: str
    edit: str
    connecting: str
    offline: str
    session_ended: str
    closed: str
    broken: str
    reload: str
    left_by_other: Text
    withdrawn: str
    leave: str
    leave_hint: str
    about: Text
    no_profile: str
