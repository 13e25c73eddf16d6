"""Texts of the board."""

from sidepro.web.messages.groups.board import BoardTexts
from sidepro.web.texts import Plural

TEXTS = BoardTexts(
    title="Browse side projects",
    search="Search",
    search_hint="Title, summary or author",
    total=Plural("{count} projects", "{count} project"),
    nothing="No project found",
    nothing_hint="Try a shorter search or fewer filters.",
    everything="Show everything",
    views=Plural("{count} views", "{count} view"),
    bookmarks=Plural("{count} bookmarks", "{count} bookmark"),
    comments=Plural("{count} comments", "{count} comment"),
)
