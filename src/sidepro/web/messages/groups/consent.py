"""Texts of chat requests, of who may ask, and of blocks."""

from dataclasses import dataclass

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.web.texts import Plural, Text


@dataclass(frozen=True, slots=True)
class ConsentTexts:
    ask_title: Text
    """`name`"""
    ask_text: Text
    """`name`"""
    introduction: str
    introduction_hint: str
    send: str
    cancel: str
    labels: dict[str, str]
    """The names of the fields of the forms here."""
    closed: str
    """Instead of a way to ask somebody."""
    tabs: str
    """The name of the navigation between rooms and requests."""
    rooms: str
    received: str
    sent: str
    waiting: Plural
    """Received requests without an answer."""
    no_received: str
    no_received_hint: str
    no_sent: str
    no_sent_hint: str
    browse: str
    states: dict[RequestState, str]
    quiet: str
    """To the recipient of a request that waits."""
    change_of_mind: str
    """To the recipient of a declined request that can still be accepted."""
    accept: str
    decline: str
    withdraw: str
    open_room: str
    settings: str
    settings_text: str
    who: str
    policies: dict[ChatPolicy, str]
    policy_text: str
    save: str
    blocked_people: str
    no_blocked: str
    block: str
    block_title: Text
    """`name`"""
    block_text: tuple[str, ...]
    unblock: str
    is_blocked: Text
    """`name`"""
    unwritable: str
    """In a room of two people without contact."""
