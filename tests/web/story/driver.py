"""What a person does in the story, whatever they use for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True)
class Newcomer:
    """What somebody signs up with, and writes into the profile."""

    username: str
    email: str
    password: str
    bio: str
    skills: tuple[str, ...]
    picture: bytes


@dataclass(frozen=True)
class Draft:
    """A project to publish. `picture` is its thumbnail and is shown at the end of its text."""

    title: str
    summary: str
    content: str
    skills: tuple[str, ...]
    picture: bytes


@dataclass(frozen=True)
class ShownProject:
    """A project as its reader sees it. `headings` are those of the content; the other numbers are
    the counts, of which views are left out: reading changes them.
    """

    title: str
    summary: str
    author: str
    skills: tuple[str, ...]
    headings: tuple[str, ...]
    pictures: int
    bookmarked: bool
    bookmarks: int
    comments: tuple[tuple[str, str], ...]
    """Pairs of author and text, oldest first."""


@dataclass(frozen=True)
class ShownPerson:
    """A person's page. `projects` are titles, newest first."""

    username: str
    bio: str
    skills: tuple[str, ...]
    has_picture: bool
    projects: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """Why a project is recommended. `person` has these skills in common with the reader."""

    title: str
    person: str
    shared_skills: tuple[str, ...]


class Chat(Protocol):
    """An open room."""

    async def send(self, body: str) -> None:
        """Sends a message, and waits until it is stored."""
        ...

    async def wait_for(self, body: str) -> None:
        """Waits until this message of the other person has arrived, without asking for it."""
        ...

    async def history(self) -> Sequence[tuple[str, str]]:
        """All messages: pairs of the sender's name and the text, oldest first."""
        ...


class Driver(Protocol):
    """One person at the platform. Each driver remembers who it is logged in as."""

    async def sign_up(self, newcomer: Newcomer) -> None:
        """Signs up, logs in and writes a profile with a picture."""
        ...

    async def publish(self, draft: Draft) -> None:
        """Uploads the picture and publishes the project."""
        ...

    async def find(self, text: str, skill: str) -> Sequence[str]:
        """The titles that the board lists for this text and this skill."""
        ...

    async def read(self, title: str) -> ShownProject:
        """Finds the project on the board and opens it."""
        ...

    async def comment(self, title: str, body: str) -> None: ...

    async def bookmark(self, title: str) -> None: ...

    async def look_up(self, username: str) -> ShownPerson:
        """Opens the page of a person."""
        ...

    async def ask_for_chat(self, username: str, introduction: str) -> None:
        """Asks this person for a coffee chat from their page."""
        ...

    async def accept_chat(self, username: str) -> str:
        """Accepts the request of this person. Returns their introduction."""
        ...

    def chat_with(self, username: str) -> AbstractAsyncContextManager[Chat]:
        """Opens the room with this person, from the list of rooms."""
        ...

    async def recommendations(self) -> Sequence[Reason]:
        """Some of the projects recommended because of similar skills, each time others."""
        ...
