"""Texts of notifications, in English."""

from sidepro.web.messages.groups.notifications import NotificationTexts
from sidepro.web.texts import Plural

TEXTS = NotificationTexts(
    title="Notifications",
    unread=Plural("{count} unread notifications", "{count} unread notification"),
    mark_read="Mark all as read",
    new="New",
    none="No notifications yet",
    none_hint="Comments on your projects and bookmarks of them will show up here.",
    sentences={
        "request": "{name} asks you for a coffee chat.",
        "accepted": "{name} accepted your request for a coffee chat.",
        "comment": Plural(
            "{name} commented on “{title}”. There are {count} new comments.",
            "{name} commented on “{title}”.",
        ),
        "bookmarks": Plural(
            "{name} and {more} more bookmarked “{title}”.",
            "{name} bookmarked “{title}”.",
        ),
        "report-decided": "What you reported was reviewed and settled.",
        "moderated": "A moderator reviewed something of yours.",
    },
    settings="Notification settings",
    settings_text="Choose what you hear of, and how.",
    kinds={
        "request": "Requests for a coffee chat",
        "accepted": "Accepted requests",
        "comment": "Comments on my projects",
        "bookmarks": "Bookmarks of my projects",
        "report-decided": "Results of my reports",
        "moderated": "Moderators’ decisions on my content",
        "messages": "Unread messages",
    },
    deliveries={"off": "Off", "web": "Here only", "mail": "Also by mail"},
)
